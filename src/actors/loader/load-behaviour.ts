// Loads the behaviour that a manifest names. The same code is loaded once,
// changed code anew; what is wrong with a module becomes a coded error.
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CellError } from "../../errors/cell-error.ts";
import { nearestForeign } from "../../manifest/suggest.ts";
import { type Behaviour, isBehaviour } from "../behaviour.ts";
import { hashBehaviour } from "./code-files.ts";
import { ownModule } from "./own-package.ts";
import { registerBehaviourResolution, withVersion } from "./resolve-hook.ts";

export type BehaviourRef = {
  /** Absolute path. */
  readonly module: string;
  readonly export: string;
};

const LOAD_TIMEOUT_MS = 10_000;
/** Versions of modules kept by name; the module system itself forgets none. */
const MAX_LOADED = 4096;

const loaded = new Map<string, Promise<Record<string, unknown>>>();
/** Of them those that are there. */
const present = new WeakMap<Promise<unknown>, Record<string, unknown>>();

/**
 * @param ref.codeHash what `hashBehaviour` said when the revision was made; checked against
 *   the files unless this code is loaded already. Absent: whatever is there now.
 * @throws CellError ACTOR_BEHAVIOUR_*
 */
export async function loadBehaviour(ref: BehaviourRef & { readonly codeHash?: string }): Promise<Behaviour> {
  const { module, codeHash } = ref;
  const known = codeHash === undefined ? undefined : loaded.get(keyOf(module, codeHash));
  const exports = await (known ?? importVersion(module, codeHash));
  return behaviourIn(exports, ref);
}

/** The same for code that is here already; undefined: it has to be loaded. */
export function loadedBehaviour(ref: BehaviourRef & { readonly codeHash: string }): Behaviour | undefined {
  const known = loaded.get(keyOf(ref.module, ref.codeHash));
  const exports = known && present.get(known);
  return exports && behaviourIn(exports, ref);
}

async function importVersion(module: string, codeHash: string | undefined): Promise<Record<string, unknown>> {
  const actual = await hashBehaviour(module);
  if (codeHash !== undefined && codeHash !== actual) {
    throw new CellError("ACTOR_BEHAVIOUR_CHANGED", `${module} is not the code of the revision`, {
      where: module,
    });
  }
  const key = keyOf(module, actual);
  const before = loaded.get(key);
  if (before !== undefined) return before;
  const loading = importModule(module, actual);
  if (loaded.size >= MAX_LOADED) loaded.delete(loaded.keys().next().value ?? "");
  loaded.set(key, loading);
  loading.then(
    (exports) => present.set(loading, exports),
    () => loaded.delete(key),
  );
  return loading;
}

const keyOf = (module: string, codeHash: string): string => `${codeHash} ${module}`;

type Importer = (url: string) => Promise<Record<string, unknown>>;

/** Behaviours resolve by Node's rules and this package's hook, also where a test runner loads this file. */
function nativeImport(): Importer {
  const native: typeof import("./native-import.ts") = createRequire(import.meta.url)(
    fileURLToPath(ownModule("actors/loader/native-import")),
  );
  return native.nativeImport;
}

/** Imports this very version of a module. */
export async function importModule(
  module: string,
  version: string,
  importer: Importer = nativeImport(),
): Promise<Record<string, unknown>> {
  registerBehaviourResolution();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`it takes longer than ${LOAD_TIMEOUT_MS} ms`)),
    LOAD_TIMEOUT_MS,
  );
  try {
    return await Promise.race([importer(withVersion(pathToFileURL(module).href, version)), late]);
  } catch (cause) {
    throw new CellError("ACTOR_BEHAVIOUR_THREW", `${module} fails to load: ${reasonOf(cause)}`, {
      where: module,
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** @throws CellError ACTOR_BEHAVIOUR_EXPORT_UNKNOWN, ACTOR_BEHAVIOUR_INVALID */
export function behaviourIn(exports: Record<string, unknown>, ref: BehaviourRef): Behaviour {
  const names = Object.keys(exports);
  const where = `${ref.module}#${ref.export}`;
  if (!Object.hasOwn(exports, ref.export)) {
    const close = nearestForeign(ref.export, names);
    const remedy = close === undefined ? exportsList(names) : `Did you mean ${close}? ${exportsList(names)}`;
    throw new CellError("ACTOR_BEHAVIOUR_EXPORT_UNKNOWN", `${ref.module} exports no ${ref.export}`, {
      where,
      remedy,
    });
  }
  const value = exports[ref.export];
  if (!isBehaviour(value)) {
    throw new CellError(
      "ACTOR_BEHAVIOUR_INVALID",
      `${ref.export} of ${ref.module} was not made with defineActor`,
      {
        where,
      },
    );
  }
  return value;
}

function exportsList(names: readonly string[]): string {
  return names.length === 0 ? "The module exports nothing." : `It exports: ${names.slice(0, 20).join(", ")}.`;
}

function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return text.replaceAll(/\?cell0-code=[0-9a-f]+/g, "").slice(0, 1000);
}
