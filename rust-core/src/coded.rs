//! Errors of the core carry a stable code, so that hosts and people can act on
//! them without reading prose.

/// An error with a stable code, `CORE_...`, that never changes its meaning.
pub trait Coded {
    /// The stable code.
    fn code(&self) -> &'static str;
}
