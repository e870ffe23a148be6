// What takes the place of a module in a browser says what that module says.
import { globSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { checkout } from "../../scripts/setup/paths.mjs";
import { signatureVectors } from "../../scripts/signature-vectors.ts";
import * as browserBytes from "../../src/security/bytes.browser.ts";
import * as bytes from "../../src/security/bytes.ts";
import * as browserFiles from "../../src/security/identity/key-files.browser.ts";
import * as files from "../../src/security/identity/key-files.ts";
import { SigningKey as BrowserKey } from "../../src/security/keys/signing-key.browser.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import * as browserVerify from "../../src/security/keys/verify.browser.ts";
import type * as verify from "../../src/security/keys/verify.ts";
import * as browserNats from "../../src/transport/open-nats.browser.ts";
import * as nats from "../../src/transport/open-nats.ts";
import * as browserTurn from "../../src/transport/turn.browser.ts";
import * as turn from "../../src/transport/turn.ts";
import * as browserMemory from "../../src/wire/memory.browser.ts";
import * as memory from "../../src/wire/memory.ts";

const any = fc.uint8Array({ maxLength: 9_000 });
const text = fc.string({ unit: "binary", maxLength: 300 });

describe("a module for browsers", () => {
  const names = globSync("src/**/*.browser.ts", { cwd: checkout.root }).toSorted();

  it("there is", () => expect(names.length).toBeGreaterThan(5));

  it.each(names)("%s exports what the one for Node does", async (name) => {
    const [own, other] = await Promise.all(
      [name, name.replace(".browser.ts", ".ts")].map((path) => import(join(checkout.root, path))),
    );
    expect(Object.keys(own).toSorted()).toEqual(Object.keys(other).toSorted());
  });

  it("has the same types, to the compiler", () => {
    expectTypeOf(browserBytes).toExtend<typeof bytes>();
    expectTypeOf(browserFiles).toExtend<typeof files>();
    expectTypeOf(browserVerify).toExtend<typeof verify>();
    expectTypeOf(browserNats).toExtend<typeof nats>();
    expectTypeOf(browserTurn).toExtend<typeof turn>();
    expectTypeOf(browserMemory).toExtend<typeof memory>();
    expectTypeOf<Pick<BrowserKey, keyof SigningKey & string>>().toExtend<
      Pick<SigningKey, keyof SigningKey & string>
    >();
    expect([files, nats, turn].every((each) => Object.keys(each).length > 0)).toBe(true);
  });
});

describe("bytes in a browser", () => {
  it("hash, join, compare and print as in Node", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(browserBytes.sha256(a, b)).toEqual(bytes.sha256(a, b));
        expect(browserBytes.concat(a, b)).toEqual(new Uint8Array(bytes.concat(a, b)));
        expect(browserBytes.equalBytes(a, b)).toBe(bytes.equalBytes(a, b));
        expect(browserBytes.equalBytes(a, browserBytes.copyOf(a))).toBe(true);
        expect(browserBytes.mapKey(a)).toBe(bytes.mapKey(a));
        expect(browserBytes.toHex(a)).toBe(bytes.toHex(a));
        expect(browserBytes.toBase64Url(a)).toBe(bytes.toBase64Url(a));
        expect(browserBytes.fromBase64Url(bytes.toBase64Url(a))).toEqual(a);
        expect(browserBytes.fromHex(bytes.toHex(a))).toEqual(a);
      }),
    );
  });

  it("are read from the same texts, and from no others", () => {
    const written = fc.string({ unit: fc.constantFrom(..."AaBbQQ019-_=+/ g"), maxLength: 12 });
    fc.assert(
      fc.property(written, (each) => {
        expect(browserBytes.fromBase64Url(each)).toEqual(bytes.fromBase64Url(each));
        expect(browserBytes.fromHex(each)).toEqual(bytes.fromHex(each));
      }),
      { numRuns: 2_000 },
    );
  });

  it("become text, and text bytes, as in Node", () => {
    fc.assert(
      fc.property(any, text, (each, words) => {
        expect(browserMemory.isUtf8(each)).toBe(memory.isUtf8(each));
        expect(browserMemory.latin1Of(each)).toBe(memory.latin1Of(each));
        expect(browserMemory.utf8Of(words)).toEqual(new Uint8Array(memory.utf8Of(words)));
        expect(browserMemory.isUtf8(browserMemory.utf8Of(words))).toBe(true);
      }),
    );
  });
});

describe("signatures in a browser", () => {
  it("are those that Node makes", () => {
    const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seeds, any, (seed, message) => {
        const [own, other] = [BrowserKey.fromSeed(seed), SigningKey.fromSeed(seed)];
        expect(own.publicKey).toEqual(other.publicKey);
        expect(own.sign(message)).toEqual(new Uint8Array(other.sign(message)));
        expect(String(own)).toBe(String(other));
      }),
      { numRuns: 25 },
    );
    expect(() => BrowserKey.fromSeed(new Uint8Array(31))).toThrow("32 bytes");
  });

  it("are judged by the one rule, by the quick way too", () => {
    const rows = signatureVectors();
    expect(rows.length).toBeGreaterThan(1_000);
    const judged = rows.map(({ key, message, signature }) => [
      browserVerify.verifyByRule(key, message, signature),
      browserVerify.verifyEd25519(key, message, signature),
    ]);
    expect(judged).toEqual(rows.map(({ verdict }) => [verdict === "valid", verdict === "valid"]));
  });

  it("waits for no timer between two turns", async () => {
    const order: string[] = [];
    browserTurn.nextTurn(() => order.push("turn"));
    queueMicrotask(() => order.push("microtask"));
    await browserTurn.turned();
    expect(order).toEqual(["microtask", "turn"]);
  });
});
