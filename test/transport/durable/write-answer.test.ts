import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAnswer, usualAnswer } from "../../../src/transport/durable/write-answer.ts";

const STREAM = "CELL0_test_JOURNAL";
const usual = usualAnswer(STREAM);
const read = (text: string) => readAnswer(new TextEncoder().encode(text), usual, "here");
const failure = (code: string) => ({ ok: false, error: { code, where: "here" } });

describe("the broker's answer to a write", () => {
  it("is read the same in its usual form and in any other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (seq) => {
        const value = { ok: true, value: seq };
        expect(read(`{"stream":"${STREAM}", "seq":${seq}}`)).toEqual(value);
        expect(read(JSON.stringify({ stream: STREAM, domain: "leaf", seq, duplicate: false }))).toEqual(
          value,
        );
      }),
    );
  });

  it.each([
    [10071, "BROKER_STREAM_CONFLICT"],
    [10164, "BROKER_STREAM_CONFLICT"],
    [10060, "BROKER_STREAM_UNAVAILABLE"],
    [10077, "BROKER_STREAM_UNAVAILABLE"],
  ])("%d is %s", (errCode, code) => {
    const error = { code: 400, err_code: errCode, description: "as it says" };
    expect(read(JSON.stringify({ error, stream: STREAM, seq: 0 }))).toMatchObject(failure(code));
  });

  it.each([
    "",
    "null",
    "{}",
    `{"stream":"${STREAM}", "seq":0}`,
    `{"stream":"${STREAM}", "seq":}`,
    `{"stream":"${STREAM}", "seq":1x}`,
    `{"stream":"${STREAM}", "seq":-1}`,
    `{"stream":"${STREAM}", "seq":9007199254740993}`,
    '{"stream":"","seq":4}',
    '{"error":"no"}',
    '{"error":{"err_code":"10071"}}',
  ])("says nothing when it is %j", (text) => {
    expect(read(text)).toMatchObject(failure("BROKER_UNREACHABLE"));
  });

  it("never throws, whatever bytes come", () => {
    const tail = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.concat([usual, bytes]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), tail), (bytes) => {
        const outcome = readAnswer(bytes, usual, "here");
        if (outcome.ok) expect(JSON.parse(new TextDecoder().decode(bytes)).seq).toBe(outcome.value);
      }),
    );
  });
});
