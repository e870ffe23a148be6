// What an intent takes of what tokens limit. Judged at the node that hosts its target, which knows what
// the graph says of it; where that says nothing the intent is refused, never taken for free.
import { CellError } from "../../errors/cell-error.ts";
import { err, ok, type Result } from "../../errors/result.ts";
import { LIMIT_NAMES, type LimitName, type ResourceLimits } from "../capability/token.ts";

/** What the graph says of what intents take. */
export type ResourceView = {
  /** Price of an intent, in millionths of the cell's unit of cost; undefined: its target states none. */
  readonly priceOf: (target: string, intent: string) => number | undefined;
  /** Whether the cell keeps what is accepted for this target. */
  readonly isKept: (target: string) => boolean;
  /** What each child of this dynamic supervisor may have at most; undefined: there is no such supervisor. */
  readonly childLimits: (supervisor: string) => ChildLimits | undefined;
};

/** Absent: it has no limit of that. */
export type ChildLimits = Pick<ResourceLimits, "memoryBytes" | "cpuMilli">;

export type Asked = {
  readonly intent: string;
  readonly target: string;
  /** The payload as its actor will read it. */
  readonly json: () => unknown;
  /** Of the capsule. */
  readonly bytes: number;
};

/** Absent: nothing of that. */
export type Amounts = { readonly [Name in LimitName]?: number };

/** Of each limit. Errors: CAPABILITY_PRICE_UNSTATED, CAPABILITY_CHILD_UNLIMITED, SUPERVISOR_NOT_FOUND. */
export function amountsOf(
  limits: ResourceLimits,
  asked: Asked,
  resources: ResourceView,
): Result<Amounts, CellError> {
  const amounts: { [Name in LimitName]?: number } = {};
  for (const name of LIMIT_NAMES) {
    if (limits[name] === undefined) continue;
    const amount = amountOf(name, asked, resources);
    if (!amount.ok) return amount;
    amounts[name] = amount.value;
  }
  return ok(amounts);
}

function amountOf(name: LimitName, asked: Asked, resources: ResourceView): Result<number, CellError> {
  const { intent, target, bytes } = asked;
  switch (name) {
    case "calls":
      return ok(1);
    case "agents":
      return ok(startsAgent(asked) ? 1 : 0);
    case "costMicro":
      return priced(resources.priceOf(target, intent), asked);
    case "storageBytes":
      return ok(resources.isKept(target) ? bytes : 0);
    case "memoryBytes":
    case "cpuMilli":
      return startsAgent(asked) ? ofChild(name, asked, resources) : ok(0);
  }
}

/** The intent by which a supervisor starts an agent at run time. */
const startsAgent = ({ intent, target }: Asked): boolean =>
  intent === "child.start" && target.startsWith("kernel/");

function priced(price: number | undefined, { intent, target }: Asked): Result<number, CellError> {
  if (price !== undefined) return ok(price);
  const what = `the token limits cost, and \`${target}\` states no price of \`${intent}\``;
  return err(new CellError("CAPABILITY_PRICE_UNSTATED", what));
}

const FIELDS = { memoryBytes: "memory", cpuMilli: "cpu" } as const;

function ofChild(
  name: keyof typeof FIELDS,
  { json }: Asked,
  { childLimits }: ResourceView,
): Result<number, CellError> {
  const supervisor = supervisorIn(json());
  const limits = childLimits(supervisor);
  if (limits === undefined)
    return err(new CellError("SUPERVISOR_NOT_FOUND", undefined, { where: supervisor.slice(0, 512) }));
  const amount = limits[name];
  if (amount !== undefined) return ok(amount);
  const what = `the token limits ${FIELDS[name]}, and children of this supervisor have no limit of it`;
  return err(new CellError("CAPABILITY_CHILD_UNLIMITED", what, { where: supervisor.slice(0, 512) }));
}

function supervisorIn(payload: unknown): string {
  const isMap = typeof payload === "object" && payload !== null && !Array.isArray(payload);
  const supervisor: unknown = isMap ? Reflect.get(payload, "supervisor") : undefined;
  return typeof supervisor === "string" ? supervisor : "";
}
