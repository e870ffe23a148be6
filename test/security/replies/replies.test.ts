import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CellError } from "../../../src/errors/cell-error.ts";
import { sha256 } from "../../../src/security/bytes.ts";
import type { RequestRef } from "../../../src/security/intake/verdict.ts";
import { buildReply, type ReplyContent } from "../../../src/security/replies/build-reply.ts";
import { type OpenedReply, openReplies } from "../../../src/security/replies/open-replies.ts";
import { acceptReply, openStream } from "../../../src/security/replies/reply-stream.ts";
import { fromWireError, toWireError } from "../../../src/security/replies/wire-error.ts";
import { sealBatch, sealOne } from "../../../src/security/wire/seal.ts";
import { processorMs } from "../../measure.ts";
import {
  bytesOf,
  codeOf,
  genesis,
  INBOX,
  intakeOf,
  keys,
  must,
  NOW,
  nextId,
  SUBJECT,
  sealed,
  sealingOf,
  trustStore,
} from "../cell-fixture.ts";

const requestBytes = bytesOf();
const messageBytes = sealOne(requestBytes, sealingOf(keys.ann));
const verdict = intakeOf().admit({
  subject: SUBJECT,
  data: messageBytes,
  natsReply: undefined,
  nowUnixMs: NOW,
})[0];
if (verdict?.kind !== "accepted") throw new Error("the fixture is refused");
const { request } = verdict;
const sent = { id: request.id, hash: sha256(requestBytes), messageHash: sha256(messageBytes) };

const maker = { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) };
const value = (text: string, final = true): ReplyContent => ({
  kind: "value",
  payload: new TextEncoder().encode(text),
  contentType: "text/plain",
  final,
});
const failure = (error: CellError): ReplyContent => ({ kind: "error", error });
const replyBytes = (content: ReplyContent, index = 0, ref: RequestRef = request) =>
  must(buildReply(ref, content, { inbox: INBOX, index }, maker));
const trust = { genesisHash: genesis.hash, trust: trustStore() };
const open = (data: Uint8Array, subject = INBOX) => openReplies(data, subject, trust, NOW);
const openOne = (content: ReplyContent, index = 0, ref = request): OpenedReply => {
  const [only] = must(open(sealOne(replyBytes(content, index, ref), sealingOf(keys.nodeA))));
  if (only === undefined) throw new Error("no reply");
  return only;
};

describe("a reply", () => {
  test("comes back as it was given, and is bound to its request", () => {
    const reply = openOne(value("hello"));
    expect(reply).toMatchObject({
      index: 0,
      final: true,
      contentType: "text/plain",
      error: undefined,
      node: "a",
    });
    expect(new TextDecoder().decode(reply.payload)).toBe("hello");
    expect(reply.capsule).toMatchObject({ causeId: request.id, rootId: request.rootId, hopLimit: 0 });
    expect(acceptReply(openStream(sent), reply).kind).toBe("next");
  });

  test("that fails carries its code, message and advice", () => {
    const error = new CellError("ACTOR_MAILBOX_FULL", "the mailbox is full", { retryAfterMs: 40 });
    const reply = openOne(failure(error));
    expect(reply.error).toMatchObject({
      code: "ACTOR_MAILBOX_FULL",
      message: "the mailbox is full",
      retryAfterMs: 40,
    });
  });

  test.each([
    ["ACTOR_MAILBOX_FULL", "backoff"],
    ["ACTOR_CRASHED", "anew"],
    ["AUTHORITY_INTENT_FORBIDDEN", "never"],
  ] as const)("that fails with %s advises: %s", (code, retry) => {
    const { error } = openOne(failure(new CellError(code)));
    expect([error?.code, error?.retry]).toEqual([code, retry]);
    expect((error?.retryAfterMs ?? 0) > 0).toBe(retry === "backoff");
  });

  test("may travel with others under one signature", () => {
    const [data = new Uint8Array()] = sealBatch(
      [[replyBytes(value("a", false)), replyBytes(value("b"), 1)]],
      sealingOf(keys.nodeA),
      1n,
    );
    expect(must(open(data)).map(({ index }) => index)).toEqual([0, 1]);
  });

  test("too large to travel is said so to the one who answers", () => {
    const large = { kind: "value" as const, payload: new Uint8Array(65_537), contentType: "", final: true };
    expect(codeOf(buildReply(request, large, { inbox: INBOX, index: 0 }, maker))).toBe(
      "CAPSULE_PAYLOAD_TOO_LARGE",
    );
  });

  test.each([
    ["by a client", () => sealOne(replyBytes(value("x")), sealingOf(keys.bob)), "CAPSULE_REPLY_UNBOUND"],
    ["by the issuer", () => sealOne(replyBytes(value("x")), sealingOf(keys.issuer)), "CAPSULE_REPLY_UNBOUND"],
    [
      "by a stranger",
      () => sealOne(replyBytes(value("x")), sealingOf(keys.stranger)),
      "AUTHORITY_ISSUER_UNKNOWN",
    ],
    [
      "for another cell",
      () => sealOne(replyBytes(value("x")), { key: keys.nodeA, genesisHash: new Uint8Array(32) }),
      "CAPSULE_SIGNATURE_INVALID",
    ],
    ["an intent instead", () => sealed({}, keys.nodeA), "CAPSULE_REPLY_UNBOUND"],
  ])("signed %s is refused", (_name, data, code) => {
    expect(codeOf(open(data()))).toBe(code);
  });

  test("published to another inbox than its own is refused", () => {
    const data = sealOne(replyBytes(value("x")), sealingOf(keys.nodeA));
    expect(codeOf(open(data, `${INBOX}2`))).toBe("CAPSULE_REPLY_UNBOUND");
  });

  test("read from arbitrary bytes is a coded error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (data, subject) => {
        expect(codeOf(open(data, subject))).toMatch(/^(CAPSULE|AUTHORITY)_/);
      }),
    );
  });
});

describe("a stream of replies", () => {
  test("ends at the final one, drops repeats and names gaps", () => {
    const [r0, r1, r2] = [openOne(value("0", false)), openOne(value("1", false), 1), openOne(value("2"), 2)];
    let stream = openStream(sent);
    const step = (reply: OpenedReply) => {
      const taken = acceptReply(stream, reply);
      stream = taken.stream;
      return taken.kind === "fault" ? taken.error.code : taken.kind;
    };
    expect([r1, r0, r0, r2, r1, r2, r2, r1].map(step)).toEqual([
      "CAPSULE_REPLY_GAP",
      "next",
      "repeat",
      "CAPSULE_REPLY_GAP",
      "next",
      "next",
      "repeat",
      "repeat",
    ]);
    expect(stream.ended).toBe(true);
  });

  test("takes nothing that is bound to another id or hash", () => {
    const otherId = openOne(value("x"), 0, { ...request, id: nextId() });
    const otherHash = openOne(value("x"), 0, { ...request, hash: new Uint8Array(32) });
    for (const reply of [otherId, otherHash]) {
      expect(acceptReply(openStream(sent), reply)).toMatchObject({
        error: { code: "CAPSULE_REPLY_UNBOUND" },
      });
    }
  });

  test("ends with an error, also one that names only the whole message", () => {
    const data = messageBytes.slice(0, -1);
    const refused = intakeOf().admit({ subject: SUBJECT, data, natsReply: INBOX, nowUnixMs: NOW })[0];
    if (refused?.kind !== "refused") throw new Error("not refused");
    const reply = openOne(failure(refused.error), 0, refused.request);
    expect(acceptReply(openStream({ ...sent, messageHash: sha256(data) }), reply)).toMatchObject({
      kind: "next",
      stream: { ended: true },
    });
    expect(acceptReply(openStream(sent), reply)).toMatchObject({ kind: "fault" });
  });
});

describe("an error on the wire", () => {
  const travelling = (message: string, where?: string) =>
    toWireError(new CellError("ACTOR_CRASHED", message, where === undefined ? {} : { where })).message;

  test("keeps stack, details, cause and where to itself, unless where is an actor's path", () => {
    const error = new CellError("ACTOR_CRASHED", "it failed", {
      where: "/home/ann/graph.yaml:3",
      details: { token: "hunter2hunter2" },
      cause: new Error("inner secret"),
    });
    const text = JSON.stringify(toWireError(error));
    for (const secret of ["home", "hunter2", "inner", "stack", ".ts"]) expect(text).not.toContain(secret);
    expect(travelling("it failed", "support/triage")).toBe("support/triage: it failed");
  });

  test.each([
    ["ENOENT: no such file '/home/ann/.cell0/keys/node.key'", ["/home", "node.key"]],
    ["at file:///srv/app/src/main.ts:3:1", ["/srv", "main.ts"]],
    ["open C:\\Users\\ann\\secret.txt", ["Users", "secret"]],
    [`seed SUA${"B".repeat(55)} leaked`, ["BBBB"]],
    [`jwt eyJ${"a".repeat(40)}.${"b".repeat(40)}.${"c".repeat(40)}`, ["aaaa", "bbbb"]],
    ["key Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9v1A leaked", ["Zm9v"]],
    ["-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END", ["MC4C"]],
    ["two\nlines\u0000\u202e", ["\n", "\u0000", "\u202e"]],
  ])("is cleaned of %j", (message, removed) => {
    const text = travelling(message);
    for (const part of removed) expect(text).not.toContain(part);
  });

  test("keeps what users need: actors' paths, intents, hashes, addresses", () => {
    const message = `\`support/triage\` may not send \`ticket.open\`; hash ${"ab".repeat(32)}; see docs/errors.md, 1/2`;
    expect(travelling(message)).toBe(message);
    const long = Array.from({ length: 8 }, () => "knowledge-base-of-the-support").join("/");
    expect(travelling("it failed", long)).toBe(`${long}: it failed`);
  });

  test("always fits its bounds and comes back with the same code, whatever the message", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 3_000 }),
          fc.string({ unit: "grapheme", maxLength: 3_000 }),
        ),
        fc.oneof(fc.double(), fc.constantFrom(undefined, -1, 1e99)),
        (message, retryAfterMs) => {
          const options = retryAfterMs === undefined ? {} : { retryAfterMs };
          const content = failure(new CellError("ACTOR_CRASHED", message, options));
          expect(openOne(content).error?.code).toBe("ACTOR_CRASHED");
        },
      ),
      { numRuns: 60 },
    );
  });

  test("is cleaned in linear time", () => {
    for (const hostile of [
      "/a".repeat(500_000),
      "A1a+".repeat(300_000),
      "-----BEGIN".repeat(100_000),
      "eyJa.".repeat(200_000),
    ]) {
      expect(processorMs(() => travelling(hostile))).toBeLessThan(250);
    }
  });

  test("of an unknown code keeps it in message and details", () => {
    const wire = { code: "FUTURE_THING", message: "new", remedy: "", retryable: true, retryAfterMs: 0 };
    expect(fromWireError(wire)).toMatchObject({
      code: "CAPSULE_REMOTE_ERROR",
      message: "FUTURE_THING: new",
      details: { remoteCode: "FUTURE_THING", remoteRetryable: true },
    });
    expect(fromWireError({ ...wire, code: "toString" }).code).toBe("CAPSULE_REMOTE_ERROR");
  });
});
