import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRecorder } from "../../src/telemetry/recorder.ts";
import { allEvents, logged, messageOf, openLog, temporaryFolder } from "./samples.ts";

test("what is recorded is read back in order, with rising sequences", async () => {
  const path = join(temporaryFolder(), "log", "events.log");
  const log = openLog(path);
  const recorder = createRecorder({ node: "a", log });
  for (const word of ["one", "two", "three"]) recorder.record(logged(word));
  recorder.flush();

  const events = await allEvents(path);

  expect(events.map(messageOf)).toEqual(["one", "two", "three"]);
  expect(events.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n]);
  expect(events.every(({ id, node }) => id.length === 16 && node === "a")).toBe(true);
});

test("a turn of the event loop hands the records to the operating system without a flush", async () => {
  const path = join(temporaryFolder(), "events.log");
  const recorder = createRecorder({ node: "a", log: openLog(path) });
  recorder.record(logged("soon"));
  await new Promise((resolve) => setImmediate(resolve));
  expect((await allEvents(path)).map(messageOf)).toEqual(["soon"]);
});

test("a kill -9 loses at most the turn of the event loop under way", async () => {
  const path = join(temporaryFolder(), "events.log");
  const writer = spawn(process.execPath, [fileURLToPath(new URL("killed-writer.ts", import.meta.url)), path]);
  const [, signal] = await once(writer, "exit");
  expect(signal).toBe("SIGKILL");
  const messages = (await allEvents(path)).map(messageOf);
  expect(messages.slice(0, 1_000)).toEqual(Array.from({ length: 1_000 }, (_, i) => `${i}`));
  expect(openLog(path).opened).toMatchObject({ tornBytes: 0, damagedRecords: 0 });
});

test("the log and its folder are its owner's only", () => {
  const folder = join(temporaryFolder(), "log");
  openLog(join(folder, "events.log"));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "events.log")).mode & 0o777).toBe(0o600);
});

test("a tail torn at any byte is cut off, reported, and the log goes on after it", async () => {
  const source = join(temporaryFolder(), "events.log");
  const first = openLog(source);
  const recorder = createRecorder({ node: "a", log: first });
  recorder.record(logged("kept"));
  recorder.flush();
  const kept = statSync(source).size;
  recorder.record(logged("torn"));
  recorder.flush();
  first.close();
  const whole = readFileSync(source);

  for (let cut = kept + 1; cut < whole.length; cut++) {
    const path = join(temporaryFolder(), "events.log");
    writeFileSync(path, whole.subarray(0, cut));
    const log = openLog(path);
    expect(log.opened).toMatchObject({ tornBytes: cut - kept, damagedRecords: 0, lastSequence: 1n });
    const next = createRecorder({ node: "a", log });
    next.record(logged("next"));
    next.flush();
    log.close();
    expect((await allEvents(path)).map(messageOf)).toEqual(["kept", "next"]);
  }
});

test("a damaged record in the middle is reported and costs only itself", async () => {
  const path = join(temporaryFolder(), "events.log");
  const log = openLog(path);
  const recorder = createRecorder({ node: "a", log });
  recorder.record(logged("first"));
  recorder.flush();
  const end = statSync(path).size;
  for (const word of ["second", "third"]) recorder.record(logged(word));
  recorder.flush();
  log.close();
  const bytes = readFileSync(path);
  bytes[end + 20] = (bytes[end + 20] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);

  const damage: string[] = [];
  const events = await allEvents(path, { onDamage: (what) => damage.push(what) });

  expect(events.map(messageOf)).toEqual(["first", "third"]);
  expect(damage).toHaveLength(1);
  expect(openLog(path).opened).toMatchObject({ damagedRecords: 1, tornBytes: 0, lastSequence: 3n });
});

test("a file that is unreadable for more than a record is set aside, not cut", () => {
  const path = join(temporaryFolder(), "events.log");
  writeFileSync(path, Buffer.alloc(200_000, 0xff));
  const log = openLog(path);
  expect(log.opened.tornBytes).toBe(200_000);
  expect(statSync(`${path}.1`).size).toBe(200_000);
  expect(statSync(path).size).toBe(0);
});

test("files rotate at their size, and only the newest few are kept", async () => {
  const path = join(temporaryFolder(), "events.log");
  const log = openLog(path, { maxBytes: 1_000, maxFiles: 3 });
  const recorder = createRecorder({ node: "a", log });
  for (let i = 0; i < 200; i++) {
    recorder.record(logged(`message ${i}`));
    recorder.flush();
  }
  expect([path, `${path}.1`, `${path}.2`].map((file) => statSync(file).size <= 1_000)).toEqual([
    true,
    true,
    true,
  ]);
  expect(existsSync(`${path}.3`)).toBe(false);
  const sequences = (await allEvents(path)).map(({ sequence }) => Number(sequence));
  expect(sequences.at(-1)).toBe(200);
  expect(sequences).toEqual(sequences.map((_, i) => 200 - sequences.length + 1 + i));
});

test("sequences go on after the log was closed and opened, also right after a rotation", () => {
  const path = join(temporaryFolder(), "events.log");
  for (let i = 0; i < 10; i++) {
    const log = openLog(path, { maxBytes: 120, maxFiles: 3 });
    expect(log.opened.lastSequence).toBe(BigInt(i));
    const recorder = createRecorder({ node: "a", log });
    recorder.record(logged(`run ${i}`));
    recorder.close();
    log.close();
  }
});

test("beyond its bound the queue drops, counts and never throws", () => {
  const log = openLog(join(temporaryFolder(), "events.log"), { maxQueuedBytes: 1_000 });
  const recorder = createRecorder({ node: "a", log });
  for (let i = 0; i < 100; i++) recorder.record(logged("x".repeat(100)));
  const { recorded, dropped } = recorder.stats();
  expect(recorded + dropped).toBe(100);
  expect(dropped).toBeGreaterThan(80);
});

test("following goes on over rotations without loss or repetition until it is aborted", async () => {
  const path = join(temporaryFolder(), "events.log");
  const log = openLog(path, { maxBytes: 2_000, maxFiles: 20 });
  const recorder = createRecorder({ node: "a", log });
  for (let i = 0; i < 5; i++) recorder.record(logged(`old ${i}`));
  recorder.flush();
  const abort = new AbortController();
  const seen: number[] = [];
  const { readEvents } = await import("../../src/telemetry/read-events.ts");
  const following = (async () => {
    for await (const event of readEvents({ path, follow: true, last: 2, signal: abort.signal })) {
      seen.push(Number(event.sequence));
      if (event.sequence === 5n) for (let i = 0; i < 150; i++) recorder.record(logged(`new ${i}`));
      if (event.sequence === 5n) recorder.flush();
      if (event.sequence === 155n) abort.abort();
    }
  })();
  await following;
  expect(seen).toEqual(Array.from({ length: 152 }, (_, i) => i + 4));
});

test("a filter narrows by actor, kind and sequence; last keeps the end, limit the beginning", async () => {
  const path = join(temporaryFolder(), "events.log");
  const recorder = createRecorder({ node: "a", log: openLog(path) });
  for (let i = 0; i < 10; i++) recorder.record(logged(`${i}`, i % 2 === 0 ? "g/even" : "g/odd/deep"));
  recorder.flush();
  const read = async (options: object) => (await allEvents(path, options)).map(messageOf).join("");
  expect(await read({ filter: { actor: "g/even" } })).toBe("02468");
  expect(await read({ filter: { actor: "g/odd/**" } })).toBe("13579");
  expect(await read({ filter: { actor: "g/**" }, last: 3 })).toBe("789");
  expect(await read({ filter: { kinds: ["actorCrashed"] } })).toBe("");
  expect(await read({ limit: 2 })).toBe("01");
  expect(await read({ filter: { afterSequence: 8n } })).toBe("89");
});

test("arbitrary bytes in the file never make opening or reading throw", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      const path = join(temporaryFolder(), "events.log");
      const log = openLog(path);
      const recorder = createRecorder({ node: "a", log });
      recorder.record(logged("good"));
      recorder.flush();
      log.close();
      appendFileSync(path, bytes);
      expect((await allEvents(path)).map(messageOf)[0]).toBe("good");
      const again = openLog(path);
      again.close();
      truncateSync(path, 0);
    }),
    { numRuns: 60 },
  );
});
