//! Approvals: a token can demand that some of the keys that it names agree to it
//! before it counts. Each signs the token's hash.

use crate::signature::is_small_order;
use crate::wire::fields::{Fields, FormFault, add, set};

/// Keys that a token may name, and approvals that it may have.
pub const APPROVERS_MAX: usize = 8;

/// Who is to approve a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// From 1 to the number of approvers.
    needed: usize,
    /// Keys, ascending.
    approvers: Vec<[u8; 32]>,
}

/// One that a token has. Its signature is not verified by reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approval<'a> {
    /// Key of who agrees; as it came, of any length.
    pub approver: &'a [u8],
    /// Its signature, as it came.
    pub signature: &'a [u8],
}

impl Demand {
    /// Reads the message `ApprovalDemand`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let (needed, keys) = decode(bytes).map_err(|_| "its demand is not its protobuf")?;
        let needed = usize::try_from(needed).map_err(|_| "it needs too many approvals")?;
        if needed < 1 || needed > keys.len() {
            return Err("it needs no approval, or more than there are approvers");
        }
        let approvers: Vec<[u8; 32]> = keys
            .into_iter()
            .map(|key| acceptable_key(key).ok_or("an approver is not an acceptable key"))
            .collect::<Result<_, _>>()?;
        match approvers.is_sorted_by(|a, b| a < b) {
            true => Ok(Self { needed, approvers }),
            false => Err("its approvers are not in their order, each once"),
        }
    }
}

/// The part of a key's form that costs nothing: 32 bytes, a canonical y, no small
/// order. Whether it is a point shows when a signature under it is verified.
#[must_use]
pub fn acceptable_key(bytes: &[u8]) -> Option<[u8; 32]> {
    let key = <[u8; 32]>::try_from(bytes).ok()?;
    (is_below_prime(&key) && !is_small_order(&key)).then_some(key)
}

/// Of the 2^255 values of y the last 19 are not below p.
fn is_below_prime(key: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = key;
    let is_high = last & 0x7f == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    !is_high || *first < 0xed
}

/// Whether approvals are of whom the token asks, in their order, each once.
///
/// # Errors
/// What is wrong, in words.
pub fn check_form(approvals: &[Approval<'_>], demand: Option<&Demand>) -> Result<(), &'static str> {
    if !approvals.is_sorted_by(|a, b| a.approver < b.approver) {
        return Err("its approvals are not in their order, each once");
    }
    let is_asked = |approval: &Approval<'_>| {
        demand.is_some_and(|demand| demand.approvers.iter().any(|key| key == approval.approver))
    };
    if !approvals.iter().all(is_asked) {
        return Err("it has the approval of somebody whom it does not ask");
    }
    match approvals
        .iter()
        .all(|approval| approval.signature.len() == 64)
    {
        true => Ok(()),
        false => Err("an approval's signature is not 64 bytes"),
    }
}

/// Whether enough have approved; of its approvers those count that `counts` says.
#[must_use]
pub fn are_enough(
    approvals: &[Approval<'_>],
    demand: Option<&Demand>,
    counts: impl Fn(&[u8]) -> bool,
) -> bool {
    let given = approvals
        .iter()
        .filter(|approval| counts(approval.approver));
    demand.is_none_or(|demand| given.count() >= demand.needed)
}

impl<'a> Approval<'a> {
    /// Reads the message `Approval`.
    ///
    /// # Errors
    /// When it is no such message.
    pub fn read(bytes: &'a [u8]) -> Result<Self, FormFault> {
        let (mut approver, mut signature) = (None, None);
        let mut fields = Fields::of(bytes);
        while let Some(field) = fields.read()? {
            match field.number {
                1 => set(&mut approver, field.bytes()?)?,
                2 => set(&mut signature, field.bytes()?)?,
                _ => field.unknown()?,
            }
        }
        let [approver, signature] = [approver, signature].map(Option::unwrap_or_default);
        Ok(Self {
            approver,
            signature,
        })
    }
}

fn decode(bytes: &[u8]) -> Result<(u32, Vec<&[u8]>), FormFault> {
    let (mut needed, mut approvers) = (None, Vec::new());
    let mut fields = Fields::of(bytes);
    while let Some(field) = fields.read()? {
        match field.number {
            1 => set(&mut needed, field.u32()?)?,
            2 => add(&mut approvers, field.bytes()?, APPROVERS_MAX)?,
            _ => field.unknown()?,
        }
    }
    Ok((needed.unwrap_or_default(), approvers))
}
