import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, vi } from "vitest";
import { SignatureCheckSchema, SignatureVerdict } from "../../../src/gen/cell0/v1/core_pb.ts";
import { CoreClient } from "../../../src/transport/core/core-client.ts";
import { type CoreStatus, watchCore } from "../../../src/transport/core/watch-core.ts";
import { fastestMs } from "../../measure.ts";
import { fakeCore, Refused } from "./fake-core.ts";

const clientOf = (socket: string, options: { timeoutMs?: number; hostVersion?: string } = {}) =>
  new CoreClient({
    endpoint: { kind: "unix", path: socket },
    hostVersion: "0.1.0",
    genesisHash: new Uint8Array(32),
    ...options,
  });
const closing = (client: CoreClient) => ({ [Symbol.dispose]: () => client.close() });

describe("the client of the Rust core", () => {
  it("agrees with a core of the same release", async () => {
    await using core = await fakeCore();
    const client = clientOf(core.socket);
    using _ = closing(client);
    expect(await client.handshake()).toMatchObject({ protocol: 1, coreVersion: "0.1.7" });
  });

  it.each([
    [
      "another protocol",
      { protocol: 2, coreVersion: "0.1.0", voteKey: new Uint8Array(32) },
      "CORE_VERSION_MISMATCH",
    ],
    [
      "another release",
      { protocol: 1, coreVersion: "0.2.0", voteKey: new Uint8Array(32) },
      "CORE_VERSION_MISMATCH",
    ],
    ["no vote key", { protocol: 1, coreVersion: "0.1.0", voteKey: new Uint8Array() }, "CORE_PROTOCOL_ERROR"],
  ])("refuses a core with %s", async (_what, answer, code) => {
    await using core = await fakeCore({ handshake: () => answer });
    const client = clientOf(core.socket);
    using _ = closing(client);
    await expect(client.handshake()).rejects.toMatchObject({ code });
  });

  it.each([
    [status.FAILED_PRECONDITION, "CORE_PROTOCOL_MISMATCH", "CORE_VERSION_MISMATCH"],
    [status.FAILED_PRECONDITION, "CORE_GENESIS_MISMATCH", "CORE_GENESIS_MISMATCH"],
    [status.INVALID_ARGUMENT, "CORE_VALIDATORS_EMPTY", "CORE_VALIDATORS_EMPTY"],
    [status.INVALID_ARGUMENT, "CORE_OF_THE_FUTURE", "CORE_REFUSED"],
    [status.UNAVAILABLE, "CORE_SHUTTING_DOWN", "CORE_SHUTTING_DOWN"],
    [status.INTERNAL, "", "CORE_PROTOCOL_ERROR"],
  ])("reads gRPC status %i with the core's code '%s' as %s", async (grpc, sent, code) => {
    await using core = await fakeCore({
      status: () => {
        throw new Refused(grpc, sent);
      },
    });
    const client = clientOf(core.socket);
    using _ = closing(client);
    await expect(client.status()).rejects.toMatchObject({ code });
  });

  it("returns one verdict a check, and distrusts an answer with another number", async () => {
    const check = create(SignatureCheckSchema);
    await using core = await fakeCore({ verifyBatch: () => ({ verdicts: [SignatureVerdict.VALID] }) });
    const client = clientOf(core.socket);
    using _ = closing(client);
    expect(await client.verifyBatch([check])).toEqual([SignatureVerdict.VALID]);
    await expect(client.verifyBatch([check, check])).rejects.toMatchObject({ code: "CORE_PROTOCOL_ERROR" });
    const tooMany = Array.from({ length: 4097 }, () => check);
    await expect(client.verifyBatch(tooMany)).rejects.toMatchObject({ code: "CORE_TOO_MANY_CHECKS" });
  });

  it("gives up at the deadline, and at once when aborted", async () => {
    await using core = await fakeCore({ status: () => new Promise<never>(() => undefined) });
    const client = clientOf(core.socket, { timeoutMs: 50 });
    using _ = closing(client);
    await expect(client.status()).rejects.toMatchObject({ code: "CORE_TIMEOUT", retryable: true });
    const reason = new Error("enough");
    await expect(client.status({ timeoutMs: 60_000, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const call = client.status({ timeoutMs: 60_000, signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it("says that nothing listens", async () => {
    await using core = await fakeCore();
    const client = clientOf(join(core.socket, "..", "nothing.sock"));
    using _ = closing(client);
    await expect(client.status()).rejects.toMatchObject({ code: "CORE_MISSING" });
  });

  it("refuses a socket path that the system would cut", () => {
    expect(() => clientOf(`/${"x".repeat(107)}`)).toThrow(
      expect.objectContaining({ code: "CORE_SOCKET_PATH_TOO_LONG" }),
    );
  });
});

describe("the watch on the Rust core", () => {
  const statesOf = (statuses: readonly CoreStatus[]): string[] =>
    statuses.map((each) => (each.state === "down" ? each.error.code : each.state));

  it("notices death at once, and the return within a quarter of a second", async () => {
    let handshakes = 0;
    await using core = await fakeCore({
      handshake: () => {
        handshakes += 1;
        return { protocol: 1, coreVersion: "0.1.0", voteKey: new Uint8Array(32) };
      },
    });
    const client = clientOf(core.socket);
    using _ = closing(client);
    const statuses: CoreStatus[] = [];
    await using watch = watchCore({ client, onStatus: (status) => statuses.push(status) });
    await watch.untilServing();
    const expected = ["serving"];
    const slower = await fastestMs(250, async () => {
      const killed = performance.now();
      core.kill();
      await vi.waitFor(() => expect(watch.status().state).toBe("down"), { interval: 1 });
      const noticedMs = performance.now() - killed;
      await vi.waitFor(() => expect(watch.status()).toMatchObject({ error: { code: "CORE_MISSING" } }));
      await core.start();
      const back = performance.now();
      await watch.untilServing();
      expected.push("CORE_MISSING", "serving");
      return Math.max(noticedMs, performance.now() - back);
    });
    expect(slower).toBeLessThan(250);
    expect(statesOf(statuses).filter((state) => state !== "CORE_UNAVAILABLE")).toEqual(expected);
    expect(handshakes).toBe(expected.filter((state) => state === "serving").length);
  });

  it("is down while the core says that it does not serve", async () => {
    await using core = await fakeCore();
    const client = clientOf(core.socket);
    using _ = closing(client);
    await using watch = watchCore({ client, onStatus: () => undefined });
    await watch.untilServing();
    core.setServing(false);
    await vi.waitFor(() => expect(watch.status()).toMatchObject({ error: { code: "CORE_UNAVAILABLE" } }));
    core.setServing(true);
    await watch.untilServing();
  });

  it("stays down with a core of another version", async () => {
    await using core = await fakeCore();
    const client = clientOf(core.socket, { hostVersion: "0.9.0" });
    using _ = closing(client);
    const statuses: CoreStatus[] = [];
    await using watch = watchCore({ client, onStatus: (status) => statuses.push(status) });
    await vi.waitFor(() => expect(statesOf(statuses)).toEqual(["CORE_VERSION_MISMATCH"]));
    const reason = new Error("enough");
    await expect(watch.untilServing(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("stops while it waits for a core that never comes", async () => {
    await using core = await fakeCore();
    core.kill();
    const client = clientOf(core.socket);
    using _ = closing(client);
    const watch = watchCore({ client, onStatus: () => undefined });
    await vi.waitFor(() => expect(watch.status().state).toBe("down"));
    await watch.stop();
  });
});
