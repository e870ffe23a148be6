//! Limits on what is used under a token. Nodes count what is used: what an intent takes of one is
//! the graph's to say, which is not known here.

use crate::wire::SAFE_INTEGER_MAX;
use crate::wire::fields::{Fields, FormFault, set};

/// Memory, processor, storage, agents, calls and cost, in the order of their fields.
const LIMITS: usize = 6;

/// What is limited, and how far; what is absent is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits([Option<u64>; LIMITS]);

impl Limits {
    /// Reads the message `ResourceLimits`.
    ///
    /// # Errors
    /// When it is no such message.
    pub fn read(bytes: &[u8]) -> Result<Self, FormFault> {
        let mut limits = [None; LIMITS];
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            let place = usize::try_from(field.number)
                .ok()
                .and_then(|n| n.checked_sub(1));
            match place.and_then(|place| limits.get_mut(place)) {
                Some(limit) => set(limit, field.u64()?)?,
                None => field.unknown()?,
            }
        }
        Ok(Self(limits))
    }

    /// Whether anything is limited.
    #[must_use]
    pub fn are_any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Whether each is a number that every reader holds exactly.
    #[must_use]
    pub fn are_safe(&self) -> bool {
        self.0
            .iter()
            .flatten()
            .all(|limit| *limit <= SAFE_INTEGER_MAX)
    }

    /// Whether nothing that the others limit goes further, or without a limit.
    #[must_use]
    pub fn are_within(&self, outer: &Self) -> bool {
        self.0
            .iter()
            .zip(&outer.0)
            .all(|(inner, outer)| match (inner, outer) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(inner), Some(outer)) => inner <= outer,
            })
    }
}
