// What the node records of its own processes' deaths, once one of them is back.
import type { Recovery } from "../supervisor/cradle/cradle.ts";
import { describeExit, failureOfExit } from "../supervisor/cradle/describe-exit.ts";
import type { EventInput } from "../telemetry/event.ts";

export function processDied({ name, exit, downMs, by, deathsInPeriod }: Recovery): EventInput {
  const { inHand, stuck } = exit;
  return {
    ...(inHand === undefined ? {} : { actor: inHand.actor }),
    kind: {
      case: "processDied",
      value: {
        process: name,
        failure: failureOfExit(exit),
        cause: describeExit(exit),
        stack: stuck?.stack ?? "",
        intentId: inHand?.intent ?? "",
        elapsedUs: Math.round(downMs * 1_000),
        by,
        deathsInPeriod,
      },
    },
  };
}
