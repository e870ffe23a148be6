// Limits of capability tokens as people read them.
import { formatMicro } from "../manifest/price.ts";
import { formatSize } from "../manifest/size.ts";
import type { LimitName, ResourceLimits } from "../security/capability/token.ts";

type Wording = {
  readonly noun: string;
  readonly amount: (amount: number) => string;
};

const WORDINGS: Readonly<Record<LimitName, Wording>> = {
  calls: { noun: "intents", amount: String },
  agents: { noun: "agents", amount: String },
  costMicro: { noun: "cost", amount: formatMicro },
  memoryBytes: { noun: "memory", amount: formatSize },
  // Whole thousandths have three decimals at most.
  cpuMilli: { noun: "processors", amount: (milli) => String(milli / 1_000) },
  storageBytes: { noun: "storage", amount: formatSize },
};

export const nounOfLimit = (name: LimitName): string => WORDINGS[name].noun;
export const formatAmount = (name: LimitName, amount: number): string => WORDINGS[name].amount(amount);

/** `5 intents`, `0.25 cost`, `512MiB memory`: those that there are. */
export function limitTexts(limits: ResourceLimits): readonly string[] {
  const order = Object.keys(WORDINGS) as LimitName[];
  return order.flatMap((name) => {
    const most = limits[name];
    return most === undefined ? [] : [`${formatAmount(name, most)} ${nounOfLimit(name)}`];
  });
}
