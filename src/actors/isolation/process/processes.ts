// Processes for actors: finds out once which layers work here, by starting one, and
// houses each actor in a process of its own with its code in place.
import { z } from "zod";
import { CellError } from "../../../errors/cell-error.ts";
import type { ActorSpec } from "../../../manifest/graph.ts";
import type { Housing } from "../link.ts";
import { Spares } from "../spares.ts";
import { type BehaviourCode, closedFolder, dropSlot, fillSlot, openCodeRoot, readCode } from "./code-slot.ts";
import { DEFAULT_PROCESS_MEMORY_BYTES } from "./command.ts";
import {
  expectedLayers,
  type Layers,
  lackingLayers,
  type Platform,
  thisPlatform,
  weakerLayers,
} from "./layers.ts";
import { packagesOf } from "./packages.ts";
import {
  type ProcessGround,
  type ProcessNeeds,
  type SandboxedProcess,
  startSandboxed,
} from "./sandboxed-process.ts";
import { Users } from "./users.ts";

const TRY_TIMEOUT_MS = 15_000;
const needsSchema = z.object({
  memoryBytes: z.number(),
  cpu: z.number().optional(),
  readable: z.array(z.string()),
  typescript: z.boolean(),
});

export type Processes = {
  /** @throws CellError ACTOR_SANDBOX_UNAVAILABLE, ACTOR_PACKAGES_UNSAFE, ACTOR_BEHAVIOUR_* */
  house(spec: ActorSpec, codeHash: string): Promise<Housing>;
  /** What works here; found out by the first call. */
  layers(): Promise<Layers>;
  /** Ends the spares and removes the folder of code; actors are to have ended before. */
  close(): Promise<void>;
};

/** @param codeRoot folder for the code of processes, in a place that any user may enter */
export function openProcesses(codeRoot: string, platform: Platform = thisPlatform): Processes {
  const users = new Users();
  let ground: Promise<ProcessGround> | undefined;
  const prepared = (): Promise<ProcessGround> => {
    ground ??= prepare(codeRoot, users, platform);
    ground.catch(() => {
      ground = undefined;
    });
    return ground;
  };
  const spares = new Spares<SandboxedProcess>({
    make: async (kind) => await startSandboxed(await prepared(), needsOf(kind)),
    settled: ({ link }) => Promise.race([link.ready, link.gone]),
    isAlive: ({ link }) => link.isAlive,
    discard: ({ link }) => link.kill(),
  });
  return {
    layers: async () => (await prepared()).layers,
    async house(spec, codeHash) {
      const here = await prepared();
      requireLayers(here.layers, spec);
      const code = await readCode(spec.behaviour.module, codeHash);
      const { memoryBytes = DEFAULT_PROCESS_MEMORY_BYTES, cpu } = spec.limits ?? {};
      const typescript = isTypeScript(code);
      const needs = {
        memoryBytes,
        ...(cpu === undefined ? {} : { cpu }),
        readable: await packagesOf(code),
        typescript,
      };
      const started = spares.take(kindOf(needs)) ?? (await startSandboxed(here, needs));
      requireCgroup(here.layers, started, spec);
      return await moveIn(started, code, spec);
    },
    async close() {
      spares.close();
      const here = await ground?.catch(() => undefined);
      // What still ends removes its own part, or finds it gone.
      if (here !== undefined) await dropSlot(here.codeRoot);
      users.close();
    },
  };
}

/** A spare's flags are settled before it is known whom it will be: it serves who needs exactly these. */
const kindOf = (needs: ProcessNeeds): string => JSON.stringify(needs);
const needsOf = (kind: string): ProcessNeeds => needsSchema.parse(JSON.parse(kind));

const isTypeScript = ({ files }: BehaviourCode): boolean => files.some(({ path }) => /\.[cm]?ts$/.test(path));

async function moveIn(started: SandboxedProcess, code: BehaviourCode, spec: ActorSpec): Promise<Housing> {
  const { module } = spec.behaviour;
  const { link, slot, user } = started;
  const { place } = await fillSlot(slot, code, user);
  return {
    link,
    module: place(module),
    packagesFrom: module,
    original: (text) => text.replaceAll(slot, code.root),
  };
}

function requireLayers(layers: Layers, { path, sandbox, limits }: ActorSpec): void {
  if (sandbox !== "required") return;
  const lacking = lackingLayers(layers, limits?.cpu !== undefined);
  if (lacking.length === 0) return;
  throw new CellError("ACTOR_SANDBOX_UNAVAILABLE", `this machine lacks ${lacking.join("; ")}`, {
    where: path,
  });
}

/** Where there are cgroups, whose limits are required are those of a cgroup: none was made for this one. */
function requireCgroup({ cgroups }: Layers, { link, inCgroup }: SandboxedProcess, spec: ActorSpec): void {
  if (spec.sandbox !== "required" || cgroups === undefined || inCgroup) return;
  link.kill();
  throw new CellError("ACTOR_SANDBOX_UNAVAILABLE", "no cgroup could be made for its process", {
    where: spec.path,
  });
}

async function prepare(codeRoot: string, users: Users, platform: Platform): Promise<ProcessGround> {
  const root = await openCodeRoot(codeRoot);
  const closed = await closedFolder(root);
  const expected = expectedLayers(platform);
  let layers =
    expected.ownUser && closed !== undefined
      ? {
          ...expected,
          ownUser: false,
          missing: { ...expected.missing, user: `other users may not enter ${closed}` },
        }
      : expected;
  for (;;) {
    const ground = { layers, users, codeRoot: root };
    const fault = await tryGround(ground);
    if (fault === undefined) return ground;
    const weaker = weakerLayers(layers, fault);
    if (weaker === undefined)
      throw new CellError("ACTOR_HOST_LOST", `no process can be started here: ${fault}`);
    layers = weaker;
  }
}

/** Starts a process with these layers; undefined when its program comes up. */
async function tryGround(ground: ProcessGround): Promise<string | undefined> {
  const needs = {
    memoryBytes: DEFAULT_PROCESS_MEMORY_BYTES,
    cpu: undefined,
    readable: [],
    typescript: false,
  };
  const { link } = await startSandboxed(ground, needs);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve("it does not come up in time"), TRY_TIMEOUT_MS);
  let said = "";
  link.listen({
    // Its first frame is that it is ready.
    data: () => resolve(undefined),
    output: (_stream, line) => {
      if (said === "" || (/error/i.test(line) && !/error/i.test(said))) said = line.slice(0, 200);
    },
    ended: ({ what }) => resolve(said === "" ? what : said),
  });
  const fault = await promise;
  clearTimeout(timer);
  link.kill();
  await link.gone;
  return fault;
}
