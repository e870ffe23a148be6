//! Older certificates of nodes and issuers: which keys followed each other. Nothing
//! is accepted under them. Bounded for each; the oldest give way.

use std::collections::{BTreeMap, HashMap};

use super::certificate::{Certificate, Kind};

const RETIRED_MAX: usize = 24;

/// By name and generation.
#[derive(Debug, Default)]
pub(super) struct RetiredKeys<'a> {
    by_principal: HashMap<&'a str, BTreeMap<u64, Certificate<'a>>>,
}

impl<'a> RetiredKeys<'a> {
    /// One whose chain and signatures were verified; a client's is not kept.
    pub(super) fn keep(&mut self, certificate: Certificate<'a>) {
        if certificate.kind == Kind::Client {
            return;
        }
        let all = self.by_principal.entry(certificate.principal).or_default();
        all.insert(certificate.generation, certificate);
        if all.len() > RETIRED_MAX {
            all.pop_first();
        }
    }

    /// It is the name of another kind of principal now.
    pub(super) fn forget(&mut self, principal: &str) {
        self.by_principal.remove(principal);
    }

    pub(super) fn of_generation(
        &self,
        principal: &str,
        generation: u64,
    ) -> Option<&Certificate<'a>> {
        self.by_principal.get(principal)?.get(&generation)
    }
}
