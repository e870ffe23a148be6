//! Whether whatever meets one constraint meets another. What is not plainly so counts
//! as not so.

use super::constraint::{Constraint, Rule};
use crate::json::Json;
use crate::json::scalar::Scalar;

/// Whether whatever meets `inner` meets `outer`.
#[must_use]
pub fn implies(inner: &Constraint<'_>, outer: &Constraint<'_>) -> bool {
    inner.path == outer.path && rule_implies(&inner.rule, &outer.rule)
}

fn rule_implies(inner: &Rule, outer: &Rule) -> bool {
    let allows = |value: &Scalar| outer.holds(&Json::Scalar(value.clone()));
    match (inner, outer) {
        (Rule::Equals(value), _) => allows(value),
        (Rule::OneOf(values), _) => values.iter().all(allows),
        (Rule::Prefix(inner), Rule::Prefix(outer)) => inner.starts_with(outer),
        (Rule::Range(least, most), Rule::Range(outer_least, outer_most)) => {
            // A bound that is not there is wider than any.
            let is_at_least = |outer: f64| least.is_some_and(|least| least >= outer);
            let is_at_most = |outer: f64| most.is_some_and(|most| most <= outer);
            outer_least.is_none_or(is_at_least) && outer_most.is_none_or(is_at_most)
        }
        (Rule::Subset(inner), Rule::Subset(outer)) => {
            inner.iter().all(|value| outer.contains(value))
        }
        (Rule::MaxLength(inner), Rule::MaxLength(outer)) => inner <= outer,
        _ => false,
    }
}
