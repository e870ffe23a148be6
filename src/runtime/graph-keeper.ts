// Keeps what the cell should run: plans, applies, deletes, returns. One change at
// a time; a change is in force once its revision is written, and it is written
// only after the graph was placed, its behaviours loaded in a sandbox, and this
// node's part of it started.
import { longWork } from "../actors/in-hand.ts";
import type { ApplyReport, ErrorRow, PlanReport } from "../actors/kernel/reports.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import { same } from "../manifest/canonical.ts";
import type { Graph, PlacedGraph } from "../manifest/graph.ts";
import { actorsOf } from "../manifest/graph-walk.ts";
import { emptyGraph, mergeGraphs, withoutGraphs } from "../manifest/merge.ts";
import { placeGraph } from "../manifest/placement.ts";
import { type Plan, planGraph } from "../manifest/plan.ts";
import { unmetSync } from "../manifest/sync-demands.ts";
import type { RevokedView } from "../security/capability/manifest-capability.ts";
import type { ShardRange } from "../security/trust/certificate.ts";
import { revokedHolders } from "./granted-report.ts";
import { withCapabilities } from "./manifest-capabilities.ts";
import type { KeptRevision, Revisions } from "./revisions.ts";

export type GraphKeeperPorts = {
  readonly revisions: Revisions;
  /** By which capabilities are minted. */
  readonly revoked: RevokedView;
  readonly firstNode: () => string;
  readonly nodes: () => readonly { readonly name: string; readonly shards: readonly ShardRange[] }[];
  /** What a power loss may take of the broker's last writes; undefined: not known here. */
  readonly brokerSync: string | undefined;
  /** Code hash by path, or what stands against a behaviour. */
  readonly probe: (graph: Graph) => Promise<{
    readonly codeHashes: Readonly<Record<string, string>>;
    readonly problems: readonly CellError[];
  }>;
  /** Makes this node run its part of the graph; on an error what ran before runs again. */
  readonly run: (graph: PlacedGraph, plan: Plan) => Promise<Result<unknown, CellError>>;
  /** Waits a bounded time until the other nodes run a revision. */
  readonly settled: (revision: number) => Promise<void>;
  readonly unsatisfied: () => readonly { readonly path: string; readonly reason: string }[];
};

/** Who asked, for the record. */
export type Asked = { readonly author: string; readonly causeId: Uint8Array };

type ChangeOptions = {
  readonly baseRevision?: number | undefined;
  readonly rollbackOf?: number;
  /** Graphs that are applied. */
  readonly named?: ReadonlySet<string>;
};

const NO_GRAPHS: ReadonlySet<string> = new Set();
const namesOf = ({ roots }: Graph): ReadonlySet<string> => new Set(roots.map(({ path }) => path));

export class GraphKeeper {
  readonly #ports: GraphKeeperPorts;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(ports: GraphKeeperPorts) {
    this.#ports = ports;
  }

  async plan(graph: Graph, prune: boolean): Promise<PlanReport> {
    const { current, base } = this.#inForce();
    const merged = mergeGraphs(base, graph, prune);
    const { baseRevision, changes, problems, revoked } = await this.#prepare(merged, current, namesOf(graph));
    return { baseRevision, changes, problems, revoked };
  }

  apply(graph: Graph, prune: boolean, asked: Asked, baseRevision?: number): Promise<ApplyReport> {
    const merged = (base: Graph) => mergeGraphs(base, graph, prune);
    return this.#exclusively(merged, asked, { baseRevision, named: namesOf(graph) });
  }

  /** Throws CELL_GRAPH_UNKNOWN for a name that the cell does not have. */
  delete(names: readonly string[], asked: Asked): Promise<ApplyReport> {
    return this.#exclusively((base) => {
      const unknown = names.find((name) => base.roots.every(({ path }) => path !== name));
      if (unknown !== undefined)
        throw new CellError("CELL_GRAPH_UNKNOWN", `there is no graph \`${unknown}\``);
      return withoutGraphs(base, names);
    }, asked);
  }

  /** Revision 0 is the empty graph. Throws CELL_REVISION_UNKNOWN. */
  rollback(revision: number, asked: Asked): Promise<ApplyReport> {
    return this.#exclusively(() => this.graphOf(revision), asked, { rollbackOf: revision });
  }

  graphOf(revision: number): Graph {
    if (revision === 0) return emptyGraph;
    const kept = this.#ports.revisions.get(revision);
    if (kept === undefined) throw new CellError("CELL_REVISION_UNKNOWN", `revision ${revision} is not known`);
    const { roots, clients } = kept.placed;
    return { roots, clients };
  }

  /** Later changes wait for earlier ones. */
  #exclusively(
    next: (base: Graph) => Graph,
    asked: Asked,
    options: ChangeOptions = {},
  ): Promise<ApplyReport> {
    const change = async (): Promise<ApplyReport> => {
      const { current, base } = this.#inForce();
      const number = current?.revision ?? 0;
      if (options.baseRevision !== undefined && options.baseRevision !== number) {
        throw new CellError(
          "CELL_REVISION_CONFLICT",
          `it is at revision ${number}, not ${options.baseRevision}`,
        );
      }
      return await this.#change(next(base), current, asked, options);
    };
    return this.#inTurn(change);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(change, change);
    this.#changing = result.catch(() => undefined);
    return result;
  }

  /**
   * Makes a revision that differs in capabilities alone; none where nothing differs. Resolves with the number of
   * the one in force then.
   * @param change begins once no other change is under way
   */
  changeCapabilities(
    change: (placed: PlacedGraph) => PlacedGraph | Promise<PlacedGraph>,
    asked: Asked,
  ): Promise<number> {
    return this.#inTurn(async () => {
      const { current } = this.#inForce();
      if (current === undefined) return 0;
      const graph = await change(current.placed);
      if (longWork(() => same(graph.capabilities, current.placed.capabilities))) return current.revision;
      const plan = longWork(() => planGraph(current.placed, graph));
      const running = await this.#ports.run(graph, plan);
      if (!running.ok) throw running.error;
      const written = await this.#write({ graph, rollbackOf: 0, ...asked }, current);
      if (!written.ok) throw written.error;
      return written.value;
    });
  }

  async #change(
    graph: Graph,
    current: KeptRevision | undefined,
    asked: Asked,
    { rollbackOf = 0, named = NO_GRAPHS }: ChangeOptions,
  ): Promise<ApplyReport> {
    const prepared = await this.#prepare(graph, current, named);
    const { baseRevision, changes, problems, revoked, plan, placed } = prepared;
    const report = { baseRevision, changes, problems, revoked, revision: baseRevision, applied: false };
    if (problems.length > 0 || plan === undefined || placed === undefined || changes.length === 0) {
      return { ...report, unsatisfied: this.#ports.unsatisfied() };
    }
    const running = await this.#ports.run(placed, plan);
    if (!running.ok) {
      return { ...report, problems: [rowOf(running.error)], unsatisfied: this.#ports.unsatisfied() };
    }
    // What was revoked while it was made ready counts no more in it.
    const minted = longWork(() => withCapabilities(placed, current?.placed, this.#ports.revoked));
    const isAlike = longWork(() => same(minted.capabilities, placed.capabilities));
    const written = await this.#write({ graph: isAlike ? placed : minted, rollbackOf, ...asked }, current);
    if (!written.ok) throw written.error;
    await this.#ports.settled(written.value);
    return { ...report, revision: written.value, applied: true, unsatisfied: this.#ports.unsatisfied() };
  }

  /** A revision that cannot be written is not in force: what ran before runs again. */
  async #write(
    revision: Parameters<Revisions["append"]>[0],
    before: KeptRevision | undefined,
  ): Promise<Result<number, CellError>> {
    try {
      return ok((await this.#ports.revisions.append(revision)).revision);
    } catch (cause) {
      const back: PlacedGraph = before?.placed ?? { ...emptyGraph, placed: {} };
      await this.#ports.run(back, planGraph(revision.graph, back));
      return err(
        cause instanceof CellError ? cause : new CellError("CELL_APPLY_FAILED", undefined, { cause }),
      );
    }
  }

  async #prepare(
    graph: Graph,
    current: KeptRevision | undefined,
    named: ReadonlySet<string>,
  ): Promise<PlanReport & { readonly plan?: Plan; readonly placed?: PlacedGraph }> {
    const baseRevision = current?.revision ?? 0;
    const failed = (errors: readonly CellError[]) => ({
      baseRevision,
      changes: [],
      revoked: [],
      problems: errors.map(rowOf),
    });
    const unmet = unmetSync(graph, this.#ports.brokerSync);
    if (unmet.length > 0) return failed(unmet);
    const { codeHashes, problems } = await this.#ports.probe(graph);
    if (problems.length > 0) return failed(problems);
    const bare = longWork(() =>
      placeGraph(graph, {
        codeHashes,
        nodes: this.#ports.nodes(),
        firstNode: this.#ports.firstNode(),
        ...(current === undefined ? {} : { previous: current.placed }),
      }),
    );
    if (!bare.ok) return failed([bare.error]);
    const { revoked: view } = this.#ports;
    const placed = longWork(() => withCapabilities(bare.value, current?.placed, view));
    const plan = longWork(() => planGraph(current?.placed, placed));
    const revoked = longWork(() => revokedHolders(placed, view, named));
    return { baseRevision, changes: plan.changes, revoked, problems: [], plan, placed };
  }

  #inForce(): { readonly current: KeptRevision | undefined; readonly base: Graph } {
    const current = this.#ports.revisions.current();
    return { current, base: current === undefined ? emptyGraph : current.placed };
  }
}

export function rowOf({ code, message, where, remedy }: CellError): ErrorRow {
  return { code, message, remedy, ...(where === undefined ? {} : { where }) };
}

/** Actors of a graph, for a listing. */
export const countActors = (graph: Graph): number => [...actorsOf(graph)].length;
