//! Capability tokens: who may ask what of whom, until when, by a chain of links
//! from a root that the cell's authority signed to the holder who uses it.

pub mod approval;
pub mod chain;
pub mod constraint;
pub mod constraint_form;
pub mod fault;
pub mod holder;
pub mod implies;
pub mod limits;
pub mod narrower;
pub mod pattern;
pub mod permission;
pub mod standing;
pub mod token;
pub mod token_body;
