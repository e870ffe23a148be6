//! Who a cell trusts: its genesis, and the certificates that chain to it.

pub mod certificate;
mod certificate_body;
pub mod fault;
pub mod genesis;
pub mod store;
