//! The wire's messages and services, generated from `proto/cell0/v1` by
//! `build.rs`. Nothing here is written by hand.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated code"
)]

tonic::include_proto!("cell0.v1");

/// Serialised descriptors of the services, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
