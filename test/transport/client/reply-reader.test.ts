import { beforeAll, describe, expect, it } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { err, ok, type Result } from "../../../src/errors/result.ts";
import { SigningKey } from "../../../src/security/keys/signing-key.ts";
import { buildReply } from "../../../src/security/replies/build-reply.ts";
import { type Certificate, issueCertificate } from "../../../src/security/trust/certificate.ts";
import { sealOne } from "../../../src/security/wire/seal.ts";
import { createReplyReader } from "../../../src/transport/client/reply-reader.ts";

const genesisHash = new Uint8Array(32).fill(7);
const known = SigningKey.fromSeed(new Uint8Array(32).fill(1));
const fresh = SigningKey.fromSeed(new Uint8Array(32).fill(2));
const certificates = new Map<SigningKey, Certificate>();
const inbox = (name: string): string => `cell0.v1.test.inbox.alice.x.${name}`;

function reply(key: SigningKey, subject: string, index: number) {
  const id = new Uint8Array(16).fill(1);
  const request = {
    issuer: key.publicKey,
    id,
    rootId: id,
    hash: new Uint8Array(32),
    intent: "greet",
    deadlineUnixMs: 1_000_000,
    priority: "normal" as const,
    traceparent: "",
  };
  const content = { kind: "value" as const, payload: new Uint8Array(), contentType: "", final: false };
  const built = buildReply(
    request,
    content,
    { inbox: subject, index },
    {
      nextId: () => new Uint8Array(16).fill(index + 2),
      tick: () => ({ unixMs: 1, counter: 0 }),
    },
  );
  if (!built.ok) throw built.error;
  return { subject, data: sealOne(built.value, { key, genesisHash }) };
}

function house(options: { readonly learns: boolean }) {
  const gate = Promise.withResolvers<void>();
  const log: string[] = [];
  let refreshes = 0;
  let knowsFresh = false;
  const byKey = (key: Uint8Array): Result<Certificate, CellError> => {
    const holder = Buffer.compare(key, known.publicKey) === 0 ? known : knowsFresh ? fresh : undefined;
    const certificate = holder === undefined ? undefined : certificates.get(holder);
    return certificate === undefined ? err(new CellError("AUTHORITY_ISSUER_UNKNOWN")) : ok(certificate);
  };
  const reader = createReplyReader({
    trust: {
      genesisHash,
      byKey,
      async refresh() {
        refreshes += 1;
        await gate.promise;
        knowsFresh = options.learns;
      },
    },
    nowUnixMs: () => 1,
    onReplies: (subject, replies) => log.push(`${subject.at(-1)}${replies.map(({ index }) => index).join()}`),
    onDropped: (subject, error) => log.push(`${subject.at(-1)} ${error.code}`),
  });
  const settle = async (): Promise<void> => {
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { reader, log, settle, refreshes: () => refreshes };
}

describe("the reader of replies", () => {
  beforeAll(() => {
    for (const [key, principal] of [
      [known, "a"],
      [fresh, "b"],
    ] as const) {
      const claims = {
        key: key.publicKey,
        principal,
        kind: "node" as const,
        generation: 1,
        notBeforeUnixMs: 0,
      };
      const rest = { notAfterUnixMs: 10, shards: [], grants: [], revoked: false };
      const issued = issueCertificate({ ...claims, ...rest }, known, genesisHash);
      if (issued.ok) certificates.set(key, issued.value);
    }
  });

  it("holds an unknown node's replies, and those behind them on their inbox, until it is known", async () => {
    const { reader, log, settle, refreshes } = house({ learns: true });
    reader.read(reply(fresh, inbox("p"), 0));
    reader.read(reply(known, inbox("q"), 0));
    reader.read(reply(known, inbox("p"), 1));
    reader.read(reply(fresh, inbox("r"), 0));
    expect(log).toEqual(["q0"]);
    await settle();
    expect(log).toEqual(["q0", "p0", "p1", "r0"]);
    expect(refreshes()).toBe(1);
  });

  it("lets no answer wait behind what a stranger has put on its inbox", async () => {
    const { reader, log, settle } = house({ learns: false });
    reader.read(reply(fresh, inbox("p"), 0));
    reader.read(reply(known, inbox("p"), 0));
    expect(log).toEqual(["p0"]);
    await settle();
    expect(log).toEqual(["p0", "p AUTHORITY_ISSUER_UNKNOWN"]);
  });

  it("drops what is unknown after that, by its code", async () => {
    const { reader, log, settle } = house({ learns: false });
    reader.read(reply(fresh, inbox("p"), 0));
    await settle();
    expect(log).toEqual(["p AUTHORITY_ISSUER_UNKNOWN"]);
  });

  it("drops at once what no certificate can mend", () => {
    const { reader, log, refreshes } = house({ learns: true });
    reader.read({ subject: inbox("p"), data: new Uint8Array([1, 2, 3]) });
    reader.read({ ...reply(known, inbox("p"), 0), subject: inbox("q") });
    expect(log).toEqual(["p CAPSULE_MALFORMED", "q CAPSULE_REPLY_UNBOUND"]);
    expect(refreshes()).toBe(0);
  });
});
