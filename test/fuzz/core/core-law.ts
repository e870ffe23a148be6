// The law that all targets of this folder keep: the same bytes get the same verdict from a node and
// from the Rust core. What is drawn is put before both in one request.
import { toBinary } from "@bufbuild/protobuf";
import type fc from "fast-check";
import { JudgeRequestSchema } from "../../../src/gen/cell0/v1/core_pb.ts";
import { toHex } from "../../../src/security/bytes.ts";
import { demand } from "../demand.ts";
import { type Target, targetOf } from "../target.ts";
import { type Court, compare, requestOf, type Subject } from "./court.ts";

export type Case = {
  readonly court: Court;
  readonly subjects: readonly Subject[];
  /** What some of the subjects show, so that both outcomes of it can be demanded. */
  readonly names?: ReadonlyMap<Subject, string>;
};

type CoreLaw<T> = {
  readonly name: string;
  readonly inputs: fc.Arbitrary<T>;
  readonly caseOf: (input: T) => Case;
  readonly mustSee: readonly string[];
  readonly testRuns: number;
  /** Whether what comes of its certificates is an outcome, too; default: they are always the same. */
  readonly seesCertificates?: boolean;
};

/** Another process takes part, on a machine that may do much else: it is no finding that it is slow. */
const PATIENT = { slowMs: 60_000, nowMs: () => performance.now() };
/** Between a name and what came of it: of what has one, the code is seen as well. */
export const NAMED = ": ";
const MAX_SHOWN_BYTES = 16 * 1024;

export function coreTarget<T>({ caseOf, seesCertificates = false, ...law }: CoreLaw<T>): Target {
  return targetOf<T>(
    {
      ...law,
      check: (input, saw) => {
        const { court, subjects, names } = caseOf(input);
        const { node, difference } = compare(court, subjects);
        const added = seesCertificates ? node.certificates : [];
        for (const { code } of added) saw(code === "ok" ? "certified" : code);
        for (const { code, token } of node.subjects.flat())
          saw(code !== "ok" || token === "" ? code : "ok by a token");
        for (const [at, subject] of subjects.entries()) {
          const name = names?.get(subject);
          const isOk = node.subjects[at]?.every(({ code }) => code === "ok");
          if (name !== undefined) saw(`${name}${NAMED}${isOk ? "accepted" : "refused"}`);
        }
        demand(difference === undefined, difference ?? "");
      },
      show: (input) => {
        const { court, subjects } = caseOf(input);
        const request = toBinary(JudgeRequestSchema, requestOf(court, subjects));
        return `JudgeRequest ${toHex(request.subarray(0, MAX_SHOWN_BYTES))} (${request.length} bytes)`;
      },
    },
    PATIENT,
  );
}
