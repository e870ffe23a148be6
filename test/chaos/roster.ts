// Who there is to kill: actors that stand alone, in every isolation, a group that fails as
// one, and couriers, who send to each other and arm timers. And the manifest of all of them.
import { join } from "node:path";
import { behaviourModule } from "../../src/drill/graphs.ts";

export type Isolation = "shared" | "worker" | "process";
export type Role =
  /** Counts what a client sends it. */
  | "target"
  /** Likewise, in a group that is restarted whole. */
  | "member"
  /** Sends each number on to a receiver. */
  | "forwarder"
  | "receiver"
  /** Arms a timer for each number, and keeps the number when it fires. */
  | "timekeeper";

export type Cast = { readonly path: string; readonly role: Role; readonly isolation: Isolation };

const GRAPH = "drill";
const GROUP = "group";
/** The behaviours that actors run: files that export `target`, and `courier`. */
export type Modules = { readonly target: string; readonly courier: string };

export const modules: Modules = {
  target: behaviourModule(),
  courier: join(import.meta.dirname, "behaviours", "courier.ts"),
};
/** Above it an isolated actor is ended; below it the code of a behaviour has room. */
const MEMORY = "96MiB";
/** Long enough that a busy machine is no hang. */
const PROGRESS = "1s";

const cast = (role: Role, prefix: string, ...isolations: readonly Isolation[]): readonly Cast[] =>
  isolations.map((isolation, at) => ({
    path: role === "member" ? `${GRAPH}/${GROUP}/${prefix}${at}` : `${GRAPH}/${prefix}${at}`,
    role,
    isolation,
  }));

const shared = (count: number): readonly Isolation[] => Array.from({ length: count }, () => "shared");

/** What does not outlive the node's process is not judged across its death: volatile actors share its loop. */
const inTheLoop: readonly Cast[] = [
  ...cast("target", "t", ...shared(12)),
  ...cast("member", "m", ...shared(6)),
];
const everybody: readonly Cast[] = [
  ...inTheLoop,
  ...cast("target", "i", "worker", "worker", "process", "process"),
  ...cast("forwarder", "f", "shared", "process"),
  ...cast("receiver", "r", "shared", "worker"),
  ...cast("timekeeper", "c", "shared", "worker"),
];

export const rosterOf = (form: "durable" | "volatile"): readonly Cast[] =>
  form === "durable" ? everybody : inTheLoop;

export const pathsOf = (roster: readonly Cast[], ...roles: readonly Role[]): readonly string[] =>
  roster.filter(({ role }) => roles.includes(role)).map(({ path }) => path);

export function chaosGraph({ target, courier }: Modules, form: "durable" | "volatile"): string {
  const roster = rosterOf(form);
  const actor = ({ path, role, isolation }: Cast) => ({
    actor: path.split("/").at(-1),
    ...(role === "target" || role === "member"
      ? { behaviour: `${target}#target` }
      : {
          behaviour: `${courier}#courier`,
          input: { self: path },
          grants: [{ intents: ["take"], targets: [`${GRAPH}/*`] }],
        }),
    ...(form === "durable" ? { durable: true } : {}),
    ...(isolation === "shared" ? {} : { isolation, progress: PROGRESS, limits: { memory: MEMORY } }),
  });
  const unbounded = { intensity: 10_000, period: "5s" };
  const alone = roster.filter(({ role }) => role !== "member").map(actor);
  const group = roster.filter(({ role }) => role === "member").map(actor);
  return JSON.stringify({
    apiVersion: "cell0.dev/v1",
    kind: "ActorGraph",
    metadata: { name: GRAPH },
    // A group gives up over its first failure that no sender caused, and is restarted whole.
    spec: {
      ...unbounded,
      children: [...alone, { supervisor: GROUP, intensity: 0, period: "1s", children: group }],
    },
  });
}
