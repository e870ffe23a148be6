// Narrowings, one after the other, by whoever may sign them, whether or not they are narrower; and
// what the last link allows, asked in capsules that aim at it.
import fc from "fast-check";
import { equalBytes } from "../../../src/security/bytes.ts";
import { chainBytes, chainOf } from "../../../src/security/capability/chain.ts";
import { type ResourceLimits, signToken, type Token } from "../../../src/security/capability/token.ts";
import { rootChain } from "../../security/capability/token-fixture.ts";
import { bytesOf, genesis, keys, must, NOW } from "../../security/cell-fixture.ts";
import { nameOf, payloadText } from "../arbitrary-permission.ts";
import {
  ACTORS,
  actorOf,
  aimed,
  following,
  HOLDERS,
  rootReach,
  someLimits,
  step,
  toActor,
} from "../links.ts";
import { chainWith, signedByHand } from "./chain-keys.ts";
import { coreTarget, NAMED } from "./core-law.ts";
import { courtOf, type Subject } from "./court.ts";
import { everyone } from "./people.ts";

const ask = fc.record({
  /** Odd: what the last link seems to permit is asked, and not the rest of this. */
  aim: fc.nat(0xffff),
  intent: nameOf("."),
  target: nameOf("/"),
  payload: payloadText,
  contentType: fc.constantFrom("", "", "application/json", "Application/JSON; a=b", "text/plain"),
  lateMs: fc.constantFrom(0, 0, 0, 60_000, 60_001),
});
type Ask = typeof ask extends fc.Arbitrary<infer T> ? T : never;

export const coreUses = coreTarget({
  name: "core-use",
  inputs: fc.record({
    root: rootReach,
    maxDepth: fc.nat(7),
    limits: fc.oneof(fc.constant<ResourceLimits>({}), someLimits),
    steps: fc.array(step, { maxLength: 4, size: "max" }),
    isForActor: fc.boolean(),
    asks: fc.array(ask, { minLength: 1, maxLength: 24, size: "max" }),
    atMs: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(-1_000, 50_999, 59_999, 60_000) },
    ),
  }),
  caseOf: ({ root, maxDepth, limits, steps, isForActor, asks, atMs }) => {
    let chain = rootChain({ ...root, maxDepth, limits });
    const unread: Subject[] = [];
    for (const each of isForActor ? toActor(steps) : steps) {
      const holder = chain.last.holder;
      const signer = HOLDERS.find(({ publicKey }) => equalBytes(publicKey, holder)) ?? keys.ann;
      const claims = { ...following(chain.last, each), parent: chain.last.hash };
      const link = signToken(claims, signer, genesis.hash);
      if (link.ok) chain = must(chainOf([...chain.links, link.value]));
      else {
        const path = actorOf(claims);
        const bytes = chainWith(chain, signedByHand(claims, signer));
        unread.push({ kind: "chain", bytes, holder: path === undefined ? claims.holder : { actor: path } });
      }
    }
    const bytes = chainBytes(chain);
    const { last } = chain;
    const court = courtOf({
      certificates: everyone,
      nowUnixMs: NOW + atMs,
      epochs: new Map(last.epoch === 0 ? [] : [[last.scope, last.epoch]]),
    });
    const actor = actorOf(last);
    const use = (each: Ask): Subject => {
      const sender = senderOf(each, actor);
      const issuer =
        sender === undefined
          ? actor === undefined
            ? last.holder
            : keys.ann.publicKey
          : keys.nodeA.publicKey;
      return { kind: "capsule", bytes: capsuleOf(each, last, bytes, sender), issuer };
    };
    const holder = actor === undefined ? last.holder : { actor };
    const whole: Subject = { kind: "chain", bytes, holder };
    const names = new Map([[whole, last.kind]]);
    return { court, subjects: [whole, ...unread, ...asks.map(use)], names };
  },
  mustSee: [
    ...["ok by a token", "CAPABILITY_WIDENED", "CAPABILITY_INTENT_FORBIDDEN", "CAPABILITY_EXPIRED"],
    ...["CAPABILITY_HOLDER_MISMATCH", "CAPABILITY_CHAIN_BROKEN", "CAPABILITY_ARGUMENT_FORBIDDEN"],
    ...["CAPABILITY_MALFORMED", "CAPSULE_CAPABILITY_NOT_BUILT_YET"],
    // Of the chains alone, by the kind of their last link.
    ...["system", "user", "ephemeral", "agent"].map((kind) => `${kind}${NAMED}accepted`),
  ],
  testRuns: 200,
});

/** The actor that sends it, mostly the holder; undefined: a client does. */
function senderOf({ aim }: Ask, holder: string | undefined): string | undefined {
  if (aim % 16 === 5) return ACTORS[0];
  return aim % 16 === 7 ? undefined : holder;
}

function capsuleOf(each: Ask, last: Token, capability: Uint8Array, sender: string | undefined): Uint8Array {
  const { intent, target, payload } = each.aim % 2 === 1 ? aimed(last, each.aim) : each;
  return bytesOf({
    ...{ id: new Uint8Array(16).fill(1), capability, intent, target, contentType: each.contentType },
    source: sender === undefined ? undefined : { actor: sender, incarnation: undefined, sequence: 1 },
    ...{ payload: new TextEncoder().encode(payload), deadlineUnixMs: NOW + each.lateMs + 1 },
  });
}
