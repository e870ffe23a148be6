//! Who a cell trusts: its genesis, and the certificates that chain to it.

pub mod certificate;
mod certificate_body;
pub mod continuity;
pub mod fault;
mod former_keys;
pub mod genesis;
mod preserved_keys;
mod retired_keys;
pub mod store;
