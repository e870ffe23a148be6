// A signature as the Rust core is asked about it.
import { create } from "@bufbuild/protobuf";
import { Algorithm } from "../gen/cell0/v1/capsule_pb.ts";
import { type SignatureCheck, SignatureCheckSchema } from "../gen/cell0/v1/core_pb.ts";
import type { Signed } from "../security/wire/verify-envelope.ts";

export const signatureCheck = (signed: Signed): SignatureCheck =>
  create(SignatureCheckSchema, { algorithm: Algorithm.ED25519, ...signed });
