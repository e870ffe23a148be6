// Who may use a tool at all, how often, and that nothing ends a tool.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CallLimits } from "../../../../src/actors/kernel/tools/call-limits.ts";
import {
  ACTOR,
  fsGrant,
  httpGrant,
  makeFolder,
  serve,
  startWorld,
  toolsOf,
  type World,
} from "./tool-world.ts";

let folder: { readonly path: string; remove(): Promise<void> };
let world: World;
beforeEach(async () => {
  folder = await makeFolder();
  world = await startWorld({ tools: toolsOf({ fs: [fsGrant(folder.path)] }) });
});
afterEach(async () => {
  await world.stop();
  await folder.remove();
});

describe("senders", () => {
  test("a client has no tools, whatever its certificate says", async () => {
    expect(await world.outcome("fs.list", { path: "workspace" }, "")).toBe("TOOL_SENDER_INVALID");
    expect(world.events).toMatchObject([
      {
        actor: "kernel/a/fs",
        kind: { case: "toolRefused", value: { error: { code: "TOOL_SENDER_INVALID" } } },
      },
    ]);
  });

  test("an actor of another node has none here", async () => {
    expect(await world.outcome("fs.list", { path: "workspace" }, "research/other")).toBe(
      "TOOL_SENDER_INVALID",
    );
  });

  test("who says in the payload that it is somebody else is not heard", async () => {
    const payload = { path: "workspace", source: ACTOR, actor: ACTOR };
    expect(await world.outcome("fs.list", payload, "research/other")).toBe("ACTOR_PAYLOAD_INVALID");
  });

  test("grants that are taken away count from the next call on", async () => {
    expect(await world.outcome("fs.list", { path: "workspace" })).toBe("ok");
    world.grants = () => "nothing";
    expect(await world.outcome("fs.list", { path: "workspace" })).toBe("TOOL_NOT_GRANTED");
    world.grants = () => toolsOf({});
    expect(await world.outcome("fs.list", { path: "workspace" })).toBe("TOOL_NOT_GRANTED");
  });
});

describe("bounds of an actor", () => {
  test("calls beyond those that may be in hand are refused, and room comes back", async () => {
    const { host, close } = await serve((request, response) => {
      if (request.url === "/fast") response.end();
    });
    const tools = toolsOf({ http: [httpGrant({ hosts: [host], timeoutMs: 300 })], concurrent: 2 });
    const { outcome, stop } = await startWorld({ tools });
    const slow = [
      outcome("http.fetch", { url: `${host}/slow` }),
      outcome("http.fetch", { url: `${host}/slow` }),
    ];
    expect(await outcome("http.fetch", { url: `${host}/fast` })).toBe("TOOL_BUSY");
    expect(await Promise.all(slow)).toEqual(["TOOL_TIMEOUT", "TOOL_TIMEOUT"]);
    expect(await outcome("http.fetch", { url: `${host}/fast` })).toBe("ok");
    await stop();
    await close();
  });

  test("calls beyond the rate are refused with the time to wait, refused ones among them", async () => {
    world.grants = () => toolsOf({ perMinute: 30 });
    const outcomes = [];
    for (let count = 0; count < 5; count += 1) outcomes.push(await world.outcome("fs.list", { path: "x" }));
    expect(outcomes).toEqual([
      "TOOL_NOT_GRANTED",
      "TOOL_NOT_GRANTED",
      "TOOL_NOT_GRANTED",
      "TOOL_RATE_LIMITED",
      "TOOL_RATE_LIMITED",
    ]);
    const error = await world.call("fs.list", { path: "x" }).catch((thrown: unknown) => thrown);
    expect(Reflect.get(error as object, "retryAfterMs")).toBeGreaterThan(1_000);
    expect(world.events).toHaveLength(6);
  });

  test("never more than the burst and what the time earned are begun", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        (perMinute, waits) => {
          const limits = new CallLimits();
          let now = 0;
          let begun = 0;
          for (const wait of waits) {
            now += wait;
            const call = limits.begin("g/a", { concurrent: 64, perMinute }, now);
            if (!call.ok) continue;
            begun += 1;
            call.value();
          }
          expect(begun).toBeLessThanOrEqual(Math.max(1, perMinute / 10) + (now * perMinute) / 60_000);
        },
      ),
    );
  });

  test("one actor's calls take nothing from another's", () => {
    const limits = new CallLimits();
    const bounds = { concurrent: 1, perMinute: 60 };
    expect(limits.begin("g/a", bounds, 0).ok).toBe(true);
    expect(limits.begin("g/a", bounds, 0)).toMatchObject({ error: { code: "TOOL_BUSY" } });
    expect(limits.begin("g/b", bounds, 0).ok).toBe(true);
  });
});

test("what goes wrong inside is an answer, and the tool goes on", async () => {
  world.grants = () => {
    throw new TypeError("a bug");
  };
  expect(await world.outcome("fs.list", { path: "workspace" })).toBe("TOOL_FAILED");
  world.grants = () => toolsOf({ fs: [fsGrant(folder.path)] });
  expect(await world.outcome("fs.list", { path: "workspace" })).toBe("ok");
});
