//! Whether a token allows nothing that its parent does not, in every dimension.
//! Decidable, and on the safe side: a permission must lie within a single one of the
//! parent's.

use super::implies::implies;
use super::pattern::{Separator, are_within};
use super::permission::Permission;
use super::token_body::{Claims, TokenKind};

/// What of a token is wider than its parent, in words; `None`: nothing.
#[must_use]
pub fn widened(child: &Claims<'_>, parent: &Claims<'_>) -> Option<&'static str> {
    let wider = |is_wider: bool, what| is_wider.then_some(what);
    wider(!may_follow(child.kind, parent.kind), "its kind is another")
        .or_else(|| wider(child.scope != parent.scope, "its scope is another"))
        .or_else(|| wider(child.epoch != parent.epoch, "its epoch is another"))
        .or_else(|| {
            wider(
                child.not_before_unix_ms < parent.not_before_unix_ms,
                "it begins earlier",
            )
        })
        .or_else(|| {
            wider(
                child.not_after_unix_ms > parent.not_after_unix_ms,
                "it ends later",
            )
        })
        .or_else(|| {
            wider(
                child.max_depth >= parent.max_depth,
                "it may be handed on as often",
            )
        })
        .or_else(|| {
            wider(
                !child.limits.are_within(&parent.limits),
                "a limit is higher, or missing",
            )
        })
        .or_else(|| {
            let is_loose = |inner: &Permission<'_>| {
                !parent
                    .permissions
                    .iter()
                    .any(|outer| is_permission_within(inner, outer))
            };
            wider(
                child.permissions.iter().any(is_loose),
                "a permission lies within none of its",
            )
        })
}

/// Nothing follows an actor's; for an actor is narrower than for a client, and once than
/// many times.
fn may_follow(kind: TokenKind, parent: TokenKind) -> bool {
    match (parent, kind) {
        (TokenKind::Agent, _) => false,
        (_, TokenKind::Agent) => parent != TokenKind::Federation,
        (_, TokenKind::Ephemeral) => true,
        _ => kind == parent,
    }
}

fn is_permission_within(inner: &Permission<'_>, outer: &Permission<'_>) -> bool {
    are_within(&inner.intents, &outer.intents, Separator::Dot)
        && are_within(&inner.targets, &outer.targets, Separator::Slash)
        && outer
            .constraints
            .iter()
            .all(|wide| inner.constraints.iter().any(|each| implies(each, wide)))
}
