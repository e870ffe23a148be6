// The node's side of the rotation of its key: it makes the next one, agrees with its present key to that
// one's certificate and to nothing else, tries it, and takes it without a stop. The next key never leaves
// this directory, and is on the disk before anybody hears of it.
import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import type { KeyRotationPorts } from "../actors/kernel/authority.ts";
import { CellError } from "../errors/cell-error.ts";
import { equalBytes, toHex } from "../security/bytes.ts";
import { MAX_CLOCK_SKEW_MS } from "../security/clock/clock-skew.ts";
import { formatCreds, parseCreds, signingKeyOf } from "../security/identity/creds-file.ts";
import { SEED_BYTES, SigningKey } from "../security/keys/signing-key.ts";
import { type Certificate, certificateBody, readCertificateBody } from "../security/trust/certificate.ts";
import { agree, successorClaims } from "../security/trust/succession.ts";
import type { TrustStore } from "../security/trust/trust-store.ts";
import type { DataDir } from "./data-dir.ts";
import { readNodeIdentity } from "./join-cell.ts";
import type { NodeKey } from "./node-key.ts";
import type { ProveKey } from "./prove-key.ts";
import { readIfThere, replaceFile } from "./replace-file.ts";

export type KeyRotation = KeyRotationPorts & {
  /**
   * Takes the next key untested when the present one ends: whoever rotated it went away half way. Removes the
   * file of the key before once that counts no more. Never rejects.
   */
  readonly heal: () => Promise<void>;
  readonly stop: () => void;
};

export type KeyRotationOptions = {
  readonly dir: Pick<DataDir, "nodeCreds" | "nodeNextKey">;
  readonly node: string;
  readonly key: NodeKey;
  readonly trust: TrustStore;
  readonly prove: ProveKey;
  /** What the key before had signed for others to read, signed by the present one. May be called again. */
  readonly signAnew: () => Promise<void>;
  readonly onProblem: (error: CellError) => void;
};

const LOOK_EVERY_MS = 1_000;
/** Before the present key's end: nothing is to be signed with it that arrives after that. */
const HEAL_AHEAD_MS = 10_000;

export function openKeyRotation(options: KeyRotationOptions): KeyRotation {
  const rotation = new Rotation(options);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
  const look = async () => {
    await rotation.heal();
    await rotation.signAnew();
  };
  const heal = () => inTurn(look).catch((error: unknown) => options.onProblem(error as CellError));
  const looking = setInterval(() => void heal(), LOOK_EVERY_MS).unref();
  return {
    heal,
    stop: () => clearInterval(looking),
    prepare: () => inTurn(() => rotation.prepare()),
    agree: (body) => inTurn(() => rotation.agree(body)),
    test: (nodes) => inTurn(() => rotation.test(nodes)),
    switch: () => inTurn(() => rotation.switch()),
    remove: () => inTurn(() => rotation.remove()),
  };
}

type NextKey = { readonly seed: Uint8Array; readonly key: SigningKey };

class Rotation {
  readonly #options: KeyRotationOptions;
  /** Hex of the key that was tested by this process. */
  #tested = "";
  /** Of the process before nobody knows how far it came. */
  #isSignedAnew = false;

  constructor(options: KeyRotationOptions) {
    this.#options = options;
  }

  async prepare() {
    const { key, dir } = this.#options;
    const certificate = this.#certificate();
    let next = await this.#next();
    if (next === undefined || equalBytes(next.key.publicKey, key.publicKey)) {
      const seed = randomBytes(SEED_BYTES);
      await replaceFile(dir.nodeNextKey, seed);
      next = { seed, key: SigningKey.fromSeed(seed) };
    }
    const [current, nextKey] = [toHex(key.publicKey), toHex(next.key.publicKey)];
    return { next: nextKey, current, certificate: certificate.bytes };
  }

  async agree(body: Uint8Array): Promise<Uint8Array> {
    const { key, trust } = this.#options;
    const certificate = this.#certificate();
    const next = await this.#requireNext();
    const read = readCertificateBody(body);
    if (!read.ok) throw invalid(read.error.message);
    const { continuity } = read.value;
    const now = Date.now();
    if (continuity === undefined || Math.abs(now - continuity.issuedUnixMs) > 60_000 + MAX_CLOCK_SKEW_MS)
      throw invalid("it follows no key, or was issued at another time");
    if (continuity.preserveUntilUnixMs <= now) throw invalid("the key before would count no more");
    if (!equalBytes(certificate.key, key.publicKey)) throw invalid("this node's key is not the newest one");
    const claims = successorClaims(certificate, next.key.publicKey, continuity);
    if (!equalBytes(certificateBody(claims), body))
      throw invalid("it says more, or other things, than that the next key follows this one");
    return agree(claims, key, trust.genesis.hash);
  }

  async test(nodes: readonly string[]) {
    const next = await this.#requireCertified();
    const { prove, node } = this.#options;
    for (const each of new Set([node, ...nodes])) await prove(next.key, each);
    this.#tested = toHex(next.key.publicKey);
    return { next: this.#tested };
  }

  /** Asked again after it has succeeded, it succeeds. */
  async switch() {
    const { key, dir } = this.#options;
    if (!equalBytes(this.#certificate().key, key.publicKey)) {
      const next = await this.#requireCertified();
      if (this.#tested !== toHex(next.key.publicKey)) throw invalid("it was not tested yet");
      await this.#take(next);
    }
    await this.signAnew();
    await rm(dir.nodeNextKey, { force: true });
    return { current: toHex(key.publicKey) };
  }

  /** What fails is tried again at the next look: the next key is the node's by then, and stays so. */
  async signAnew(): Promise<void> {
    if (this.#isSignedAnew) return;
    try {
      await this.#options.signAnew();
      this.#isSignedAnew = true;
    } catch (error) {
      this.#options.onProblem(error as CellError);
    }
  }

  async heal(): Promise<void> {
    const { key, trust, node, dir } = this.#options;
    const now = Date.now();
    const own = trust.byPrincipal(node, now);
    if (!own.ok) return;
    if (!trust.byKey(key.publicKey, now + HEAL_AHEAD_MS).ok) {
      const next = await this.#next();
      if (next === undefined || !equalBytes(own.value.key, next.key.publicKey)) return;
      await this.#take(next);
      await rm(dir.nodeNextKey, { force: true });
    }
    await this.#removeOld();
  }

  /** The file first: a process that begins now has the next key. */
  async #take(next: NextKey): Promise<void> {
    const { key, dir, trust } = this.#options;
    const certificate = this.#certificate();
    const issuer = trust.byKey(certificate.signer, Date.now());
    if (!issuer.ok) throw issuer.error;
    const identity = await readNodeIdentity(dir);
    await replaceFile(`${dir.nodeCreds}.old`, await readFile(dir.nodeCreds));
    const text = formatCreds({
      ...identity,
      genesis: identity.genesis.bytes,
      key: next.seed,
      certificates: [issuer.value.bytes, certificate.bytes],
    });
    await replaceFile(dir.nodeCreds, text);
    key.use(next.key);
    this.#isSignedAnew = false;
  }

  async remove() {
    const removed = await this.#removeOld();
    if (removed === undefined) throw invalid("the key before counts still");
    return { removed };
  }

  /** Undefined: its key counts still. False: there is none. */
  async #removeOld(): Promise<boolean | undefined> {
    const { dir, trust } = this.#options;
    const path = `${dir.nodeCreds}.old`;
    const text = await readIfThere(path);
    if (text === undefined) return false;
    const old = parseCreds(new TextDecoder().decode(text));
    if (old.ok && trust.byKey(signingKeyOf(old.value).publicKey, Date.now()).ok) return undefined;
    await rm(path, { force: true });
    return true;
  }

  /** The node's newest, which has to count. */
  #certificate(): Certificate {
    const { trust, node } = this.#options;
    const own = trust.byPrincipal(node, Date.now());
    if (!own.ok) throw own.error;
    return own.value;
  }

  async #next(): Promise<NextKey | undefined> {
    const seed = await readIfThere(this.#options.dir.nodeNextKey);
    return seed?.length === SEED_BYTES ? { seed, key: SigningKey.fromSeed(seed) } : undefined;
  }

  async #requireNext() {
    const next = await this.#next();
    if (next === undefined) throw invalid("this node has made none");
    return next;
  }

  async #requireCertified() {
    const next = await this.#requireNext();
    if (!equalBytes(this.#certificate().key, next.key.publicKey)) throw invalid("it is not certified");
    return next;
  }
}

const invalid = (why: string): CellError =>
  new CellError("CELL_ROTATION_INVALID", `the node's next key does not fit: ${why}`);
