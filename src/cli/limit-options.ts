// Options that limit what is used under a capability token.
import { type Command, InvalidArgumentError } from "commander";
import { MAX_PRICE, toMicro } from "../manifest/price.ts";
import { parseSize } from "../manifest/size.ts";
import type { LimitName } from "../security/capability/token.ts";

/** By the option that sets it. */
export const LIMIT_OPTIONS = {
  calls: "calls",
  agents: "agents",
  costMicro: "cost",
  memoryBytes: "memory",
  cpuMilli: "cpu",
  storageBytes: "storage",
} as const satisfies Readonly<Record<LimitName, string>>;

/** In the units of the limits: millionths of cost, bytes, thousandths of a processor. */
export type LimitOptions = { readonly [Option in (typeof LIMIT_OPTIONS)[LimitName]]?: number };

const MAX_COUNT = 1_000_000_000;
const MAX_PROCESSORS = 1_000_000;

export const withLimits = (command: Command): Command =>
  command
    .option(
      "--calls <count>",
      "it serves so many intents, with whatever is narrowed from it; with this or another limit it counts for 30 days at most (default: no limit, or as its parent)",
      parseCounted,
    )
    .option(
      "--agents <count>",
      "so many agents are started under it at run time (child.start), likewise (default: no limit, or as its parent)",
      parseCounted,
    )
    .option(
      "--cost <amount>",
      "its intents cost so much in all, each the price that its target's manifest states (intents: NAME: cost), e.g. 2.5; what has no price is refused (default: no limit, or as its parent)",
      parseCost,
    )
    .option(
      "--memory <size>",
      "agents that are started under it have so much memory in all, by their manifest's limits, e.g. 512MiB; counted is what was started, also when it has ended (default: no limit, or as its parent)",
      parseBytes,
    )
    .option(
      "--cpu <processors>",
      "they have so many processors in all, likewise, e.g. 2, 0.5 or 500m (default: no limit, or as its parent)",
      parseProcessors,
    )
    .option(
      "--storage <size>",
      "its intents to durable and kernel actors are so many bytes in all, each with its token, e.g. 10MiB (default: no limit, or as its parent)",
      parseBytes,
    );

function parseCounted(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MAX_COUNT)
    throw new InvalidArgumentError(`It is 1 to ${MAX_COUNT}.`);
  return count;
}

function parseCost(text: string): number {
  const micro = /^\d{1,10}(\.\d{1,6})?$/.test(text) ? toMicro(Number(text)) : undefined;
  if (micro === undefined || micro === 0)
    throw new InvalidArgumentError(`It is 0.000001 to ${MAX_PRICE}, with six decimals at most.`);
  return micro;
}

function parseBytes(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0)
    throw new InvalidArgumentError("A size is a number and a unit: 512B, 10KB, 64MiB, 1GiB.");
  return bytes;
}

function parseProcessors(text: string): number {
  const isMilli = /^\d{1,9}m$/.test(text);
  const isWhole = /^\d{1,7}(\.\d{1,3})?$/.test(text);
  const milli = isMilli ? Number(text.slice(0, -1)) : isWhole ? Math.round(Number(text) * 1_000) : 0;
  if (milli < 1 || milli > MAX_PROCESSORS * 1_000)
    throw new InvalidArgumentError("Processors are a number, or thousandths of one: 2, 0.5, 500m.");
  return milli;
}
