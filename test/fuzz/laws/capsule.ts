// A capsule is read as a second reader reads it, by the quick way as by the strict one, and what
// is read can be written again and means the same.
import { isDeepStrictEqual } from "node:util";
import { IntentCapsuleSchema } from "../../../src/gen/cell0/v1/capsule_pb.ts";
import { MAX_CAPSULE_BYTES } from "../../../src/security/wire/capsule.ts";
import { decodeCapsule, decodeSlowly } from "../../../src/security/wire/decode-capsule.ts";
import { encodeCapsule } from "../../../src/security/wire/encode-capsule.ts";
import { accepted, codeOf, demand } from "../demand.ts";
import { type Mutant, mutants, ofMutants } from "../mutants.ts";
import { type Meaning, meaningOfBytes } from "../reference-reader.ts";
import { capsuleSamples } from "../samples.ts";
import { targetOf } from "../target.ts";

export const capsule = targetOf<Mutant>({
  name: "capsule",
  inputs: mutants(capsuleSamples, MAX_CAPSULE_BYTES),
  check: ({ bytes }, saw) => {
    const quick = decodeCapsule(bytes);
    const read = accepted(quick, saw);
    if (bytes.length <= MAX_CAPSULE_BYTES) {
      const slow = decodeSlowly(bytes);
      const isSame =
        quick.ok && slow.ok
          ? isDeepStrictEqual(bare(quick.value), bare(slow.value))
          : !quick.ok && !slow.ok && codeOf(quick.error) === codeOf(slow.error);
      demand(isSame, "the quick way and the strict one differ");
    }
    if (read === undefined) return;
    const again = encodeCapsule(read);
    demand(again.ok, "what was read cannot be written");
    const meaning = meaningOf(bytes);
    demand(meaning !== undefined, "it reads what others refuse, or read otherwise");
    demand(isDeepStrictEqual(meaning, meaningOf(again.value)), "it reads it otherwise than others do");
  },
  ...ofMutants,
  mustSee: ["accepted", "CAPSULE_MALFORMED", "CAPSULE_FIELD_INVALID", "CAPSULE_TOO_LARGE"],
  testRuns: 1_500,
});

/** Buffers and views alike. */
const bare = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, each: unknown) =>
      each instanceof Uint8Array ? Buffer.from(each).toString("hex") : each,
    ),
  );

/** Without a trace that says nothing; no priority is the normal one. */
function meaningOf(bytes: Uint8Array): Meaning | undefined {
  const meaning = meaningOfBytes(IntentCapsuleSchema, bytes, {});
  if (meaning === undefined) return undefined;
  const { trace = {}, priority = "3", ...rest } = meaning;
  return { ...rest, priority, ...(isDeepStrictEqual(trace, {}) ? {} : { trace }) };
}
