// Whether a behaviour's module lies where the manifest says, and what was
// probably meant when it does not. The module is not loaded here.
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { BEHAVIOUR_PATTERN } from "./names.ts";
import { nearest } from "./suggest.ts";

const MODULE_PATTERN = /\.(ts|mts|js|mjs)$/;
const MAX_NEIGHBOURS = 1000;

/** `./desk.ts#triage` -> module and export. */
export function splitBehaviour(
  text: string,
): { readonly module: string; readonly export: string } | undefined {
  if (!BEHAVIOUR_PATTERN.test(text)) return undefined;
  const at = text.lastIndexOf("#");
  return { module: text.slice(0, at), export: text.slice(at + 1) };
}

/** Looks each module up once, since many actors may share one. */
export class BehaviourFiles {
  readonly #directory: string;
  readonly #known = new Map<string, boolean>();

  /** @param directory the manifest's own, from which modules are found */
  constructor(directory: string) {
    this.#directory = directory;
  }

  absolute(module: string): string {
    return resolve(this.#directory, module);
  }

  exists(module: string): boolean {
    const path = this.absolute(module);
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const found = isFile(path);
    this.#known.set(path, found);
    return found;
  }

  /** The module beside it whose name is nearest, written as it was. */
  suggestion(module: string): string | undefined {
    const name = nearest(basename(module), this.#neighbours(dirname(this.absolute(module))));
    return name === undefined
      ? undefined
      : `${module.slice(0, module.length - basename(module).length)}${name}`;
  }

  #neighbours(directory: string): readonly string[] {
    try {
      const names = readdirSync(directory).filter((name) => MODULE_PATTERN.test(name));
      return names.slice(0, MAX_NEIGHBOURS).filter((name) => isFile(join(directory, name)));
    } catch {
      return [];
    }
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
