import { credsAuthenticator } from "@nats-io/nats-core";
import { createUser } from "@nats-io/nkeys";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64Url, toHex } from "../../../src/security/bytes.ts";
import { formatTokenFile } from "../../../src/security/capability/token-file.ts";
import {
  formatCreds,
  type Identity,
  parseCreds,
  signingKeyOf,
} from "../../../src/security/identity/creds-file.ts";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { rootChain } from "../capability/token-fixture.ts";
import {
  annCertificate,
  CELL,
  codeOf,
  genesis,
  issuerCertificate,
  keys,
  must,
  nodeCertificate,
} from "../cell-fixture.ts";

const user = createUser();
const seed = new Uint8Array(32).fill(5);
const identity: Identity = {
  jwt: `${toBase64Url(Buffer.from('{"typ":"JWT"}'))}.${toBase64Url(Buffer.from('{"name":"ann"}'))}.${"c".repeat(86)}`,
  nkeySeed: new TextDecoder().decode(user.getSeed()),
  cell: CELL,
  principal: "ann",
  broker: "nats://127.0.0.1:4222",
  genesis: genesis.bytes,
  key: seed,
  certificates: [issuerCertificate.bytes, nodeCertificate.bytes, annCertificate.bytes],
};
const text = formatCreds(identity);
const secrets = [identity.nkeySeed, toBase64Url(seed), toHex(seed), identity.jwt];

describe("an identity file", () => {
  test("is read as it was written", () => {
    const parsed = must(parseCreds(text));
    expect(parsed).toMatchObject({
      jwt: identity.jwt,
      nkeySeed: identity.nkeySeed,
      principal: "ann",
      cell: CELL,
    });
    expect(parsed.certificate).toEqual(annCertificate);
    expect(parsed.certificates.length).toBe(3);
    expect(toHex(signingKeyOf(parsed).publicKey)).toBe(toHex(keys.ann.publicKey));
  });

  test("may hold a capability of its key, and no other", () => {
    const tokenFor = ({ publicKey: holder }: SigningKey) => formatTokenFile(rootChain({ holder }));
    const own = must(parseCreds(`${text}\n${tokenFor(keys.ann)}`)).capability;
    expect(own?.last.holder).toEqual(keys.ann.publicKey);
    expect(must(parseCreds(text)).capability).toBeUndefined();
    const wrong = [
      tokenFor(keys.bob),
      tokenFor(keys.ann).replace("\nC", "\nD"),
      tokenFor(keys.ann).repeat(2),
    ];
    for (const each of wrong)
      expect(codeOf(parseCreds(`${text}\n${each}`))).toBe("AUTHORITY_IDENTITY_INVALID");
  });

  test("is a credentials file for any NATS client", () => {
    const auth = credsAuthenticator(new TextEncoder().encode(text))("nonce");
    expect(auth).toMatchObject({ jwt: identity.jwt, nkey: user.getPublicKey() });
  });

  test("is read with Windows line ends", () => {
    expect(codeOf(parseCreds(text.replaceAll("\n", "\r\n")))).toBe("ok");
  });

  test.each([
    ["another cell's genesis", { cell: "other" }],
    ["a key that is not its certificate's", { key: new Uint8Array(32).fill(6) }],
    ["a short key", { key: new Uint8Array(31) }],
    ["no certificate of its own", { certificates: [issuerCertificate.bytes] }],
    ["no certificates", { certificates: [] }],
    ["17 certificates", { certificates: Array.from({ length: 17 }, () => annCertificate.bytes) }],
    ["a damaged certificate", { certificates: [annCertificate.bytes.slice(1)] }],
    ["a damaged genesis", { genesis: genesis.bytes.slice(1) }],
    ["a name that is no token", { principal: "../ann" }],
    ["a broker that is no URL", { broker: "nats://a b" }],
    ["a seed that is none", { nkeySeed: "SU" }],
    ["a JWT that is none", { jwt: "x" }],
  ])("with %s is not written", (_name, fields) => {
    expect(() => formatCreds({ ...identity, ...fields })).toThrow(
      expect.objectContaining({ code: "AUTHORITY_IDENTITY_INVALID" }),
    );
  });

  test("with a block twice, missing or too large is refused", () => {
    expect(codeOf(parseCreds(text + text))).toBe("AUTHORITY_IDENTITY_INVALID");
    expect(codeOf(parseCreds(""))).toBe("AUTHORITY_IDENTITY_INVALID");
    expect(codeOf(parseCreds(text.slice(0, text.indexOf("CELL0"))))).toBe("AUTHORITY_IDENTITY_INVALID");
    expect(codeOf(parseCreds(text + " ".repeat(300_000)))).toBe("AUTHORITY_IDENTITY_INVALID");
  });

  test("never leaks what it holds in an error, however it is damaged", () => {
    const edit = fc.tuple(fc.nat(text.length - 1), fc.string({ unit: "grapheme-ascii", maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), fc.boolean(), (edits, cut) => {
        let damaged = text;
        for (const [at, insert] of edits)
          damaged = damaged.slice(0, at) + insert + damaged.slice(at + (cut ? 40 : 1));
        const parsed = parseCreds(damaged);
        if (parsed.ok) return;
        expect(parsed.error.code).toBe("AUTHORITY_IDENTITY_INVALID");
        const { message, stack, cause, details, remedy, where } = parsed.error;
        const shown = JSON.stringify([message, stack, cause, details, remedy, where]);
        for (const secret of secrets) {
          for (let at = 0; at + 12 <= secret.length; at += 6)
            expect(shown).not.toContain(secret.slice(at, at + 12));
        }
      }),
      { numRuns: 400 },
    );
  });
});
