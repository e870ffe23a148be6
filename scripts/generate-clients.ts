// Makes the protobuf code of the clients in other languages anew, by buf and their own plugins: Go's is run
// from its module, Python's comes from a virtual environment. A test fails when it is not what this makes.
//   npm run generate:clients
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makePython } from "../test/interop/python-environment.ts";
import { run } from "./setup/command.mjs";
import { withDependencies } from "./setup/dependencies.mjs";
import { checkout } from "./setup/paths.mjs";

type Language = "go" | "python";
const GENERATED = { go: "cell0v1", python: join("cell0", "v1") };

/** @param root folder that takes the place of the checkout */
export async function generateClient(
  language: Language,
  root: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const args = ["generate", "--template", join("clients", language, "buf.gen.yaml"), "-o", root];
  const log = join(checkout.logs, `buf-${language}.log`);
  const { code, tail } = await run("buf", args, {
    cwd: checkout.root,
    env: withDependencies(checkout, env),
    log,
  });
  if (code !== 0) throw new Error(`buf ended with ${code}:\n${tail.join("\n")}`);
}

/** Files that are here and not there, or the other way round, or differ. */
export async function staleFiles(language: Language, root: string): Promise<readonly string[]> {
  const folder = join("clients", language, GENERATED[language]);
  const [here, anew] = [await filesIn(join(checkout.root, folder)), await filesIn(join(root, folder))];
  const names = new Set([...here.keys(), ...anew.keys()]);
  return [...names].filter((name) => here.get(name) !== anew.get(name));
}

async function filesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).filter((name) => /\.(go|py)$/.test(name));
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
  );
}

if (import.meta.main) {
  await generateClient("go", checkout.root, process.env);
  await generateClient("python", checkout.root, (await makePython()).env);
}
