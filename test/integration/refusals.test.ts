import { randomBytes } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EnvelopeSchema } from "../../src/gen/cell0/v1/capsule_pb.ts";
import { EventSchema } from "../../src/gen/cell0/v1/events_pb.ts";
import { sha256 } from "../../src/security/bytes.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { uuidV7 } from "../../src/security/wire/capsule-id.ts";
import { type Sealing, sealBatch, sealOne } from "../../src/security/wire/seal.ts";
import {
  batchInput,
  capabilityInput,
  certificateInput,
  revisionInput,
  revocationsInput,
} from "../../src/security/wire/signing-input.ts";
import { sealedOddly } from "../security/keys/odd-signature.ts";
import { type LiveCell, startCell } from "./live-cell.ts";
import { type CapsuleFields, openRawClient, type RawClient } from "./raw-client.ts";
import { makeWorkspace, manifest, type Workspace } from "./workspace.ts";

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const ago = (ms: number): { unixMs: bigint } => ({ unixMs: BigInt(Date.now() - ms) });
const from = (ms: number): bigint => BigInt(Date.now() + ms);

/** What is sent, and where, by a client named `mallory` that may say to `live/parrot`. */
type Attack = (client: RawClient, inbox: string) => { readonly data: Uint8Array; readonly subject?: string };

const fields =
  (of: (client: RawClient) => CapsuleFields): Attack =>
  (client, inbox) => ({ data: client.seal(client.capsule({ replyInbox: inbox, ...of(client) })) });

const attacks: readonly (readonly [name: string, code: string, attack: Attack])[] = [
  ["bytes that are no envelope", "CAPSULE_MALFORMED", () => ({ data: randomBytes(200) })],
  [
    "a changed signature",
    "CAPSULE_SIGNATURE_INVALID",
    (client, inbox) => {
      const envelope = fromBinary(EnvelopeSchema, client.seal(client.capsule({ replyInbox: inbox })));
      if (envelope.proof.case === "single")
        envelope.proof.value.signature[7] = (envelope.proof.value.signature[7] ?? 0) ^ 1;
      return { data: toBinary(EnvelopeSchema, envelope) };
    },
  ],
  [
    "an algorithm that it does not know",
    "CAPSULE_ALGORITHM_UNKNOWN",
    (client, inbox) => {
      const envelope = fromBinary(EnvelopeSchema, client.seal(client.capsule({ replyInbox: inbox })));
      Reflect.set(envelope, "algorithm", 7);
      return { data: toBinary(EnvelopeSchema, envelope) };
    },
  ],
  [
    "a payload that was changed after it was signed",
    "CAPSULE_SIGNATURE_INVALID",
    (client, inbox) => {
      const envelope = fromBinary(EnvelopeSchema, client.seal(client.capsule({ replyInbox: inbox })));
      envelope.capsules = [client.capsule({ replyInbox: inbox, payload: json({ text: "other" }) })];
      return { data: toBinary(EnvelopeSchema, envelope) };
    },
  ],
  [
    "a capsule that was signed for another cell",
    "CAPSULE_SIGNATURE_INVALID",
    (client, inbox) => ({
      data: sealOne(client.capsule({ replyInbox: inbox }), {
        ...client.sealing,
        genesisHash: randomBytes(32),
      }),
    }),
  ],
  [
    "a key that nobody certified",
    "AUTHORITY_ISSUER_UNKNOWN",
    (client, inbox) => {
      const key = SigningKey.fromSeed(randomBytes(32));
      return { data: sealOne(client.capsule({ replyInbox: inbox }), { ...client.sealing, key }) };
    },
  ],
  ["a deadline that has passed", "CAPSULE_DEADLINE_PASSED", fields(() => ({ deadlineUnixMs: from(-1) }))],
  [
    "a deadline beyond an hour",
    "CAPSULE_DEADLINE_TOO_FAR",
    fields(() => ({ deadlineUnixMs: from(3_700_000) })),
  ],
  ["a capsule of ten minutes ago", "CAPSULE_STALE", fields(() => ({ issuedAt: ago(600_000) }))],
  ["a capsule of the future", "CAPSULE_FROM_FUTURE", fields(() => ({ issuedAt: ago(-600_000) }))],
  [
    "a capsule for another target than its subject's",
    "CAPSULE_TARGET_MISMATCH",
    (client, inbox) => ({
      data: client.seal(client.capsule({ replyInbox: inbox, target: "live/worker" })),
      subject: client.subject("live/parrot"),
    }),
  ],
  [
    "an inbox of somebody else",
    "CAPSULE_INBOX_FOREIGN",
    fields(() => ({ replyInbox: "cell0.v1.local.inbox.operator.stolen" })),
  ],
  [
    "an actor's name in a client's capsule",
    "AUTHORITY_SOURCE_INVALID",
    fields(() => ({ source: { actor: "live/parrot", sequence: 1n } })),
  ],
  ["an epoch that has not begun", "AUTHORITY_EPOCH_UNKNOWN", fields(() => ({ epoch: 1n }))],
  ["a capability that is none", "CAPABILITY_MALFORMED", fields(() => ({ capability: randomBytes(16) }))],
  ["an id of three bytes", "CAPSULE_FIELD_INVALID", fields(() => ({ id: randomBytes(3) }))],
  [
    "a payload beyond 64 KiB",
    "CAPSULE_PAYLOAD_TOO_LARGE",
    fields(() => ({ payload: new Uint8Array(65 * 1024) })),
  ],
  [
    "an intent beyond its grants",
    "AUTHORITY_INTENT_FORBIDDEN",
    fields(() => ({ intent: "crash", payload: json({ message: "x" }) })),
  ],
  [
    "a reply sent as an intent",
    "CAPSULE_NOT_AN_INTENT",
    (client, inbox) => ({
      data: client.seal(
        client.capsule({
          target: inbox,
          replyInbox: "",
          reply: { requestId: randomBytes(16), requestHash: randomBytes(32), final: true },
        }),
      ),
    }),
  ],
];

/** What its key has signed for one purpose is worth nothing for another. */
const otherwiseSigned: readonly (readonly [
  purpose: string,
  input: (sealing: Sealing, capsule: Uint8Array) => Uint8Array,
])[] = [
  ["a capability", ({ key, genesisHash }, body) => capabilityInput(genesisHash, key.publicKey, body)],
  ["a certificate", ({ genesisHash }, body) => certificateInput(genesisHash, body)],
  ["a revision", ({ genesisHash }, body) => revisionInput(genesisHash, body)],
  ["a record of revocations", ({ genesisHash }, body) => revocationsInput(genesisHash, body)],
  [
    "a batch",
    ({ key, genesisHash }, body) =>
      batchInput(genesisHash, key.publicKey, { batch: 1n, count: 1, root: sha256(body) }),
  ],
  ["nothing", (_sealing, body) => body],
];

describe("a cell refuses", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  let mallory: RawClient;
  /** Whose forgeries cost mallory none of what the core is asked about. */
  let oscar: RawClient;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    const file = await workspace.write(
      "graph.yaml",
      manifest("live", [
        { actor: "parrot", behaviour: "./parrot.ts#parrot" },
        { actor: "worker", behaviour: "./worker.ts#worker" },
      ]),
    );
    cell = await startCell({ up: [file] });
    const creds = workspace.path("mallory.creds");
    await cell.json("client", "add", "mallory", "--target", "live/parrot", "--intent", "say", "--out", creds);
    mallory = await openRawClient(creds);
    const other = workspace.path("oscar.creds");
    await cell.json("client", "add", "oscar", "--target", "live/parrot", "--intent", "say", "--out", other);
    oscar = await openRawClient(other);
  });
  afterAll(async () => {
    await mallory?.close();
    await oscar?.close();
    await cell?.stop();
    await workspace.remove();
  });
  const handled = async () => (await cell.kernel.actor("a", "live/parrot")).handled;

  it.each(otherwiseSigned)("a capsule that was signed as %s", async (_purpose, input) => {
    const inbox = oscar.inbox();
    const capsule = oscar.capsule({ replyInbox: inbox });
    const envelope = fromBinary(EnvelopeSchema, oscar.seal(capsule));
    if (envelope.proof.case !== "single") throw new Error("it was not signed alone");
    envelope.proof.value.signature = oscar.sealing.key.sign(input(oscar.sealing, capsule));
    const subject = oscar.subject("live/parrot");
    const before = await handled();
    const [reply] = await oscar.exchange(subject, toBinary(EnvelopeSchema, envelope), inbox);
    expect(reply?.error?.code).toBe("CAPSULE_SIGNATURE_INVALID");
    expect(await handled()).toBe(before);
  });

  it.each(attacks)("%s with %s", async (_name, code, attack) => {
    const before = await handled();
    const inbox = mallory.inbox();
    const { data, subject = mallory.subject("live/parrot") } = attack(mallory, inbox);
    const [reply, ...more] = await mallory.exchange(subject, data, inbox);
    expect(reply?.error?.code).toBe(code);
    expect(more).toEqual([]);
    expect(await handled()).toBe(before);
  });

  it("another capsule under an id that was used, with CAPSULE_ID_REUSED", async () => {
    const id = uuidV7(Date.now(), randomBytes(10));
    const [first, second] = [mallory.inbox(), mallory.inbox()];
    const send = (inbox: string, text: string) =>
      mallory.exchange(
        mallory.subject("live/parrot"),
        mallory.seal(mallory.capsule({ id, replyInbox: inbox, payload: json({ text }) })),
        inbox,
      );
    expect((await send(first, "one"))[0]?.error).toBeUndefined();
    expect((await send(second, "two"))[0]?.error?.code).toBe("CAPSULE_ID_REUSED");
  });

  it("to do the same capsule twice: it gives the stored reply again", async () => {
    const inbox = mallory.inbox();
    const envelope = mallory.seal(mallory.capsule({ replyInbox: inbox }));
    const before = await handled();
    const [first] = await mallory.exchange(mallory.subject("live/parrot"), envelope, inbox);
    const [again] = await mallory.exchange(mallory.subject("live/parrot"), envelope, inbox);
    expect(first?.error).toBeUndefined();
    expect(again?.capsule.id).toEqual(first?.capsule.id);
    expect(again?.payload).toEqual(first?.payload);
    expect(await handled()).toBe((before ?? 0) + 1);
  });

  it("no signature that the rule admits, whoever has to be asked: one that OpenSSL refuses is the core's to judge", async () => {
    const inbox = mallory.inbox();
    const { key, genesisHash } = mallory.sealing;
    const odd = sealedOddly(mallory.capsule({ replyInbox: inbox }), key, mallory.identity.key, genesisHash);
    const [reply] = await mallory.exchange(mallory.subject("live/parrot"), odd, inbox);
    expect(reply).toMatchObject({ error: undefined, payload: expect.anything() });
  });

  it("most of a flood of forged signatures without asking the core", async () => {
    const envelope = fromBinary(EnvelopeSchema, mallory.seal(mallory.capsule()));
    if (envelope.proof.case === "single") envelope.proof.value.signature.fill(1, 0, 31);
    const forged = toBinary(EnvelopeSchema, envelope);
    const counts = async () => {
      const { refusals } = await cell.kernel.status("a");
      const [invalid = 0, undecided = 0] = ["INVALID", "UNDECIDED"].map(
        (end) => refusals[`CAPSULE_SIGNATURE_${end}`],
      );
      return { all: invalid + undecided, undecided };
    };
    const before = await counts();
    for (let n = 0; n < 200; n += 1) mallory.nats.publish(mallory.subject("live/parrot"), forged);
    await vi.waitFor(async () => expect((await counts()).all).toBe(before.all + 200));
    expect((await counts()).undecided - before.undecided).toBeGreaterThan(100);
  });

  it("nothing of a batch that one signature proves: each capsule of it is answered", async () => {
    const inbox = mallory.inbox();
    const capsules = ["a", "b", "c"].map((text) =>
      mallory.capsule({ replyInbox: inbox, payload: json({ text }) }),
    );
    const [envelope = new Uint8Array()] = sealBatch([capsules], mallory.sealing, 1n);
    const replies = await mallory.exchange(mallory.subject("live/parrot"), envelope, inbox);
    const texts = replies.map(({ payload }): unknown => JSON.parse(new TextDecoder().decode(payload)));
    expect(texts).toEqual(["a", "b", "c"].map((text) => ({ text, count: expect.any(Number) })));
  });

  it("an intent under another principal's name already at the broker, and the cell hears nothing of it", async () => {
    const problems: string[] = [];
    const listening = (async () => {
      for await (const status of mallory.nats.status()) {
        if (status.type === "error") problems.push(status.error.message);
      }
    })();
    const before = await handled();
    mallory.nats.publish(mallory.subject("live/parrot", "operator"), mallory.seal(mallory.capsule()));
    await vi.waitFor(() => expect(problems.join()).toMatch(/permissions violation.*publish/i));
    expect(await handled()).toBe(before);
    void listening;
  });

  it("to let a client listen to another's replies, already at the broker", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    mallory.nats.subscribe("cell0.v1.local.inbox.operator.>", {
      callback: (error) => resolve(error?.message ?? "heard something"),
    });
    expect(await promise).toMatch(/permissions violation.*subscription/i);
  });

  it("in a way that can be seen: each refusal is counted and recorded", async () => {
    const codes = new Set(attacks.map(([, code]) => code));
    const { refusals } = await cell.kernel.status("a");
    for (const code of codes) expect(refusals[code], code).toBeGreaterThan(0);
    await vi.waitFor(async () => {
      const events = await cell.kernel.events("a", { limit: 1_000, kinds: ["intentRefused"] });
      const recorded = new Set(
        events.flatMap((bytes) => {
          const { kind } = fromBinary(EventSchema, bytes);
          return kind.case === "intentRefused" ? [kind.value.error?.code] : [];
        }),
      );
      expect([...codes].filter((code) => !recorded.has(code))).toEqual([]);
    });
  });
});
