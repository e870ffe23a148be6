//! Compiles the wire's protobuf files, without `protoc`, into the code that
//! `proto.rs` includes, and keeps their descriptors for gRPC reflection.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from("../proto");
    for file in ["capability.proto", "capsule.proto", "core.proto"] {
        let path = root.join("cell0/v1").join(file);
        println!("cargo:rerun-if-changed={}", path.display());
    }

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true);
    compiler.open_file("cell0/v1/core.proto")?;

    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out_dir.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
