//! Envelopes: one verdict a capsule; one for all when they cannot be told apart.

use super::{Court, Verdict};
use crate::signature_budget::Signatures;
use crate::wire::capsule;
use crate::wire::envelope::{self, Envelope, EnvelopeFault, Proof};
use crate::wire::merkle::{leaf, root_of_range};
use crate::wire::signing_input::{self, sha256};

type Rule = fn(&mut Signatures, &[u8; 32], &[u8], &[u8; 64]) -> bool;

impl Court<'_> {
    /// Judges each capsule by form, issuer, proof and authority, in this order.
    pub fn judge_envelope(&self, bytes: &[u8], signatures: &mut Signatures) -> Vec<Verdict> {
        let envelope = match envelope::read(bytes) {
            Ok(envelope) => envelope,
            Err(fault) => return vec![Err(fault.into())],
        };
        // Each verified for the first capsule of its kind that is not refused for less.
        let (mut of_intents, mut of_replies) = (None, None);
        let mut judge = |bytes: &&[u8]| -> Verdict {
            let capsule = capsule::read(bytes)?;
            let certificate = self.sender(&capsule, &envelope.issuer)?;
            let (proof, rule) = match capsule.reply {
                None => (&mut of_intents, Signatures::by_rule as Rule),
                // As who waits for a reply judges it.
                Some(_) => (&mut of_replies, Signatures::without_cofactor as Rule),
            };
            (*proof.get_or_insert_with(|| self.prove(&envelope, signatures, rule)))?;
            self.authorise(&capsule, certificate, &envelope.issuer, signatures)
        };
        envelope.capsules.iter().map(&mut judge).collect()
    }

    fn prove(
        &self,
        envelope: &Envelope<'_>,
        signatures: &mut Signatures,
        rule: Rule,
    ) -> Result<(), EnvelopeFault> {
        let Envelope {
            issuer,
            capsules,
            proof,
            signature,
        } = envelope;
        let message = match proof {
            Proof::Single => {
                // Of one capsule there is one hash.
                signing_input::single(&self.genesis_hash, issuer, &sha256(capsules))
            }
            Proof::Merkle(batch) => {
                let leaves = capsules.iter().map(|capsule| leaf(capsule)).collect();
                let root = root_of_range(leaves, batch.first, batch.count, &batch.path);
                if root != Some(batch.root) {
                    return Err(EnvelopeFault::Proof("the path does not lead to the root"));
                }
                let (number, count) = (batch.number, batch.count);
                signing_input::batch(&self.genesis_hash, issuer, number, count, &batch.root)
            }
        };
        match rule(signatures, issuer, &message, signature) {
            true => Ok(()),
            false => Err(EnvelopeFault::Signature),
        }
    }
}
