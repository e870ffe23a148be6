// A client with all that he needs to flood a node, in a cell that runs its own broker.
import { readFile } from "node:fs/promises";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LiveCell } from "./live-cell.ts";
import { startParrot } from "./parrot-cell.ts";
import { openRawClient, type RawClient } from "./raw-client.ts";
import { makeWorkspace, type Workspace } from "./workspace.ts";

describe("who floods a node and does not stop", () => {
  let cell: LiveCell;
  let workspace: Workspace;
  let mallory: RawClient;
  beforeAll(async () => {
    workspace = await makeWorkspace();
    cell = await startParrot(workspace);
    await cell.json(
      "client",
      "add",
      "mallory",
      "--manifest-grants",
      "--out",
      workspace.path("mallory.creds"),
    );
    mallory = await openRawClient(workspace.path("mallory.creds"));
  });
  afterAll(async () => {
    await mallory?.close();
    await cell?.stop();
    await workspace.remove();
  });

  const connectOnce = async () =>
    await connect({
      servers: mallory.identity.broker,
      authenticator: credsAuthenticator(await readFile(workspace.path("mallory.creds"))),
      reconnect: false,
    });

  it("loses his connection to the broker, and each that he makes; others have theirs, and are answered", async () => {
    const first = await connectOnce();
    const garbage = new Uint8Array(300);
    while (!first.isClosed()) {
      for (let n = 0; n < 10_000; n += 1) first.publish(mallory.subject("live/parrot"), garbage);
      await Promise.race([first.flush().catch(() => first.closed()), first.closed()]);
    }
    // It may be ended before it has come up.
    await connectOnce().then(
      (second) => second.closed(),
      () => {},
    );
    const { value } = await cell.client.request("live/parrot", "say", { text: "hello" });
    expect(value).toMatchObject({ text: "hello" });
    const { stdout } = await cell.cli("logs", "--kind", "intentRefused");
    expect(stdout).toMatch(/mallory .*BROKER_KEPT_OUT/);
  }, 60_000);
});
