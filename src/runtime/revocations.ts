// What is revoked, at this node: its own copy first, then the cell's stream, and the authority's word
// each second on which record it has. The node that owns shard 0 is the authority: it writes what is
// new, and it speaks. Whoever has what the authority lacks writes that, so that a broker or a node
// restored from an old copy takes nothing back.
import { perSecond } from "../collections/per-second.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import { equalBytes } from "../security/bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../security/clock/clock-skew.ts";
import type { Signer } from "../security/keys/signing-key.ts";
import { readHead, signHead } from "../security/revocation/head.ts";
import { RevocationList } from "../security/revocation/revocation-list.ts";
import { type Revocations, readRevocations, signRevocations } from "../security/revocation/revocations.ts";
import { bounded, covers, type Revoked } from "../security/revocation/revoked.ts";
import type { Certificate } from "../security/trust/certificate.ts";
import { firstNodeOf } from "../security/trust/first-node.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { RevocationHeads } from "../transport/revocation-heads.ts";
import type { RevocationsStream } from "../transport/streams/revocations-stream.ts";
import type { RecordMirror } from "./record-mirror.ts";
import { RevocationCopy } from "./revocation-copy.ts";
import { RevocationOffers } from "./revocation-offers.ts";
import { within } from "./within.ts";

const TICK_MS = 1_000;
/** So often the authority looks whether the stream still has its record. */
const TICKS_A_LOOK = 10;
/** Of the authority's, before others tell what they know. */
const TICKS_OF_SILENCE = 5;
const STOP_WITHIN_MS = 1_000;
const ANSWERS_A_SECOND = { all: 64, each: 64 };
const HEADS_A_SECOND = { all: 128, each: 128 };
const ONE_A_SECOND = { all: 1, each: 1 };

/** Who asked, for the record. */
export type Asked = { readonly author: string; readonly causeId: Uint8Array };

export type CellRevocations = {
  readonly list: RevocationList;
  /**
   * Makes the next record, unless `make` adds nothing. Resolves once all that is revoked here is in force, in
   * this node's own copy and in the stream. Throws what `make` refuses, CAPABILITY_REVOCATIONS_INVALID at a
   * node that is not certified for shard 0, CAPABILITY_REVOCATIONS_UNWRITTEN when it is in force here alone.
   */
  change(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): Promise<void>;
  /** Begins to write and to speak; a node in standby does so once it takes over. */
  activate(): Promise<void>;
  stop(): Promise<void>;
};

export type RevocationPorts = {
  readonly node: string;
  readonly stream: RevocationsStream;
  readonly heads: RevocationHeads;
  readonly mirror: RecordMirror;
  readonly trust: TrustStore;
  readonly key: Signer;
  /** Another process of this node writes and speaks, until `activate`. */
  readonly standby: boolean;
  /** More is revoked than before. */
  readonly onChange: (record: Revocations, before: Revoked) => void;
  readonly onProblem: (error: CellError) => void;
};

export async function openRevocations(ports: RevocationPorts): Promise<CellRevocations> {
  const keeper = new RevocationKeeper(ports);
  await keeper.open();
  return keeper;
}

class RevocationKeeper implements CellRevocations {
  readonly list: RevocationList;
  readonly #ports: RevocationPorts;
  readonly #copy: RevocationCopy;
  readonly #offers: RevocationOffers;
  readonly #mayAnswer = perSecond(ANSWERS_A_SECOND);
  readonly #mayRead = perSecond(HEADS_A_SECOND);
  readonly #mayFetch = perSecond(ONE_A_SECOND);
  #active = false;
  #isStopped = false;
  #ticking: NodeJS.Timeout | undefined;
  #ticks = 0;
  #silentTicks = 0;
  /** Not in the stream yet. */
  #unwritten: Revocations | undefined;
  #unwrittenSinceMs = Number.NEGATIVE_INFINITY;
  #settling: Promise<void> = Promise.resolve();
  /** Begins when that has ended; for all who ask meanwhile. */
  #nextSettling: Promise<void> | undefined;
  #saidUnixMs = 0;
  readonly #close: (() => Promise<void>)[] = [];

  constructor(ports: RevocationPorts) {
    this.#ports = ports;
    this.list = new RevocationList(ports.key);
    const { mirror, trust, onProblem } = ports;
    this.#copy = new RevocationCopy({ mirror, genesis: trust.genesis, list: this.list, onProblem });
    this.#offers = new RevocationOffers(ports);
  }

  async open(): Promise<void> {
    const { stream, heads, standby, onProblem } = this.#ports;
    await this.#copy.read();
    await stream.ensure();
    const follower = stream.follow({
      accept: ({ data }) => this.#accept(data),
      onProblem,
      onRolledBack: () => {
        onProblem(new CellError("CELL_ROLLED_BACK", "its stream of revocations is an older one"));
        void this.#findUnwritten();
      },
    });
    this.#close.push(() => follower.stop());
    const deaf = heads.hear(
      (node, head) => this.#hear(node, head),
      () => {
        if (this.#mayAnswer("", performance.now())) this.#speak();
      },
    );
    this.#close.push(async () => deaf());
    await follower.caughtUp;
    if (!standby) await this.#begin();
    heads.ask();
  }

  async activate(): Promise<void> {
    // What the process before has written since this one began to stand by.
    await this.#copy.readAgain();
    await this.#begin();
  }

  async #begin(): Promise<void> {
    if (this.#isStopped) return;
    this.#active = true;
    this.#speak();
    this.#ticking ??= setInterval(() => void this.#tick(), TICK_MS);
    await this.#findUnwritten();
    await this.#tick();
  }

  async change(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): Promise<void> {
    this.#requireAuthority();
    this.#sign(make, asked);
    const own = this.#own();
    await this.#settle();
    if (this.#unwritten !== undefined && this.#unwritten === own)
      throw new CellError(
        "CAPABILITY_REVOCATIONS_UNWRITTEN",
        "this node has stopped, or lost shard 0, meanwhile",
      );
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    this.#active = false;
    this.#isStopped = true;
    for (const close of this.#close.reverse()) await close();
    await within(STOP_WITHIN_MS, this.#nextSettling ?? this.#settling);
  }

  /** Speaks, and makes up for what went wrong before. Never rejects. */
  async #tick(): Promise<void> {
    const { node, onProblem } = this.#ports;
    await this.#copy.readAgainIfUnread();
    this.#speak();
    this.#ticks += 1;
    if (this.#ticks % TICKS_A_LOOK === 0) await this.#findUnwritten();
    this.#offerToTheMute();
    if (!this.#active || this.#nextSettling !== undefined) return;
    try {
      const isScattered = this.#isAuthority() && !this.#isWhole();
      if (isScattered) this.#sign(bounded, { author: node, causeId: new Uint8Array() });
      if (this.#copy.isWaiting || this.#unwritten !== undefined) await this.#settle();
    } catch (error) {
      onProblem(error as CellError);
    }
  }

  /** Once all that is known by now is in this node's own copy and in the stream. Throws CAPABILITY_REVOCATIONS_UNWRITTEN. */
  #settle(): Promise<void> {
    this.#nextSettling ??= this.#settling
      .catch(() => undefined)
      .then(() => {
        this.#nextSettling = undefined;
        this.#settling = this.#settleNow();
        return this.#settling;
      });
    return this.#nextSettling;
  }

  /** The one does not wait for the other, nor fail with it. Of a process that stands by the other process keeps it. */
  async #settleNow(): Promise<void> {
    const [kept, written] = await Promise.allSettled([this.#active && this.#copy.keep(), this.#write()]);
    if (kept.status === "rejected") throw kept.reason;
    if (written.status === "rejected") throw written.reason;
  }

  /** Whether one record that this node's key has signed holds all that is revoked, or nothing is. */
  #isWhole(): boolean {
    const [first, second] = this.list.records();
    return first === undefined || (second === undefined && this.#isOwn(first));
  }

  #isOwn({ signer }: Revocations): boolean {
    return equalBytes(signer, this.#ports.key.publicKey);
  }

  #own(): Revocations | undefined {
    return this.list.records().findLast((record) => this.#isOwn(record));
  }

  #isAuthority(): boolean {
    const { trust, node } = this.#ports;
    return trust.shardOwner(0, Date.now()) === node;
  }

  #requireAuthority(): void {
    if (!this.#active) throw new CellError("CELL_NOT_ACCEPTING", "this process does not serve yet");
    if (this.#isAuthority()) return;
    const what = `node \`${this.#ports.node}\` does not own shard 0, where the capability authority is`;
    throw new CellError("CAPABILITY_REVOCATIONS_INVALID", what);
  }

  /** Signs and takes the next record, when it says more than what this node's own does. In force from then on, whatever fails. */
  #sign(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): void {
    const issuedUnixMs = Date.now();
    const before = this.list.revoked(issuedUnixMs);
    const made = make(before);
    if (!made.ok) throw made.error;
    if (this.#isWhole() && covers(before, made.value, issuedUnixMs)) return;
    const { key, trust } = this.#ports;
    const sealing = { key, genesis: trust.genesis, certificates: this.#certificates() };
    const signed = signRevocations({ ...asked, ...made.value, issuedUnixMs }, sealing);
    if (!signed.ok) throw signed.error;
    this.#take(signed.value);
  }

  /** Throws CAPABILITY_REVOCATIONS_INVALID, and what stands against this node's own key. */
  #certificates(): readonly [issuer: Uint8Array, node: Uint8Array] {
    const { key, trust } = this.#ports;
    const node = firstNodeOf(key.publicKey, trust, Date.now());
    if (!node.ok) {
      if (typeof node.error !== "string") throw node.error;
      throw new CellError("CAPABILITY_REVOCATIONS_INVALID", node.error);
    }
    const issuer = trust.byKey(node.value.signer, Date.now());
    if (!issuer.ok) throw issuer.error;
    return [issuer.value.bytes, node.value.bytes];
  }

  /** A broker that was restored from an old copy, or that this process's predecessor could not reach, lacks it. Never rejects. */
  async #findUnwritten(): Promise<void> {
    const own = this.#own();
    if (own === undefined || !this.#active || !this.#isAuthority()) return;
    const { stream, node, onProblem } = this.#ports;
    try {
      const last = await stream.last(node);
      // Whoever was this node before may have written more.
      if (last !== undefined && !equalBytes(last.data, own.bytes)) this.#acceptQuietly(last.data);
      if (this.#unwritten !== undefined || (last !== undefined && equalBytes(last.data, own.bytes))) return;
      onProblem(new CellError("CELL_ROLLED_BACK", "its stream lacks what this node knows to be revoked"));
      this.#unwritten = this.#own();
    } catch (error) {
      onProblem(error as CellError);
    }
  }

  #acceptQuietly(bytes: Uint8Array): void {
    try {
      this.#accept(bytes);
    } catch (error) {
      this.#ports.onProblem(error as CellError);
    }
  }

  /** Throws CAPABILITY_REVOCATIONS_INVALID, CAPABILITY_REVOCATIONS_FULL. */
  #accept(bytes: Uint8Array): void {
    const { trust, onProblem } = this.#ports;
    const read = readRevocations(bytes, trust.genesis, Date.now());
    if (!read.ok) throw read.error;
    this.#copy.told();
    if (this.#take(read.value) && this.#active) void this.#settle().catch(onProblem);
  }

  /** In force from now on; what keeps and writes it follows. */
  #take(record: Revocations): boolean {
    const taken = this.list.take(record, Date.now());
    if (taken === undefined) return false;
    this.#copy.taken(taken);
    // Its own that it has forgotten, or a new one.
    if (this.#active && this.#isOwn(record)) {
      this.#unwritten = record;
      this.#unwrittenSinceMs = performance.now();
    }
    if (taken.before !== undefined) this.#ports.onChange(record, taken.before);
    return true;
  }

  /** Throws CAPABILITY_REVOCATIONS_UNWRITTEN. */
  async #write(): Promise<void> {
    const record = this.#unwritten;
    if (record === undefined || !this.#active || !this.#isAuthority()) return;
    const written = await this.#ports.stream.publish(record.bytes);
    if (!written.ok) {
      const { error: cause } = written;
      throw new CellError("CAPABILITY_REVOCATIONS_UNWRITTEN", "the broker did not take it", { cause });
    }
    if (this.#unwritten === record) this.#unwritten = undefined;
  }

  #hear(node: string, bytes: Uint8Array): void {
    const { trust } = this.#ports;
    const nowMs = performance.now();
    const authority = this.#authority();
    if (authority === undefined || authority.principal !== node || !this.#mayRead("", nowMs)) return;
    const head = readHead(bytes, keysNow(authority, trust), trust.genesis.hash);
    if (!head.ok) throw head.error;
    const { isBehind, lacking } = this.list.hear(head.value, authority.key, Date.now(), nowMs);
    if (isBehind && this.#mayFetch("", nowMs)) void this.#fetch(authority.principal);
    // Who is behind does not know what the authority has.
    if (!isBehind && this.#mayTell()) this.#offers.lacking(lacking, nowMs);
  }

  #mayTell(): boolean {
    return this.#active && !this.#isAuthority();
  }

  #offerToTheMute(): void {
    const nowMs = performance.now();
    this.#silentTicks = this.list.unheard(Date.now(), nowMs) === undefined ? 0 : this.#silentTicks + 1;
    if (this.#silentTicks % TICKS_A_LOOK === TICKS_OF_SILENCE && this.#mayTell())
      this.#offers.mute(this.list.records(), nowMs);
  }

  #authority(): Certificate | undefined {
    const { trust } = this.#ports;
    const now = Date.now();
    const owner = trust.shardOwner(0, now);
    const known = owner === undefined ? undefined : trust.byPrincipal(owner, now);
    return known?.ok === true ? known.value : undefined;
  }

  /** What the stream has of the authority, though it was not heard, or not taken when it came. Never rejects. */
  async #fetch(authority: string): Promise<void> {
    const { stream, onProblem } = this.#ports;
    try {
      const last = await stream.last(authority);
      if (last !== undefined) this.#accept(last.data);
    } catch (error) {
      onProblem(error as CellError);
    }
  }

  #speak(): void {
    const { heads, key, trust, onProblem } = this.#ports;
    if (!this.#active || this.#copy.isInDoubt || !this.#isAuthority()) return;
    this.list.isAuthority(Date.now(), performance.now());
    // The others are to have it first, unless that takes long.
    const isLeaving = performance.now() - this.#unwrittenSinceMs < TICK_MS;
    if (this.#unwritten !== undefined && isLeaving) return;
    const own = this.#own();
    // Until it has signed what it knows.
    if (own === undefined && this.list.records().length > 0) return;
    const now = Date.now();
    // Not twice at one time; but for a clock that was far ahead, and is right again.
    const isAhead = this.#saidUnixMs > now + MAX_CLOCK_SKEW_MS;
    this.#saidUnixMs = isAhead ? now : Math.max(now, this.#saidUnixMs + 1);
    const head = { hash: own?.hash ?? new Uint8Array(), atUnixMs: this.#saidUnixMs };
    try {
      heads.say(signHead(head, key, trust.genesis.hash));
    } catch (error) {
      onProblem(error as CellError);
    }
  }
}

/** While its key is rotated it speaks with either. */
function keysNow({ key, continuity }: Certificate, trust: TrustStore): readonly Uint8Array[] {
  const before = continuity?.previousKey;
  return before !== undefined && trust.byKey(before, Date.now()).ok ? [key, before] : [key];
}
