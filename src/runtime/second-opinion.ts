// Asks the Rust core about signatures that the quick verifier refuses: it implements the cell's
// rule in full. So few a second, in all and for each sender, that forgeries buy no slow verification.
import { perSecond } from "../collections/per-second.ts";
import { type SignatureCheck, SignatureVerdict } from "../gen/cell0/v1/core_pb.ts";
import type { Doubt, Opinion } from "../security/intake/verdict.ts";
import { signatureCheck } from "./signature-check.ts";

/** Beyond them a signature stays undecided. */
const ASKED_A_SECOND = { all: 64, each: 8 };
/** Of messages that wait for an answer. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** Undefined: it cannot be asked now. Never rejects. */
export type SecondOpinion = (doubt: Doubt) => Promise<Opinion> | undefined;

/** @param verify one verdict a check, in order; fails when the core does not answer */
export function createSecondOpinion(
  verify: (checks: readonly SignatureCheck[]) => Promise<readonly SignatureVerdict[]>,
  nowMs: () => number = () => performance.now(),
): SecondOpinion {
  const mayAsk = perSecond(ASKED_A_SECOND);
  let waiting: { readonly check: SignatureCheck; readonly resolve: (opinion: Opinion) => void }[] = [];
  let waitingBytes = 0;
  let isAsking = false;
  const askAll = async (): Promise<void> => {
    isAsking = true;
    while (waiting.length > 0) {
      const asked = waiting;
      waiting = [];
      const verdicts = await orNone(
        verify,
        asked.map(({ check }) => check),
      );
      for (const [at, { resolve }] of asked.entries()) resolve(opinionOf(verdicts[at]));
    }
    isAsking = false;
  };
  return ({ principal, signed, bytes }) => {
    if (waitingBytes + bytes > MAX_WAITING_BYTES || !mayAsk(principal, nowMs())) return undefined;
    const { promise, resolve } = Promise.withResolvers<Opinion>();
    waitingBytes += bytes;
    waiting.push({
      check: signatureCheck(signed),
      resolve,
    });
    if (!isAsking) void askAll();
    return promise.finally(() => {
      waitingBytes -= bytes;
    });
  };
}

async function orNone(
  verify: (checks: readonly SignatureCheck[]) => Promise<readonly SignatureVerdict[]>,
  checks: readonly SignatureCheck[],
): Promise<readonly SignatureVerdict[]> {
  try {
    return await verify(checks);
  } catch {
    return [];
  }
}

function opinionOf(verdict: SignatureVerdict | undefined): Opinion {
  if (verdict === undefined) return "undecided";
  return verdict === SignatureVerdict.VALID ? "valid" : "invalid";
}
