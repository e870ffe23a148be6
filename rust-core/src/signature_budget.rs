//! Verifies signatures within a budget, and each but once: the same root stands in
//! many chains. When the budget is spent nothing is valid any more, and whoever asks
//! has to drop all verdicts.

use std::collections::HashMap;

use bytes::Bytes;

use crate::cofactorless;
use crate::signature::{Check, Verdict, verify};
use crate::wire::signing_input::{Hash, sha256};

/// Verifies signatures, so many and no more.
#[derive(Debug)]
pub struct Signatures {
    left: usize,
    is_spent: bool,
    known: HashMap<Hash, bool>,
    verdicts: Vec<Verdict>,
}

impl Signatures {
    /// May verify so many.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self {
            left: budget,
            is_spent: false,
            known: HashMap::new(),
            verdicts: Vec::new(),
        }
    }

    /// Whether more were asked for than there is a budget for.
    #[must_use]
    pub fn are_spent(&self) -> bool {
        self.is_spent
    }

    /// What was found of those that were verified.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// By the cell's one rule: of capsules, batches and certificates.
    pub fn by_rule(&mut self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        self.once(b"rule", key, message, signature, || {
            let check = Check {
                public_key: Bytes::copy_from_slice(key),
                message: Bytes::copy_from_slice(message),
                signature: Bytes::copy_from_slice(signature),
            };
            verify(&check) == Verdict::Valid
        })
    }

    /// By the narrower rule that nodes apply to links of capabilities and their approvals.
    pub fn without_cofactor(
        &mut self,
        key: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
    ) -> bool {
        self.once(b"bare", key, message, signature, || {
            cofactorless::verify(key, message, signature)
        })
    }

    fn once(
        &mut self,
        rule: &[u8; 4],
        key: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
        verify: impl FnOnce() -> bool,
    ) -> bool {
        let name = sha256(&[rule, key, signature, message]);
        if let Some(is_valid) = self.known.get(&name) {
            return *is_valid;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.is_spent = true;
            return false;
        };
        self.left = left;
        let is_valid = verify();
        self.verdicts.push(if is_valid {
            Verdict::Valid
        } else {
            Verdict::Invalid
        });
        self.known.insert(name, is_valid);
        is_valid
    }
}
