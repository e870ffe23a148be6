import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PAYLOAD_BYTES, readPayload } from "../../src/actors/payload.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a payload", () => {
  test.for([
    ["application/json", '{"a":[1,"x"]}', { a: [1, "x"] }],
    ["application/json; charset=utf-8", "1", 1],
    ["", "true", true],
    ["application/json", "", {}],
    ["text/plain", "héllo", "héllo"],
    ["application/json", '{"a":{"__proto__":{"x":1}}}', { a: {} }],
    ["application/json", '{"\\u005f_proto__":1,"b":2}', { b: 2 }],
  ] as const)("of type %j holding %j reads as what it is", ([type, text, value]) => {
    expect(readPayload(type, bytes(text))).toEqual({ ok: true, value });
  });

  test("of bytes stays bytes", () => {
    const raw = new Uint8Array([0, 255]);
    expect(readPayload("application/octet-stream", raw)).toEqual({ ok: true, value: raw });
  });

  test.for([
    ["an unknown type", "image/png", bytes("x"), "ACTOR_CONTENT_TYPE"],
    ["broken JSON", "application/json", bytes("{"), "ACTOR_PAYLOAD_INVALID"],
    ["broken UTF-8", "text/plain", new Uint8Array([0xff]), "ACTOR_PAYLOAD_INVALID"],
    ["too much", "text/plain", new Uint8Array(MAX_PAYLOAD_BYTES + 1), "ACTOR_PAYLOAD_INVALID"],
    ["too deep JSON", "application/json", bytes("[".repeat(65) + "]".repeat(65)), "ACTOR_PAYLOAD_INVALID"],
  ] as const)("with %s is refused with its code", ([, type, payload, code]) => {
    expect(readPayload(type, payload)).toMatchObject({ ok: false, error: { code } });
  });

  test("of arbitrary bytes is read or refused with a code, and never throws", () => {
    const payload = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(bytes), fc.string().map(bytes));
    const type = fc.oneof(
      fc.constantFrom("application/json", "text/plain", "application/octet-stream"),
      fc.string(),
    );
    fc.assert(
      fc.property(type, payload, (contentType, body) => {
        const read = readPayload(contentType, body);
        if (!read.ok) expect(read.error.code).toMatch(/^ACTOR_(PAYLOAD_INVALID|CONTENT_TYPE)$/);
      }),
      { verbose: 1 },
    );
  });

  test("of JSON reads as JSON.parse would, brackets in strings notwithstanding", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
        const text = JSON.stringify(value);
        if (text.includes("__proto__")) return;
        expect(readPayload("application/json", bytes(text))).toEqual({ ok: true, value: JSON.parse(text) });
      }),
      { verbose: 1 },
    );
  });
});
