// Who gets which capability minted: within what is granted to who asks, and on record.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Minter, MintRequest } from "../../src/actors/kernel/capabilities.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { MintedCapabilitySchema } from "../../src/gen/cell0/v1/capability_pb.ts";
import { type MintPorts, mintedRows, mintToken } from "../../src/runtime/minting.ts";
import { toHex } from "../../src/security/bytes.ts";
import { chainBytes, chainOf } from "../../src/security/capability/chain.ts";
import { cellChainVerifier } from "../../src/security/capability/chain-verifier.ts";
import { signToken } from "../../src/security/capability/token.ts";
import { NOTHING_GRANTED } from "../../src/security/intake/authority.ts";
import { RevocationList } from "../../src/security/revocation/revocation-list.ts";
import { nothingRevoked, tokenClaims } from "../security/capability/token-fixture.ts";
import {
  certify,
  codeOf,
  genesis,
  issuerCertificate,
  keys,
  must,
  nodeBCertificate,
  nodeCertificate,
  trustStore,
} from "../security/cell-fixture.ts";
import { revocationsOf, revokedOf } from "../security/revocation/revocation-fixture.ts";

const DAY = 86_400_000;
const now = () => Date.now();
const lasting = { notBeforeUnixMs: 1, notAfterUnixMs: now() + DAY };
const issuer = certify(
  { key: keys.issuer.publicKey, principal: "issuer", kind: "issuer", ...lasting },
  keys.genesis,
);
const shards = [{ first: 0, last: 255 }];
const node = certify({ key: keys.nodeA.publicKey, principal: "a", kind: "node", shards, ...lasting });
const ann = certify({ grants: [{ intents: ["ticket.*"], targets: ["support/**"] }], ...lasting });
const bob = certify({ key: keys.bob.publicKey, principal: "bob", ...lasting });

const request = (given: Partial<MintRequest> = {}): MintRequest => ({
  holder: toHex(keys.bob.publicKey),
  permissions: [{ intents: ["ticket.open"], targets: ["support/triage"], where: ["/amount <= 10"] }],
  ttlMs: 60_000,
  depth: 1,
  once: false,
  ...given,
});
const minter = (given: Partial<Minter> = {}): Minter => ({
  id: "00112233445566778899aabbccddeeff",
  principal: "ann",
  source: "",
  ...given,
});

function setUp(given: Partial<MintPorts> = {}) {
  const records: Uint8Array[] = [];
  const events: unknown[] = [];
  const trust = trustStore([issuer, node, ann, bob]);
  const ports: MintPorts = {
    key: keys.nodeA,
    trust,
    revocations: new RevocationList(),
    stream: {
      ensure: async () => {},
      append: async (_token, record) => ok(records.push(record)),
      newest: async (count) => records.slice(-count),
    },
    actorGrants: (path) =>
      path === "support/boss"
        ? { grants: [{ intents: ["ticket.close"], targets: ["support/*"] }] }
        : NOTHING_GRANTED,
    clientGrants: (name) =>
      name === "bob" ? [{ grants: [{ intents: ["ticket.open"], targets: ["support/triage"] }] }] : [],
    nextId: () => new Uint8Array(16).fill(records.length + 1),
    record: ({ kind }) => events.push(kind),
    ...given,
  };
  return { ports, records, events, trust };
}
const mintAs = (asked: Partial<MintRequest>, who: Partial<Minter>, ports = setUp().ports) =>
  mintToken(request(asked), minter(who), ports).then(ok, (error: CellError) => err(error));

describe("the capability authority", () => {
  test("mints what counts in the cell, with its conditions, and puts it on record", async () => {
    const { ports, events, trust } = setUp();
    const token = await mintToken(request(), minter(), ports);
    const chain = must(chainOf([token]));
    expect(
      codeOf(cellChainVerifier(trust, nothingRevoked).verify(chainBytes(chain), keys.bob.publicKey, now())),
    ).toBe("ok");
    expect(token).toMatchObject({
      kind: "user",
      maxDepth: 1,
      permissions: [{ constraints: [{ path: "/amount", rule: { kind: "range", most: 10 } }] }],
    });
    expect(events).toMatchObject([{ case: "capabilityMinted", value: { author: "ann", token: token.hash } }]);
    expect(await mintedRows(ports)).toEqual([
      {
        hash: toHex(token.hash),
        holder: toHex(keys.bob.publicKey),
        client: "bob",
        permissions: [{ intents: ["ticket.open"], targets: ["support/triage"], where: ["/amount <= 10"] }],
        kind: "user",
        once: false,
        depth: 1,
        scope: "ann",
        epoch: 0,
        notAfterUnixMs: token.notAfterUnixMs,
        author: "ann",
        revoked: false,
      },
    ]);
  });

  test("mints for an actor, and lists it by the path that it was asked for", async () => {
    const { ports, trust, records } = setUp();
    const token = await mintToken(request({ holder: "support/desk", depth: 0 }), minter(), ports);
    const bytes = chainBytes(must(chainOf([token])));
    const verify = (actor: string) =>
      codeOf(cellChainVerifier(trust, nothingRevoked).verify(bytes, { actor }, now()));
    expect([verify("support/desk"), verify("support/triage")]).toEqual(["ok", "CAPABILITY_HOLDER_MISMATCH"]);
    expect(await mintedRows(ports)).toMatchObject([{ actor: "support/desk", holder: toHex(token.holder) }]);
    // The stream is any node's to write.
    const record = fromBinary(MintedCapabilitySchema, records[0] ?? new Uint8Array());
    records[0] = toBinary(MintedCapabilitySchema, { ...record, actor: "support/boss" });
    expect(await mintedRows(ports)).toEqual([expect.not.objectContaining({ actor: expect.anything() })]);
  });

  const wide = (intents: string[], targets: string[]) => ({ permissions: [{ intents, targets, where: [] }] });
  test.for<[what: string, asked: Partial<MintRequest>, who: Partial<Minter>, code: string]>([
    ["all of a certificate's grant", wide(["ticket.*"], ["support/**"]), {}, "ok"],
    ["more intents than that", wide(["*"], ["support/**"]), {}, "AUTHORITY_INTENT_FORBIDDEN"],
    ["more targets than that", wide(["ticket.open"], ["**"]), {}, "AUTHORITY_INTENT_FORBIDDEN"],
    ["the kernel", wide(["ticket.open"], ["kernel/graph"]), {}, "AUTHORITY_INTENT_FORBIDDEN"],
    ["a manifest's grant to a client", {}, { principal: "bob" }, "ok"],
    [
      "more than that",
      wide(["ticket.close"], ["support/triage"]),
      { principal: "bob" },
      "AUTHORITY_INTENT_FORBIDDEN",
    ],
    ["for nobody who is known", {}, { principal: "carol" }, "AUTHORITY_INTENT_FORBIDDEN"],
    ["for a node itself", {}, { principal: "a" }, "AUTHORITY_INTENT_FORBIDDEN"],
    [
      "an actor's grant",
      wide(["ticket.close"], ["support/x"]),
      { principal: "a", source: "support/boss" },
      "ok",
    ],
    [
      "what its node's actors may not",
      {},
      { principal: "a", source: "support/boss" },
      "AUTHORITY_INTENT_FORBIDDEN",
    ],
    [
      "one permission of two that is too much",
      {
        permissions: [
          { intents: ["ticket.open"], targets: ["support/a"], where: [] },
          { intents: ["ticket.open"], targets: ["other/a"], where: [] },
        ],
      },
      {},
      "AUTHORITY_INTENT_FORBIDDEN",
    ],
    [
      "a condition that is none",
      { permissions: [{ intents: ["ticket.open"], targets: ["support/a"], where: ["/a ~ b"] }] },
      {},
      "CAPABILITY_MALFORMED",
    ],
    ["a pattern that is none", wide(["Ticket"], ["support/a"]), {}, "CAPABILITY_MALFORMED"],
    ["for a node's key", { holder: toHex(keys.nodeA.publicKey) }, {}, "CAPABILITY_MALFORMED"],
    ["for the issuer's key", { holder: toHex(keys.issuer.publicKey) }, {}, "CAPABILITY_MALFORMED"],
    ["for a key that is none", { holder: "00".repeat(32) }, {}, "CAPABILITY_MALFORMED"],
    ["for an actor, to be handed on", { holder: "support/desk" }, {}, "CAPABILITY_MALFORMED"],
    [
      "for an actor, to serve once",
      { holder: "support/desk", depth: 0, once: true },
      {},
      "CAPABILITY_MALFORMED",
    ],
    ["for a key that it has never seen", { holder: toHex(keys.stranger.publicKey) }, {}, "ok"],
    ["one that serves once for too long", { once: true, ttlMs: 300_001 }, {}, "CAPABILITY_MALFORMED"],
  ])("is asked for %s: %s", async ([, asked, who, code]) => {
    expect(codeOf(await mintAs(asked, who))).toBe(code);
  });

  const chief = certify({
    key: keys.stranger.publicKey,
    principal: "chief",
    grants: [{ intents: ["**"], targets: ["**", "kernel/**"] }],
    ...lasting,
  });
  const graphs = { intents: ["ticket.open"], targets: ["support/triage"], where: [] };
  const kernels = { intents: ["graph.get"], targets: ["kernel/graph"], where: [] };
  const mixed = { ...kernels, targets: ["kernel/graph", "support/triage"] };
  const forActor = { holder: "support/desk", depth: 0 };
  test.for<[asked: Partial<MintRequest>, outcome: string]>([
    [{ permissions: [graphs] }, "user"],
    [{ permissions: [{ ...graphs, targets: ["**"] }] }, "user"],
    [{ permissions: [kernels] }, "system"],
    [{ permissions: [kernels, { ...kernels, targets: ["kernel/*/registry"] }] }, "system"],
    [{ permissions: [kernels, graphs] }, "CAPABILITY_KINDS_MIXED"],
    [{ permissions: [mixed] }, "CAPABILITY_KINDS_MIXED"],
    [{ permissions: [mixed], once: true }, "ephemeral"],
    [{ permissions: [kernels], once: true }, "ephemeral"],
    [{ permissions: [kernels, graphs], ...forActor }, "agent"],
    [{ permissions: [kernels], ...forActor }, "agent"],
  ])("mints of the kind that the targets of %j are of: %s", async ([asked, outcome]) => {
    const { ports, records } = setUp({ trust: trustStore([issuer, node, bob, chief]) });
    const made = await mintAs(asked, { principal: "chief" }, ports);
    expect(made.ok ? made.value.kind : made.error.code).toBe(outcome);
    const rows = await mintedRows(ports);
    expect(rows.map(({ kind }) => kind)).toEqual(made.ok ? [outcome] : []);
    expect(records).toHaveLength(rows.length);
  });

  test("mints in the scope's epoch, and tells what was revoked since", async () => {
    const { ports } = setUp({ trust: trustStore([issuer, node, bob, chief]) });
    const revocations = ports.revocations;
    revocations.take(revocationsOf(revokedOf([], { shop: 5 })), now());
    const token = await mintToken(request({ scope: "shop" }), minter({ principal: "chief" }), ports);
    expect(token.epoch).toBe(5);
    expect(await mintedRows(ports)).toMatchObject([{ revoked: false }]);
    revocations.take(revocationsOf(revokedOf([], { shop: 6 })), now());
    expect(await mintedRows(ports)).toMatchObject([{ revoked: true }]);
  });

  test.for<[who: Partial<Minter>, asked: Partial<MintRequest>, outcome: string]>([
    [{ principal: "chief" }, {}, "default"],
    [{ principal: "chief" }, { scope: "shop", ttlMs: 400 * DAY }, "shop"],
    [{ principal: "ann" }, {}, "ann"],
    [{ principal: "ann" }, { scope: "ann" }, "ann"],
    [{ principal: "ann" }, { scope: "shop" }, "AUTHORITY_INTENT_FORBIDDEN"],
    [{ principal: "ann" }, { ttlMs: DAY + 60_000 }, "AUTHORITY_INTENT_FORBIDDEN"],
    [
      { principal: "a", source: "support/boss" },
      { permissions: [{ intents: ["ticket.close"], targets: ["support/x"], where: [] }], ttlMs: 29 * DAY },
      "support",
    ],
    [
      { principal: "a", source: "support/boss" },
      { permissions: [{ intents: ["ticket.close"], targets: ["support/x"], where: [] }], ttlMs: 31 * DAY },
      "AUTHORITY_INTENT_FORBIDDEN",
    ],
  ])(
    "keeps what one has minted who may not raise epochs in one scope, and within his own time: %j %j",
    async ([who, asked, outcome]) => {
      const { ports } = setUp({ trust: trustStore([issuer, node, ann, bob, chief]) });
      const made = await mintAs(asked, who, ports);
      expect(made.ok ? made.value.scope : made.error.code).toBe(outcome);
    },
  );

  test("gives nothing out that is not on record", async () => {
    const stream = { ...setUp().ports.stream, append: async () => err(new CellError("BROKER_UNREACHABLE")) };
    const { ports, events } = setUp({ stream });
    expect(codeOf(await mintAs({}, {}, ports))).toBe("BROKER_UNREACHABLE");
    expect(events).toEqual([]);
  });

  test("lists neither what others have written there, nor what has ended", async () => {
    const { ports, records } = setUp();
    const put = (token: Uint8Array) =>
      records.push(toBinary(MintedCapabilitySchema, create(MintedCapabilitySchema, { token, author: "x" })));
    const claims = tokenClaims({ notBeforeUnixMs: 1, notAfterUnixMs: now() + DAY });
    for (const key of [keys.nodeB, keys.ann, keys.stranger])
      put(must(signToken(claims, key, genesis.hash)).bytes);
    const honest = must(signToken(claims, keys.nodeA, genesis.hash)).bytes;
    put(honest.map((byte, at) => (at === honest.length - 1 ? byte ^ 1 : byte)));
    put(must(signToken({ ...claims, notAfterUnixMs: now() - 1 }, keys.nodeA, genesis.hash)).bytes);
    records.push(Uint8Array.of(1, 2, 3));
    expect(await mintedRows(ports)).toEqual([]);
    put(honest);
    expect(await mintedRows(ports)).toHaveLength(1);
  });
});

test("a root of a node counts only while that is certified for shard 0", () => {
  const claims = tokenClaims({ notBeforeUnixMs: 1, notAfterUnixMs: now() + DAY });
  const verdict = (
    key: typeof keys.nodeA,
    certificates = [issuerCertificate, nodeCertificate, nodeBCertificate],
  ) =>
    codeOf(
      cellChainVerifier(trustStore(certificates), nothingRevoked).verify(
        chainBytes(must(chainOf([must(signToken(claims, key, genesis.hash))]))),
        claims.holder,
        nodeCertificate.notBeforeUnixMs + 1_500,
      ),
    );
  expect([verdict(keys.nodeA), verdict(keys.nodeB)]).toEqual(["ok", "CAPABILITY_AUTHORITY_UNKNOWN"]);
  const withdrawn = certify({
    key: keys.nodeA.publicKey,
    principal: "a",
    kind: "node",
    generation: 2,
    revoked: true,
  });
  expect(verdict(keys.nodeA, [issuerCertificate, nodeCertificate, withdrawn])).toBe(
    "CAPABILITY_AUTHORITY_UNKNOWN",
  );
});
