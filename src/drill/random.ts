// Chance of a drill, by its seed: each scenario draws from a stream of its own, so that
// one of them alone repeats what it did among the others.
import { createHash } from "node:crypto";
import { seededRandom } from "../actors/testkit/seeded-random.ts";
import type { Scenario } from "./scenario.ts";

export function randomOf(seed: number, { layer, failure, kind, isolation, durable }: Scenario): () => number {
  const name = [seed, layer, failure, kind, isolation, durable].join("/");
  return seededRandom(createHash("sha256").update(name).digest().readUInt32LE(0));
}
