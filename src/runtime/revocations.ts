// What is revoked, at this node: its own copy first, then the cell's stream, and the authority's word
// each second on which record it has. The node that owns shard 0 is the authority: it writes what is
// new, and it speaks. Whoever has what the authority lacks writes that, so that a broker or a node
// restored from an old copy takes nothing back.
import { perSecond } from "../collections/per-second.ts";
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";
import { equalBytes, toHex } from "../security/bytes.ts";
import type { SigningKey } from "../security/keys/signing-key.ts";
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

const TICK_MS = 1_000;
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
  readonly key: SigningKey;
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
  readonly list = new RevocationList();
  readonly #ports: RevocationPorts;
  readonly #mayAnswer = perSecond(ANSWERS_A_SECOND);
  readonly #mayRead = perSecond(HEADS_A_SECOND);
  readonly #mayFetch = perSecond(ONE_A_SECOND);
  readonly #mayOffer = perSecond(ONE_A_SECOND);
  #active = false;
  /** A record of this node's own copy cannot be read: it says nothing until somebody else has told it what there is. */
  #isDamaged = false;
  #ticking: NodeJS.Timeout | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  /** Not in this node's own copy yet, and not in the stream. */
  #unkept: readonly Revocations[] = [];
  #unwritten: Revocations | undefined;
  #offered: Uint8Array = new Uint8Array();
  #saidUnixMs = 0;
  readonly #close: (() => Promise<void>)[] = [];

  constructor(ports: RevocationPorts) {
    this.#ports = ports;
  }

  async open(): Promise<void> {
    const { stream, heads, standby, onProblem } = this.#ports;
    await this.#readOwnCopy();
    await stream.ensure();
    const follower = stream.follow({
      accept: ({ data }) => this.#accept(data),
      onProblem,
      onRolledBack: () =>
        onProblem(new CellError("CELL_ROLLED_BACK", "its stream of revocations is an older one")),
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
    if (!standby) await this.#begin();
    heads.ask();
  }

  async activate(): Promise<void> {
    // What the process before has written since this one began to stand by.
    await this.#readOwnCopy();
    await this.#begin();
  }

  async #begin(): Promise<void> {
    this.#active = true;
    this.#ticking ??= setInterval(() => void this.#tick(), TICK_MS);
    await this.#findUnwritten();
    await this.#tick();
  }

  change(make: (revoked: Revoked) => Result<Revoked, CellError>, asked: Asked): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireAuthority();
      this.#sign(make, asked);
      await this.#settle();
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    this.#active = false;
    for (const close of this.#close.reverse()) await close();
    await this.#changing;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(work);
    this.#changing = done.catch(() => undefined);
    return done;
  }

  /** Speaks, and makes up for what went wrong before. Never rejects. */
  async #tick(): Promise<void> {
    this.#speak();
    const isScattered = this.#isAuthority() && !this.#isWhole();
    if (!this.#active || (this.#unkept.length === 0 && this.#unwritten === undefined && !isScattered)) return;
    await this.#inTurn(async () => {
      if (isScattered) this.#sign(bounded, { author: this.#ports.node, causeId: new Uint8Array() });
      await this.#settle();
    }).catch(this.#ports.onProblem);
  }

  /** In force first: whatever then fails, it counts at this node, and is said. */
  async #settle(): Promise<void> {
    await this.#keep();
    await this.#write();
  }

  /** Whether one record that this node's key has signed holds all that is revoked, or nothing is. */
  #isWhole(): boolean {
    const [first, second] = this.list.records();
    return first === undefined || (second === undefined && this.#isOwn(first));
  }

  #isOwn({ signer }: Revocations): boolean {
    return equalBytes(signer, this.#ports.key.publicKey);
  }

  #isAuthority(): boolean {
    const { trust, node } = this.#ports;
    return trust.shardOwner(0, Date.now()) === node;
  }

  #requireAuthority(): void {
    if (this.#active && this.#isAuthority()) return;
    const what = `node \`${this.#ports.node}\` does not own shard 0, where the capability authority is`;
    throw new CellError("CAPABILITY_REVOCATIONS_INVALID", what);
  }

  /** Signs and takes the next record, when it says more than what this node's own does. */
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
      throw typeof node.error === "string"
        ? new CellError("CAPABILITY_REVOCATIONS_INVALID", node.error)
        : node.error;
    }
    const issuer = trust.byKey(node.value.signer, Date.now());
    if (!issuer.ok) throw issuer.error;
    return [issuer.value.bytes, node.value.bytes];
  }

  async #readOwnCopy(): Promise<void> {
    for (const [name, bytes] of await this.#ports.mirror.all()) this.#takeKept(name, bytes);
  }

  /** A broker that was restored from an old copy, or that this process's predecessor could not reach, lacks it. */
  async #findUnwritten(): Promise<void> {
    const own = this.list.records().findLast((record) => this.#isOwn(record));
    if (own === undefined || !this.#isAuthority()) return;
    const { stream, node, onProblem } = this.#ports;
    try {
      const last = await stream.last(node);
      if (last !== undefined && equalBytes(last.data, own.bytes)) return;
      onProblem(new CellError("CELL_ROLLED_BACK", "its stream lacks what this node knows to be revoked"));
    } catch (error) {
      onProblem(error as CellError);
    }
    this.#unwritten = own;
  }

  #takeKept(name: string, bytes: Uint8Array): void {
    const { trust, onProblem } = this.#ports;
    const read = readRevocations(bytes, trust.genesis, Date.now());
    if (read.ok) {
      this.list.take(read.value, Date.now());
      return;
    }
    this.#isDamaged = true;
    const what = `this node's copy of what is revoked is damaged: revocations/${name}.revoked`;
    const remedy =
      "It lets no token count until it hears what is revoked; remove the file when nobody else knows.";
    onProblem(new CellError("CAPABILITY_REVOCATIONS_INVALID", what, { cause: read.error, remedy }));
  }

  async #accept(bytes: Uint8Array): Promise<void> {
    const { trust, onProblem } = this.#ports;
    const read = readRevocations(bytes, trust.genesis, Date.now());
    if (!read.ok) throw read.error;
    this.#isDamaged = false;
    this.#take(read.value);
    await this.#keep().catch(onProblem);
  }

  /** In force from now on; what keeps and writes it follows. */
  #take(record: Revocations): void {
    const taken = this.list.take(record, Date.now());
    if (taken === undefined) return;
    this.#unkept = [...this.#unkept, record];
    // Its own that it has forgotten, or a new one.
    if (this.#isOwn(record)) this.#unwritten = record;
    if (taken.before !== undefined) this.#ports.onChange(record, taken.before);
  }

  /** Throws CAPABILITY_REVOCATIONS_UNWRITTEN. */
  async #keep(): Promise<void> {
    const { mirror } = this.#ports;
    try {
      while (this.#unkept.length > 0) {
        const records = this.list.records();
        const written = this.#unkept;
        for (const record of records.filter((each) => written.includes(each)))
          await mirror.put(nameOf(record), record.bytes);
        this.#unkept = this.#unkept.filter((each) => !written.includes(each));
      }
      // Of a process that stands by another one may have written more.
      if (!this.#active) return;
      const held = new Set(this.list.records().map(nameOf));
      for (const name of (await mirror.all()).keys()) if (!held.has(name)) await mirror.remove(name);
    } catch (cause) {
      throw new CellError("CAPABILITY_REVOCATIONS_UNWRITTEN", "its own disk did not take it", { cause });
    }
  }

  /** Throws CAPABILITY_REVOCATIONS_UNWRITTEN. */
  async #write(): Promise<void> {
    const record = this.#unwritten;
    if (record === undefined || !this.#active) return;
    const written = await this.#ports.stream.publish(record.bytes);
    if (!written.ok) {
      throw new CellError("CAPABILITY_REVOCATIONS_UNWRITTEN", "the broker did not take it", {
        cause: written.error,
      });
    }
    if (this.#unwritten === record) this.#unwritten = undefined;
  }

  #hear(bytes: Uint8Array): void {
    const { trust } = this.#ports;
    const nowMs = performance.now();
    const authority = this.#authority();
    if (authority === undefined || !this.#mayRead("", nowMs)) return;
    const head = readHead(bytes, authority.key, trust.genesis.hash);
    if (!head.ok) throw head.error;
    const { isBehind, lacking } = this.list.hear(head.value, authority.key, Date.now(), nowMs);
    if (isBehind && this.#mayFetch("", nowMs)) void this.#fetch(authority.principal);
    if (lacking.length > 0 && authority.principal !== this.#ports.node) this.#offer(lacking, nowMs);
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
      if (last !== undefined) await this.#accept(last.data);
    } catch (error) {
      onProblem(error as CellError);
    }
  }

  /** Writes what the authority lacks, one record after the other. */
  #offer(lacking: readonly Revocations[], nowMs: number): void {
    if (!this.#active || !this.#mayOffer("", nowMs)) return;
    const at = lacking.findIndex(({ hash }) => equalBytes(hash, this.#offered));
    const record = lacking[(at + 1) % lacking.length];
    if (record === undefined) return;
    const { stream, onProblem } = this.#ports;
    const isSaid = equalBytes(this.#offered, record.hash);
    this.#offered = record.hash;
    const what = `the authority lacks a record of revocations of ${new Date(record.issuedUnixMs).toISOString()}`;
    if (!isSaid) onProblem(new CellError("CELL_ROLLED_BACK", what));
    void stream.publish(record.bytes).then((written) => {
      if (!written.ok) onProblem(written.error);
    });
  }

  #speak(): void {
    const { heads, key, trust, onProblem } = this.#ports;
    if (!this.#active || this.#isDamaged || !this.#isAuthority()) return;
    const own = this.list.records().findLast((record) => this.#isOwn(record));
    // Until it has signed what it knows.
    if (own === undefined && this.list.records().length > 0) return;
    this.#saidUnixMs = Math.max(Date.now(), this.#saidUnixMs + 1);
    const head = { hash: own?.hash ?? new Uint8Array(), atUnixMs: this.#saidUnixMs };
    try {
      heads.say(signHead(head, key, trust.genesis.hash));
    } catch (error) {
      onProblem(error as CellError);
    }
  }
}

const nameOf = ({ hash }: Revocations): string => toHex(hash);
