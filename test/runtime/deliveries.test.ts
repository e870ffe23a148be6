import { describe, expect, test } from "vitest";
import type { Delivery } from "../../src/actors/intent.ts";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok, type Result } from "../../src/errors/result.ts";
import { createDeliveries, type DeliveryPorts, type SealTicket } from "../../src/runtime/deliveries.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";
import { decodeCapsule } from "../../src/security/wire/decode-capsule.ts";
import { intakeOf, NOW, nextId, SUBJECT, sealed } from "../security/cell-fixture.ts";

test("a capsule that was refused and then begun keeps no refusal as its reply", () => {
  const replay = new ReplayWindow();
  const intake = intakeOf({ replay });
  const tickets: SealTicket[] = [];
  let full = true;
  const deliveries = createDeliveries({
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    sealer: {
      seal: (_inbox, _capsule, ticket) => tickets.push(ticket),
      prepare: () => () => undefined,
      flush: () => {},
    },
    replay,
    toActor: () => (full ? err(new CellError("ACTOR_MAILBOX_FULL")) : ok({ mailboxDepth: 1 })),
    refusesWork: () => undefined,
    record: () => {},
  });
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  full = false;
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  // Sealed at the end of the turn, when the second copy has been begun already.
  for (const ticket of tickets)
    if (ticket.kind === "reply") replay.storeReply(ticket.issuer, ticket.id, ticket.capsule, ticket.final);
  expect(intake.admit(arrival)).toMatchObject([{ kind: "duplicate", state: "pending" }]);
});

test("a refusal tells how many copies of the capsule it turns away", () => {
  const replay = new ReplayWindow();
  const intake = intakeOf({ replay });
  const told: (number | undefined)[] = [];
  const taken: Delivery[] = [];
  const deliveries = createDeliveries({
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    sealer: {
      seal: (_inbox, bytes) => {
        const capsule = decodeCapsule(bytes);
        told.push(capsule.ok ? capsule.value.reply?.turnedAway : undefined);
      },
      prepare: () => () => undefined,
      flush: () => {},
    },
    replay,
    toActor: (delivery) => ok({ mailboxDepth: taken.push(delivery) }),
    refusesWork: () => undefined,
    record: () => {},
  });
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  for (let copy = 0; copy < 3; copy += 1) {
    for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  }
  expect(taken).toHaveLength(1);
  const error = new CellError("ACTOR_NOT_RUNNING");
  taken[0]?.respond({ kind: "error", error, begun: false });
  expect(told).toEqual([3]);
  // The next copy is a new one, and what becomes of it holds for all.
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  taken[1]?.respond({ kind: "error", error });
  expect(told).toEqual([3, 0]);
});

test.each([
  ["at the door", false],
  ["by the actor", true],
])(
  "what is refused as poison %s is answered for all copies, also those that earlier processes took",
  (_where, later) => {
    const replay = new ReplayWindow();
    const intake = intakeOf({ replay });
    const told: (number | undefined)[] = [];
    const poisonous = new CellError("ACTOR_INTENT_POISONOUS");
    const deliveries = createDeliveries({
      maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
      sealer: {
        seal: (_inbox, bytes, ticket) => {
          const capsule = decodeCapsule(bytes);
          told.push(capsule.ok ? capsule.value.reply?.turnedAway : undefined);
          if (ticket.kind === "reply")
            replay.storeReply(ticket.issuer, ticket.id, ticket.capsule, ticket.final);
        },
        prepare: () => () => undefined,
        flush: () => {},
      },
      replay,
      toActor: ({ respond }) => {
        if (!later) return err(poisonous);
        respond({ kind: "error", error: poisonous, begun: false });
        return ok({ mailboxDepth: 1 });
      },
      refusesWork: () => undefined,
      record: () => {},
    });
    const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
    for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
    expect(told).toEqual([0]);
    expect(intake.admit(arrival)).toMatchObject([{ kind: "duplicate", state: "answered" }]);
  },
);

test("who asks again gets each reply's own capsule, not the envelope that it shared", () => {
  const replay = new ReplayWindow();
  const intake = intakeOf({ replay });
  const left: { readonly inbox: string; readonly capsule: Uint8Array; readonly ticket: SealTicket }[] = [];
  const deliveries = createDeliveries({
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    sealer: {
      seal: (inbox, capsule, ticket) => left.push({ inbox, capsule, ticket }),
      prepare: () => () => undefined,
      flush: () => {},
    },
    replay,
    toActor: ({ respond }) => {
      respond({ kind: "value", value: { part: 1 }, final: false });
      respond({ kind: "value", value: { part: 2 }, final: true });
      return ok({ mailboxDepth: 0 });
    },
    refusesWork: () => undefined,
    record: () => {},
  });
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  const first = left.splice(0);
  for (const { ticket } of first) {
    if (ticket.kind === "reply") replay.storeReply(ticket.issuer, ticket.id, ticket.capsule, ticket.final);
  }
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  expect(first).toHaveLength(2);
  expect(left).toEqual(first.map(({ inbox, capsule }) => ({ inbox, capsule, ticket: { kind: "repeat" } })));
});

test("what is poison is answered, not turned away: it was begun in a process before this one", () => {
  const replay = new ReplayWindow();
  const intake = intakeOf({ replay });
  const told: unknown[] = [];
  const tickets: SealTicket[] = [];
  const deliveries = createDeliveries({
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    sealer: {
      seal: (_inbox, bytes, ticket) => {
        const capsule = decodeCapsule(bytes);
        told.push(
          capsule.ok ? [capsule.value.reply?.turnedAway, capsule.value.reply?.error?.code] : undefined,
        );
        tickets.push(ticket);
      },
      prepare: () => () => undefined,
      flush: () => {},
    },
    replay,
    toActor: () => err(new CellError("ACTOR_INTENT_POISONOUS")),
    refusesWork: () => undefined,
    record: () => {},
  });
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  expect(told).toEqual([[0, "ACTOR_INTENT_POISONOUS"]]);
  // Kept as its reply, so that it holds for every further copy.
  for (const ticket of tickets)
    if (ticket.kind === "reply") replay.storeReply(ticket.issuer, ticket.id, new Uint8Array(1), ticket.final);
  expect(intake.admit(arrival)).toMatchObject([{ kind: "duplicate", state: "answered" }]);
});

test("an answer that was made ready leaves when it is given, once, and is kept for who asks again", () => {
  const replay = new ReplayWindow();
  const intake = intakeOf({ replay });
  const left: string[] = [];
  let prepared: Delivery | undefined;
  const deliveries = createDeliveries({
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    sealer: {
      seal: () => left.push("sealed"),
      prepare: (_inbox, capsule, ticket) => () => {
        left.push("ready");
        if (ticket.kind === "reply") replay.storeReply(ticket.issuer, ticket.id, capsule, ticket.final);
      },
      flush: () => {},
    },
    replay,
    toActor: () => err(new CellError("ACTOR_NOT_FOUND")),
    durable: {
      shardOf: () => 1,
      isDurable: () => true,
      accept: ({ intent, capsule, respond, prepare }) => {
        prepared = { intent, capsule, respond, ...(prepare && { prepare }) };
      },
    },
    refusesWork: () => undefined,
    record: () => {},
  });
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  const reply = { kind: "value", value: 1, final: true } as const;
  expect(prepared?.prepare?.({ ...reply, final: false })).toBeUndefined();
  const give = prepared?.prepare?.(reply);
  expect(left).toEqual([]);
  give?.();
  give?.();
  prepared?.respond(reply);
  expect(left).toEqual(["ready"]);
  expect(intake.admit(arrival)).toMatchObject([{ kind: "duplicate", state: "answered" }]);
});

describe("an intent with a token that serves once", () => {
  const deliveriesWith = (
    spend: DeliveryPorts["spend"],
    replay: ReplayWindow,
    count?: DeliveryPorts["count"],
  ) => {
    const [taken, told]: [string[], string[]] = [[], []];
    const deliveries = createDeliveries({
      maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
      sealer: { seal: () => 0, prepare: () => () => undefined, flush: () => {} },
      replay,
      toActor: ({ intent }) => {
        taken.push(intent.id);
        return ok({ mailboxDepth: 1 });
      },
      ...(spend === undefined ? {} : { spend }),
      ...(count === undefined ? {} : { count }),
      refusesWork: () => undefined,
      record: ({ kind }) => {
        if (kind.case !== "intentRefused") return;
        const { stage, error, intent, token } = kind.value;
        expect([intent, token]).toEqual(["ticket.open", once]);
        told.push(`${stage} ${error?.code}`);
      },
    });
    return { deliveries, taken, told };
  };
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  const once = new Uint8Array(32).fill(7);
  const acceptedOf = (intake: ReturnType<typeof intakeOf>) =>
    intake.admit(arrival).flatMap((verdict) => (verdict.kind === "accepted" ? [{ ...verdict, once }] : []));

  test("is begun once its token is spent, and not before", () => {
    const replay = new ReplayWindow();
    const asked: {
      readonly token: Uint8Array;
      readonly decided: (spent: Result<void, CellError>) => void;
    }[] = [];
    const { deliveries, taken } = deliveriesWith((token, capsule, decided) => {
      expect(capsule).toMatchObject({ shard: undefined, bytes: expect.any(Number) });
      asked.push({ token, decided });
    }, replay);
    for (const verdict of acceptedOf(intakeOf({ replay }))) deliveries.take(verdict);
    expect([taken.length, asked[0]?.token]).toEqual([0, once]);
    asked[0]?.decided(ok(undefined));
    expect(taken).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  test("is refused when it was spent before, and may come again", () => {
    const replay = new ReplayWindow();
    const intake = intakeOf({ replay });
    const spent = deliveriesWith(
      (_token, _hash, decided) => decided(err(new CellError("CAPABILITY_SPENT"))),
      replay,
    );
    for (const verdict of acceptedOf(intake)) spent.deliveries.take(verdict);
    expect([spent.taken, spent.told]).toEqual([[], ["authority CAPABILITY_SPENT"]]);
    expect(acceptedOf(intake)).toHaveLength(1);
  });

  test("is counted as well where it serves so many, and begun after both", () => {
    const replay = new ReplayWindow();
    const links = [
      { token: once, limit: "calls" as const, most: 3, amount: 1, notAfterUnixMs: NOW + 60_000 },
    ];
    const counted = { root: new Uint8Array(32), links };
    const spend: DeliveryPorts["spend"] = (_token, _capsule, decided) => decided(ok(undefined));
    const through = (outcome: Result<void, CellError>) => {
      const asked: unknown[] = [];
      const { deliveries, taken, told } = deliveriesWith(spend, replay, (links, bytes, decided) => {
        asked.push(links, bytes);
        decided(outcome);
      });
      for (const verdict of acceptedOf(intakeOf({ replay }))) deliveries.take({ ...verdict, counted });
      return { asked, taken: taken.length, told };
    };
    const refused = through(err(new CellError("CAPABILITY_SPENT")));
    expect(refused).toEqual({
      asked: [counted, expect.any(Number)],
      taken: 0,
      told: ["authority CAPABILITY_SPENT"],
    });
    expect(through(ok(undefined))).toMatchObject({ taken: 1, told: [] });
  });

  test("is refused where nobody could spend it", () => {
    const replay = new ReplayWindow();
    const { deliveries, taken, told } = deliveriesWith(undefined, replay);
    for (const verdict of acceptedOf(intakeOf({ replay }))) deliveries.take(verdict);
    expect([taken, told]).toEqual([[], ["authority CAPABILITY_UNDECIDED"]]);
  });
});
