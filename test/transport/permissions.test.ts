import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CellError } from "../../src/errors/cell-error.ts";
import type { BrokerUserKind } from "../../src/transport/broker/permissions.ts";
import type { BrokerConnection } from "../../src/transport/connection.ts";
import { type BrokerFixture, startBroker } from "./broker-fixture.ts";

type User = { kind: BrokerUserKind; principal: string; events?: boolean; discovery?: boolean };
type Case = { user: User; action: "publish" | "subscribe"; subject: string; allowed: boolean };

const alice: User = { kind: "client", principal: "alice" };
const watcher: User = { kind: "client", principal: "watcher", events: true };
const finder: User = { kind: "client", principal: "finder", discovery: true };
const operator: User = { kind: "operator", principal: "operator" };
const node: User = { kind: "node", principal: "a" };

const LETTERS = "CELL0_test_DEADLETTERS";
/** What would change the dead letters, or take some away. */
const tampering = ["UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN"].map(
  (verb) => `$JS.API.STREAM.${verb}.${LETTERS}`,
);
const reading = ["STREAM.MSG.GET", "DIRECT.GET", "CONSUMER.CREATE", "STREAM.INFO", "STREAM.CREATE"].map(
  (verb) => `$JS.API.${verb}.${LETTERS}`,
);

const rules: readonly [User, "publish" | "subscribe", boolean, readonly string[]][] = [
  [alice, "publish", true, ["cell0.v1.test.in.alice.hello.greeter", "cell0.v1.test.trust-bundle"]],
  [
    alice,
    "publish",
    false,
    [
      "cell0.v1.test.in.bob.hello.greeter",
      "cell0.v1.test.inbox.alice.1",
      "cell0.v1.test.inbox.bob.1",
      "cell0.v1.test.events.a.sent",
      "cell0.v1.test.trust.alice",
      "cell0.v1.test.revisions",
      "cell0.v1.test.journal.1",
      "cell0.v1.other.in.alice.hello.greeter",
      "$SRV.PING",
      "$JS.API.INFO",
      "$JS.API.STREAM.MSG.GET.CELL0_test_TRUST",
      "$JS.API.DIRECT.GET.CELL0_test_REVISIONS",
      "cell0.v1.test.deadletter.hello.greeter",
      ...tampering,
      ...reading,
    ],
  ],
  [
    alice,
    "subscribe",
    true,
    ["cell0.v1.test.inbox.alice.>", "cell0.v1.test.inbox.alice.x.1", "_INBOX_alice.>"],
  ],
  [
    alice,
    "subscribe",
    false,
    [
      "cell0.v1.test.inbox.bob.>",
      "cell0.v1.test.inbox.>",
      "cell0.v1.test.in.alice.>",
      "cell0.v1.test.in.>",
      "cell0.v1.test.events.>",
      "cell0.v1.test.trust.>",
      "cell0.v1.test.deadletter.>",
      "cell0.v1.test.>",
      "_INBOX.>",
      "_INBOX_bob.>",
      "$SRV.>",
      ">",
    ],
  ],
  [watcher, "subscribe", true, ["cell0.v1.test.events.>", "cell0.v1.test.events.a.sent"]],
  [watcher, "publish", false, ["cell0.v1.test.events.a.sent", "$SRV.PING"]],
  [finder, "publish", true, ["$SRV.PING", "$SRV.INFO.hello", "$SRV.STATS.hello.1"]],
  [
    finder,
    "publish",
    false,
    ["$SRV.OTHER", "$SRV.PINGS", "$JS.API.INFO", "cell0.v1.test.in.bob.hello.greeter"],
  ],
  [finder, "subscribe", true, ["_INBOX_finder.>"]],
  [finder, "subscribe", false, ["$SRV.>", "_INBOX.>", "cell0.v1.test.events.>"]],
  [
    operator,
    "publish",
    true,
    ["cell0.v1.test.in.operator.kernel.graph", "$SRV.PING", "$SRV.INFO.hello", "$SRV.STATS.hello.1"],
  ],
  [
    operator,
    "publish",
    false,
    [
      "cell0.v1.test.in.alice.hello.greeter",
      "cell0.v1.test.trust.a",
      "cell0.v1.test.revisions",
      "$JS.API.INFO",
      "$SRV.OTHER",
      "cell0.v1.test.deadletter.hello.greeter",
      ...tampering,
      ...reading,
    ],
  ],
  [operator, "subscribe", true, ["cell0.v1.test.events.>", "cell0.v1.test.inbox.operator.>", "_INBOX.>"]],
  [
    operator,
    "subscribe",
    false,
    ["cell0.v1.test.in.>", "cell0.v1.test.inbox.>", "cell0.v1.test.trust.>", "$SYS.>"],
  ],
  [
    node,
    "publish",
    true,
    [
      "cell0.v1.test.in.a.hello.greeter",
      "cell0.v1.test.inbox.alice.1",
      "cell0.v1.test.events.a.sent",
      "cell0.v1.test.trust.b",
      "cell0.v1.test.revisions",
      "cell0.v1.test.journal.1",
      "$JS.API.INFO",
      "$JS.API.STREAM.INFO.CELL0_test_TRUST",
      "cell0.v1.test.deadletter.hello.greeter",
      ...reading,
    ],
  ],
  [
    node,
    "publish",
    false,
    [
      "$JS.API.STREAM.CREATE.EVERYTHING",
      "cell0.v1.other.deadletter.hello.greeter",
      ...tampering,
      "$JS.API.STREAM.UPDATE.CELL0_test_TRUST",
      "$JS.API.STREAM.SNAPSHOT.CELL0_test_TRUST",
      "$JS.API.STREAM.LEADER.STEPDOWN.CELL0_test_TRUST",
      "$JS.API.CONSUMER.PAUSE.CELL0_test_TRUST.a",
      "cell0.v1.test.in.b.hello.greeter",
      "cell0.v1.test.in.operator.kernel.graph",
      "cell0.v1.test.events.b.sent",
      "$JS.API.STREAM.DELETE.CELL0_test_TRUST",
      "$JS.API.STREAM.PURGE.CELL0_test_REVISIONS",
      "$JS.API.STREAM.MSG.DELETE.CELL0_test_TRUST",
      "$SRV.PING",
      "_INBOX.someone",
      "$SYS.REQ.SERVER.PING",
    ],
  ],
  [
    node,
    "subscribe",
    true,
    ["cell0.v1.test.in.>", "cell0.v1.test.in.*.hello.greeter", "cell0.v1.test.trust.>", "$SRV.>"],
  ],
  [
    node,
    "subscribe",
    false,
    ["cell0.v1.test.inbox.alice.>", "cell0.v1.test.inbox.>", "cell0.v1.other.in.>", "$SYS.>"],
  ],
];

const cases: readonly Case[] = rules.flatMap(([user, action, allowed, subjects]) =>
  subjects.map((subject) => ({ user, action, subject, allowed })),
);
const title = ({ user, action, subject, allowed }: Case): string =>
  `a ${user.kind} named ${user.principal} ${allowed ? "may" : "may not"} ${action} ${subject}`;

describe("the broker's permissions", () => {
  let broker: BrokerFixture;
  const connections = new Map<string, { connection: BrokerConnection; problems: CellError[] }>();
  beforeAll(async () => {
    broker = await startBroker();
    for (const user of [alice, watcher, finder, operator, node]) {
      const problems: CellError[] = [];
      const connection = await broker.connect(user, { onProblem: (error) => problems.push(error) });
      connections.set(user.principal, { connection, problems });
    }
  });
  afterAll(() => broker.stop());

  it.each(cases.map((row) => [title(row), row] as const))(
    "%s",
    async (_title, { user, action, subject, allowed }) => {
      const link = connections.get(user.principal);
      if (link === undefined) throw new Error("not connected");
      link.problems.length = 0;
      if (action === "publish") link.connection.publish(subject, new Uint8Array());
      else link.connection.subscribe(subject, () => undefined);
      await link.connection.flush();
      const codes = link.problems.map(({ code }) => code);
      // A refused subscription is told twice: to its handler, and as a status.
      expect([...new Set(codes)]).toEqual(allowed ? [] : ["BROKER_PERMISSION_DENIED"]);
    },
  );
});

it("a node cannot have the broker publish under another's name", async () => {
  await using broker = await startBroker();
  const heard: string[] = [];
  const honest = await broker.connect(node);
  honest.subscribe("cell0.v1.test.in.operator.>", ({ subject }) => void heard.push(subject));
  await honest.flush();
  const hostile = await broker.connect({ kind: "node", principal: "b" });
  const manager = await jetstreamManager(hostile.nats, { checkAPI: false, timeout: 1_000 });
  const made = manager.streams.add({
    name: "MASK",
    subjects: ["cell0.v1.test.in.b.>"],
    republish: { src: "cell0.v1.test.in.b.>", dest: "cell0.v1.test.in.operator.>" },
  });
  await expect(made).rejects.toThrow();
  hostile.publish("cell0.v1.test.in.b.kernel.graph", new Uint8Array(1));
  await hostile.flush();
  await honest.flush();
  expect(heard).toEqual([]);
});
