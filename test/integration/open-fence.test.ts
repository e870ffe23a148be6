// The inner fence alone: somebody has broker credentials that may publish and hear everything, as
// who owns the broker has, and a client's key of his own. He gains nothing by it.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeUser } from "@nats-io/jwt";
import { createUser } from "@nats-io/nkeys";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connect, readCapability } from "../../src/client.ts";
import { EnvelopeSchema, IntentCapsuleSchema } from "../../src/gen/cell0/v1/capsule_pb.ts";
import { SigningKey } from "../../src/security/keys/signing-key.ts";
import { signHead } from "../../src/security/revocation/head.ts";
import { sealOne } from "../../src/security/wire/seal.ts";
import { keyPair, parseBrokerAuthority } from "../../src/transport/broker/authority.ts";
import { natsCreds } from "../../src/transport/broker/nats-creds.ts";
import type { LiveCell } from "./live-cell.ts";
import { startParrot } from "./parrot-cell.ts";
import { openRawClient, type RawClient } from "./raw-client.ts";
import { makeWorkspace, type Workspace } from "./workspace.ts";

const PREFIX = "cell0.v1.local";
const OPERATORS = `${PREFIX}.in.operator.live.parrot`;

/** Credentials of a user of the cell's account to whom nothing is denied. */
async function openCreds(cell: LiveCell): Promise<string> {
  const authority = parseBrokerAuthority(await readFile(cell.dir.brokerAuthority, "utf8"));
  const user = createUser();
  const jwt = await encodeUser(
    "mallory",
    user,
    keyPair(authority.accountSeed),
    { pub: { allow: [">"], deny: [] }, sub: { allow: [">"], deny: [] }, subs: -1, data: -1, payload: -1 },
    { signer: keyPair(authority.signingSeed) },
  );
  return natsCreds(jwt, new TextDecoder().decode(user.getSeed()));
}

describe("who may publish and hear everything at the broker", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  let mallory: RawClient;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    cell = await startParrot(workspace);
    for (const name of ["ann", "mallory"])
      await cell.json("client", "add", name, "--manifest-grants", "--out", workspace.path(`${name}.creds`));
    mallory = await openRawClient(workspace.path("mallory.creds"), await openCreds(cell));
  });
  afterAll(async () => {
    await mallory?.close();
    await cell?.stop();
    await workspace.remove();
  });

  const count = async () => (await cell.kernel.actor("a", "live/parrot")).handled ?? 0;
  const refusals = async (code: string) => (await cell.kernel.status("a")).refusals[code] ?? 0;
  const say = (text: string) => cell.client.request("live/parrot", "say", { text });
  /** What goes to the operator's subject while `work` runs, as it is heard. */
  async function heardOf(work: () => Promise<unknown>): Promise<Uint8Array> {
    const heard: Uint8Array[] = [];
    const subscription = mallory.nats.subscribe(OPERATORS, {
      callback: (_error, { data }) => {
        heard.push(data);
      },
    });
    await mallory.nats.flush();
    await work();
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0));
    subscription.unsubscribe();
    return heard[0] ?? new Uint8Array();
  }
  /** Nothing comes of it but a refusal that is counted. */
  async function comesTo(code: string, subject: string, data: Uint8Array): Promise<void> {
    const [before, refused] = [await count(), await refusals(code)];
    mallory.nats.publish(subject, data);
    await vi.waitFor(async () => expect(await refusals(code)).toBe(refused + 1));
    expect(await count()).toBe(before);
  }

  it("sends nothing as another", async () => {
    await comesTo("AUTHORITY_PRINCIPAL_MISMATCH", OPERATORS, mallory.seal(mallory.capsule()));
  });

  it("has nothing begun twice, and is not answered in another's place", async () => {
    const sent = await heardOf(() => say("once"));
    const before = await count();
    mallory.nats.publish(OPERATORS, sent);
    await say("after it");
    expect(await count()).toBe(before + 1);
  });

  it("changes nothing that another has signed", async () => {
    const envelope = fromBinary(EnvelopeSchema, await heardOf(() => say("honest")));
    const [bytes = new Uint8Array()] = envelope.capsules;
    const capsule = fromBinary(IntentCapsuleSchema, bytes);
    capsule.payload = new TextEncoder().encode('{"text":"forged"}');
    capsule.id = randomBytes(16);
    capsule.rootId = capsule.id;
    const forged = create(EnvelopeSchema, {
      ...envelope,
      capsules: [toBinary(IntentCapsuleSchema, capsule)],
    });
    await comesTo("CAPSULE_SIGNATURE_INVALID", OPERATORS, toBinary(EnvelopeSchema, forged));
  });

  it("answers nobody in an actor's place", async () => {
    const subscription = mallory.nats.subscribe(OPERATORS, {
      callback: (_error, { data }) => {
        const [bytes = new Uint8Array()] = fromBinary(EnvelopeSchema, data).capsules;
        const asked = fromBinary(IntentCapsuleSchema, bytes);
        const reply = mallory.capsule({
          target: asked.replyInbox,
          replyInbox: "",
          payload: new TextEncoder().encode('{"text":"forged","count":0}'),
          reply: { requestId: asked.id, requestHash: randomBytes(32), final: true },
        });
        // Before the node has read it.
        mallory.nats.publish(asked.replyInbox, mallory.seal(reply));
        mallory.nats.publish(asked.replyInbox, randomBytes(200));
      },
    });
    await mallory.nats.flush();
    for (let n = 0; n < 20; n += 1)
      expect((await say(`true ${n}`)).value).toMatchObject({ text: `true ${n}` });
    subscription.unsubscribe();
  });

  it("uses no token of another, and spends no such token for an intent of his own", async () => {
    const file = workspace.path("ann.cap");
    await cell.json("cap", "mint", "--holder", "ann", "--target", "live/parrot", "--out", file);
    const capability = await readCapability(file);
    const subject = mallory.subject("live/parrot");
    await comesTo("CAPABILITY_HOLDER_MISMATCH", subject, mallory.seal(mallory.capsule({ capability })));
  });

  it("certifies, revokes and grants nothing, and keeps no token of others from counting", async () => {
    const file = workspace.path("counts.cap");
    await cell.json("cap", "mint", "--holder", "ann", "--target", "live/parrot", "--out", file);
    const capability = await readCapability(file);
    const ann = await connect({ identity: workspace.path("ann.creds") });
    try {
      const use = () => ann.request("live/parrot", "say", { text: "x" }, { capability });
      await use();
      const junk = [randomBytes(300), new Uint8Array(), mallory.seal(mallory.capsule())];
      for (const record of ["trust.ann", "trust.a", "revisions", "revocations.a", "revocations.b"])
        for (const data of junk) mallory.nats.publish(`${PREFIX}.${record}`, data);
      const { key, genesisHash } = mallory.sealing;
      for (const hash of [new Uint8Array(), randomBytes(32)]) {
        const head = signHead({ hash, atUnixMs: Date.now() + 1_000 }, key, genesisHash);
        mallory.nats.publish(`${PREFIX}.revocations-head.a`, head);
      }
      await mallory.nats.flush();
      await vi.waitFor(async () => {
        const { stdout } = await cell.cli("doctor", "--json");
        expect(stdout).toContain("it knows what is revoked");
      });
      await use();
      expect((await cell.kernel.principals("a")).find(({ principal }) => principal === "ann")).toMatchObject({
        revoked: false,
      });
      // What is revoked then is, in spite of what lies in the place of its record.
      await cell.json("cap", "revoke", file);
      await expect(use()).rejects.toMatchObject({ code: "CAPABILITY_REVOKED" });
      await cell.kill("node");
      await vi.waitFor(async () => await say("again"), { timeout: 10_000 });
      await expect(use()).rejects.toMatchObject({ code: "CAPABILITY_REVOKED" });
    } finally {
      await ann.close();
    }
  });

  it("sends under a key that nobody certified as little as under his own", async () => {
    const { genesisHash } = mallory.sealing;
    const key = SigningKey.fromSeed(randomBytes(32));
    await comesTo("AUTHORITY_ISSUER_UNKNOWN", OPERATORS, sealOne(mallory.capsule(), { key, genesisHash }));
  });
});
