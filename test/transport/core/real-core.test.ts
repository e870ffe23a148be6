import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { signatureVectors } from "../../../scripts/signature-vectors.ts";
import { Algorithm } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import {
  CertificateSchema,
  CertificateVerdict,
  SignatureCheckSchema,
  SignatureVerdict,
  ValidatorSchema,
} from "../../../src/gen/cell0/v1/core_pb.ts";
import { CoreClient } from "../../../src/transport/core/core-client.ts";
import { watchCore } from "../../../src/transport/core/watch-core.ts";
import { fastestMs } from "../../measure.ts";
import { coreBinary } from "./core-binary.ts";

describe("the real Rust core", () => {
  let directory: string;
  let core: ChildProcess;
  let client: CoreClient;
  const genesisHash = randomBytes(32);
  const start = async (): Promise<void> => {
    const socket = join(directory, "core.sock");
    core = spawn(coreBinary(), ["serve", "--data-dir", join(directory, "data"), "--socket", socket], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(core, "exit").then(() => Promise.reject(new Error("the core ended")));
    if (core.stdout !== null) await Promise.race([once(core.stdout, "data"), ended]);
    ended.catch(() => undefined);
  };
  const kill = async (): Promise<void> => {
    const exited = once(core, "exit");
    core.kill("SIGKILL");
    await exited;
  };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "cell0-core-"));
    await start();
    client = new CoreClient({
      endpoint: { kind: "unix", path: join(directory, "core.sock") },
      hostVersion: "0.1.0",
      genesisHash,
    });
  });
  afterAll(async () => {
    client.close();
    await kill();
    await rm(directory, { recursive: true, force: true });
  });

  it("agrees on versions and tells its state", async () => {
    const { voteKey, protocol } = await client.handshake();
    expect(protocol).toBe(1);
    expect(await client.status()).toMatchObject({ protocol: 1, voteKey, pid: core.pid });
  });

  it("verifies signatures that Node made, and finds the bad one among them", async () => {
    const checks = [0, 1, 2].map((n) => {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const message = randomBytes(64);
      const signature = sign(null, message, privateKey);
      if (n === 1) signature[5] = (signature[5] ?? 0) ^ 1;
      const key = new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
      return create(SignatureCheckSchema, {
        algorithm: Algorithm.ED25519,
        publicKey: key,
        message,
        signature,
      });
    });
    expect(await client.verifyBatch(checks)).toEqual([
      SignatureVerdict.VALID,
      SignatureVerdict.INVALID,
      SignatureVerdict.VALID,
    ]);
  });

  it("judges the public vectors by the cell's one rule, whatever stands beside them in a batch", async () => {
    const vectors = signatureVectors();
    const checks = vectors.map(({ key: publicKey, signature, message }) =>
      create(SignatureCheckSchema, { algorithm: Algorithm.ED25519, publicKey, message, signature }),
    );
    const verdicts = await client.verifyBatch(checks);
    const isValid = vectors.map(({ source, id }, at) => [
      source,
      id,
      verdicts[at] === SignatureVerdict.VALID,
    ]);
    expect(isValid).toEqual(vectors.map(({ source, id, verdict }) => [source, id, verdict === "valid"]));
    const small = vectors.flatMap(({ verdict }, at) => (verdict === "small-order-key" ? [verdicts[at]] : []));
    expect(new Set(small)).toEqual(new Set([SignatureVerdict.SMALL_ORDER_KEY]));
  });

  it("counts thresholds by weight, and refuses an empty set by its own code", async () => {
    const validators = [1, 2, 3, 4].map(() => {
      const x = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "";
      return create(ValidatorSchema, { key: new Uint8Array(Buffer.from(x, "base64url")), weight: 1n });
    });
    expect(await client.quorumThresholds(validators)).toMatchObject({
      faultyWeight: 1n,
      quorumWeight: 3n,
      honestWeight: 2n,
    });
    await expect(client.quorumThresholds([])).rejects.toMatchObject({ code: "CORE_VALIDATORS_EMPTY" });
    const certificate = create(CertificateSchema, {
      genesisHash,
      subject: "shard-owner/1",
      decisionHash: new Uint8Array(32),
    });
    expect(await client.verifyCertificate(certificate, validators)).toMatchObject({
      verdict: CertificateVerdict.BELOW_QUORUM,
    });
  });

  it("is known to be dead at once after kill -9, and to be back within a quarter of a second", async () => {
    const statuses: string[] = [];
    await using watch = watchCore({ client, onStatus: ({ state }) => statuses.push(state) });
    await watch.untilServing();
    const expected = ["serving"];
    const slower = await fastestMs(250, async () => {
      const killed = performance.now();
      await kill();
      await vi.waitFor(() => expect(watch.status().state).toBe("down"), { interval: 1 });
      const noticedMs = performance.now() - killed;
      await start();
      const back = performance.now();
      await watch.untilServing();
      expected.push("down", "serving");
      return Math.max(noticedMs, performance.now() - back);
    });
    expect(slower).toBeLessThan(250);
    expect(statuses.filter((state, at) => state !== statuses[at - 1])).toEqual(expected);
  });

  it("is known to hang when it is stopped", async () => {
    await using watch = watchCore({ client, onStatus: () => undefined });
    await watch.untilServing();
    core.kill("SIGSTOP");
    await vi.waitFor(() => expect(watch.status().state).toBe("down"));
    core.kill("SIGCONT");
    await watch.untilServing(AbortSignal.timeout(20_000));
  });
});
