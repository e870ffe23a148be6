// The wire's checks: no breaking change against main, and the generated code is what
// `buf generate` makes of the proto files now.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probe } from "../setup/command.mjs";
import { failed, passed, runPrinting, skipped } from "./suite.mjs";

/** @type {import("./suite.mjs").Suite} */
export const breaking = {
  title: "wire: nothing broken against main (buf breaking)",
  run: (context) =>
    withScratch(async (scratch) => {
      const git = (/** @type {string[]} */ ...args) =>
        probe("git", ["-C", context.paths.root, ...args], context.env);
      if ((await git("rev-parse", "--git-dir")) === undefined)
        return skipped("this folder is no git checkout");
      const reference = await firstOf(["origin/main", "main"], (name) =>
        git("rev-parse", "--verify", "--quiet", `${name}^{commit}`),
      );
      if (reference === undefined) {
        const shallow = (await git("rev-parse", "--is-shallow-repository")) === "true";
        return skipped(`there is no branch main to compare with${shallow ? " in this shallow clone" : ""}`);
      }
      const archive = join(scratch, "main.tar");
      if ((await git("archive", "-o", archive, reference, "proto", "buf.yaml")) === undefined) {
        return skipped(`${reference} has no proto/ yet`);
      }
      context.print(`compared with ${reference}`);
      const code = await runPrinting(context, "buf", ["breaking", "--against", archive]);
      return code === 0 ? passed() : failed();
    }),
};

/** @type {import("./suite.mjs").Suite} */
export const generated = {
  title: "wire: generated code is up to date (buf generate)",
  run: (context) =>
    withScratch(async (scratch) => {
      if ((await runPrinting(context, "buf", ["generate", "-o", scratch])) !== 0) return failed();
      const [here, anew] = [
        filesBelow(join(context.paths.root, "src", "gen")),
        filesBelow(join(scratch, "src", "gen")),
      ];
      const names = new Set([...here.keys(), ...anew.keys()]);
      const stale = [...names].filter((name) => here.get(name) !== anew.get(name));
      for (const name of stale) context.print(`src/gen/${name} is not what buf generate makes`);
      return stale.length === 0 ? passed() : failed("run `npm run generate` and commit the result");
    }),
};

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<unknown>} accepts
 */
async function firstOf(items, accepts) {
  for (const item of items) if ((await accepts(item)) !== undefined) return item;
  return undefined;
}

/**
 * @template T
 * @param {(folder: string) => Promise<T>} use
 */
async function withScratch(use) {
  const folder = mkdtempSync(join(tmpdir(), "cell0-test-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Contents by path.
 * @param {string} folder
 * @returns {Map<string, string>}
 */
function filesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, "utf8")];
    }),
  );
}
