// What is revoked, at this node: its own copy first, then the cell's stream, and the authority's
// word each second on which record is the newest. The node that owns shard 0 is the authority: it
// writes and it speaks. What is newer here than in the stream is written again, so that a broker or
// a node restored from an old copy rolls nothing back.
import { perSecond } from "../collections/per-second.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { equalBytes } from "../security/bytes.ts";
import type { SigningKey } from "../security/keys/signing-key.ts";
import { readHead, signHead } from "../security/revocation/head.ts";
import { RevocationList } from "../security/revocation/revocation-list.ts";
import {
  type Revocations,
  type Revoked,
  readRevocations,
  signRevocations,
  withoutEnded,
} from "../security/revocation/revocations.ts";
import { firstNodeOf } from "../security/trust/first-node.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { RevocationHeads } from "../transport/revocation-heads.ts";
import type { RevocationsStream } from "../transport/streams/revocations-stream.ts";
import type { RecordMirror } from "./record-mirror.ts";

const SPEAK_MS = 1_000;
/** Name of the one record in this node's own copy. */
export const NEWEST = "newest";
/** Another writer was faster so often in a row. */
const MAX_ATTEMPTS = 3;
const ANSWERS_A_SECOND = { all: 64, each: 64 };
const REWRITES_A_SECOND = { all: 1, each: 1 };

/** Who asked, for the record. */
export type Asked = { readonly author: string; readonly causeId: Uint8Array };

export type CellRevocations = {
  readonly list: RevocationList;
  /**
   * Makes the next record. Resolves once it is written, in force here, and in this node's own copy. Throws
   * what `make` refuses, CAPABILITY_REVOCATIONS_INVALID at a node that is not certified for shard 0, and
   * what the broker refuses.
   */
  change(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): Promise<Revocations>;
  /** Begins to write and to speak; a node in standby does so once it takes over. */
  activate(): Promise<void>;
  stop(): Promise<void>;
};

export type RevocationPorts = {
  readonly stream: RevocationsStream;
  readonly heads: RevocationHeads;
  readonly mirror: RecordMirror;
  readonly trust: TrustStore;
  readonly key: SigningKey;
  /** Whether this node owns shard 0 now. */
  readonly isAuthority: () => boolean;
  /** Another process of this node writes and speaks, until `activate`. */
  readonly standby: boolean;
  /** A newer record is in force. */
  readonly onChange: (record: Revocations, before: Revocations | undefined) => void;
  readonly onProblem: (error: CellError) => void;
};

export async function openRevocations(ports: RevocationPorts): Promise<CellRevocations> {
  const keeper = new RevocationKeeper(ports);
  await keeper.open();
  return keeper;
}

class RevocationKeeper implements CellRevocations {
  readonly list = new RevocationList();
  readonly #ports: RevocationPorts;
  readonly #mayAnswer = perSecond(ANSWERS_A_SECOND);
  readonly #mayRewrite = perSecond(REWRITES_A_SECOND);
  #active = false;
  #speaking: NodeJS.Timeout | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  /** Until the newest record is in this node's own copy. */
  #keeping: Promise<void> = Promise.resolve();
  readonly #close: (() => Promise<void>)[] = [];

  constructor(ports: RevocationPorts) {
    this.#ports = ports;
  }

  async open(): Promise<void> {
    const { stream, heads, mirror, trust, standby, onProblem } = this.#ports;
    const kept = (await mirror.all()).get(NEWEST);
    if (kept !== undefined) this.#takeKept(readRevocations(kept, trust.genesis));
    await stream.ensure();
    const follower = stream.follow({
      accept: ({ data }) => this.#take(this.#verified(data)),
      onProblem,
      onRolledBack: () => void this.#rewrite().catch(onProblem),
    });
    this.#close.push(() => follower.stop());
    const deaf = heads.hear(
      (head) => this.#hear(head),
      () => {
        if (this.#mayAnswer("", performance.now())) this.#speak();
      },
    );
    this.#close.push(async () => deaf());
    await follower.caughtUp;
    if (!standby) await this.activate();
    heads.ask();
  }

  async activate(): Promise<void> {
    this.#active = true;
    this.#speak();
    this.#speaking ??= setInterval(() => this.#speak(), SPEAK_MS);
    await this.#rewrite();
  }

  change(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): Promise<Revocations> {
    const changed = this.#changing.then(() => this.#change(make, asked));
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async stop(): Promise<void> {
    clearInterval(this.#speaking);
    this.#active = false;
    for (const close of this.#close.reverse()) await close();
    await this.#keeping.catch(() => undefined);
  }

  async #change(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): Promise<Revocations> {
    this.#requireAuthority(this.#ports.key.publicKey);
    for (let attempt = 1; ; attempt += 1) {
      const now = Date.now();
      const made = make(withoutEnded(this.list.revoked(), now));
      if (!made.ok) throw made.error;
      const record = this.#sign(made.value, asked, now);
      const written = await this.#write(record);
      if (written.ok) {
        // It is not said at once: the others have the record by the next time, and refuse nothing meanwhile.
        this.#take(record);
        await this.#keeping;
        return record;
      }
      if (written.error.code !== "BROKER_STREAM_CONFLICT" || attempt === MAX_ATTEMPTS) throw written.error;
    }
  }

  #sign(revoked: Revoked, asked: Asked, nowUnixMs: number): Revocations {
    const { key, trust } = this.#ports;
    const generation = (this.list.record()?.generation ?? 0) + 1;
    const signed = signRevocations(
      { ...revoked, ...asked, generation, issuedUnixMs: nowUnixMs },
      key,
      trust.genesis,
    );
    if (!signed.ok) throw signed.error;
    return signed.value;
  }

  /** In place of an older record, or of what is none; a newer one is taken first. */
  async #write(record: Revocations): Promise<Result<unknown, CellError>> {
    const { stream } = this.#ports;
    const last = await stream.last();
    const theirs = last && this.#counting(last.data);
    if (theirs !== undefined && theirs.generation >= record.generation) {
      this.#take(theirs);
      return err(new CellError("BROKER_STREAM_CONFLICT"));
    }
    return await stream.publish(record.bytes, last?.sequence ?? 0);
  }

  /** A made-up one of a high generation must not keep what is revoked out. */
  #counting(bytes: Uint8Array): Revocations | undefined {
    try {
      return this.#verified(bytes);
    } catch {
      return undefined;
    }
  }

  /** Puts there what the stream lacks. After its node's key was replaced the authority signs the record anew. */
  async #rewrite(): Promise<void> {
    const ours = this.list.record();
    if (!this.#active || ours === undefined) return;
    const { key, isAuthority, stream, onProblem } = this.#ports;
    try {
      if (isAuthority() && !equalBytes(ours.signer, key.publicKey)) {
        await this.change((revoked) => ok(revoked), ours);
        return;
      }
      const last = await stream.last();
      if (last !== undefined && equalBytes(last.data, ours.bytes)) return;
      const written = await this.#write(ours);
      if (!written.ok && written.error.code !== "BROKER_STREAM_CONFLICT") throw written.error;
      if (written.ok) {
        const what = `its stream lacked record of revocations ${ours.generation}, which this node has`;
        onProblem(new CellError("CELL_ROLLED_BACK", what));
      }
    } catch (error) {
      onProblem(error as CellError);
    }
  }

  #verified(bytes: Uint8Array): Revocations {
    const { trust } = this.#ports;
    const read = readRevocations(bytes, trust.genesis);
    if (!read.ok) throw read.error;
    this.#requireAuthority(read.value.signer);
    return read.value;
  }

  #requireAuthority(signer: Uint8Array): void {
    const node = firstNodeOf(signer, this.#ports.trust, Date.now());
    if (node.ok) return;
    if (typeof node.error !== "string") throw node.error;
    throw new CellError("CAPABILITY_REVOCATIONS_INVALID", node.error);
  }

  /** Of this node's own copy: judged when it was kept, and its node may have another key by now. */
  #takeKept(read: Result<Revocations, CellError>): void {
    try {
      if (!read.ok) throw read.error;
      this.list.take(read.value, Number.MAX_SAFE_INTEGER);
    } catch (cause) {
      const what = "this node's copy of what is revoked is damaged";
      this.#ports.onProblem(new CellError("CELL_CONFIG_INVALID", what, { cause }));
    }
  }

  /** In force at once. */
  #take(record: Revocations): void {
    const before = this.list.record();
    if (!this.list.take(record, Date.now())) return;
    const { mirror, onChange, onProblem } = this.#ports;
    onChange(record, before);
    this.#keeping = mirror.put(NEWEST, record.bytes);
    this.#keeping.catch(onProblem);
  }

  #hear(bytes: Uint8Array): void {
    const { trust, onProblem } = this.#ports;
    const head = readHead(bytes, trust.genesis);
    if (!head.ok) throw head.error;
    this.#requireAuthority(head.value.signer);
    const nowMs = performance.now();
    const heard = this.list.hear(head.value, Date.now(), nowMs);
    if (heard === "other") {
      const what = `the authority has another record of revocations ${head.value.generation} than this node`;
      throw new CellError("CELL_ROLLED_BACK", what);
    }
    // Whoever speaks was restored from an old copy, and may have nobody else to tell it.
    if (heard === "older" && this.#mayRewrite("", nowMs)) void this.#rewrite().catch(onProblem);
  }

  #speak(): void {
    const { heads, key, trust, isAuthority, onProblem } = this.#ports;
    if (!this.#active || !isAuthority()) return;
    const record = this.list.record();
    const claims = {
      generation: record?.generation ?? 0,
      hash: record?.bodyHash ?? new Uint8Array(),
      atUnixMs: Date.now(),
    };
    try {
      heads.say(signHead(claims, key, trust.genesis));
    } catch (error) {
      onProblem(error as CellError);
    }
  }
}
