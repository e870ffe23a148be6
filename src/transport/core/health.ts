// The two messages of grpc.health.v1 (gRPC's health checking protocol), which
// are one field each: not worth generated code.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

export const HEALTH_WATCH = "/grpc.health.v1.Health/Watch";

/** ServingStatus of HealthCheckResponse. */
export const SERVING = 1;

/** HealthCheckRequest; an empty name asks for the server as a whole. */
export function encodeHealthRequest(service: string): Buffer {
  const writer = new BinaryWriter();
  if (service !== "") writer.tag(1, 2).string(service);
  return Buffer.from(writer.finish());
}

/** Whether a HealthCheckResponse says that the server serves. Throws on malformed bytes. */
export function decodeHealthResponse(bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  let status = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === 0) status = reader.int32();
    else reader.skip(wireType, field);
  }
  return status === SERVING;
}
