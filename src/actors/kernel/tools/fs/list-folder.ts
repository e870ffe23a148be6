// Lists a folder below a granted one, by name. Links are shown as links and not
// looked through.
import { lstat, opendir } from "node:fs/promises";
import { CellError } from "../../../../errors/cell-error.ts";
import type { FileList, ListRequest } from "../contract.ts";
import type { Deed } from "../tool-call.ts";
import { below, descend, openRoot } from "./open-below.ts";
import { DRAFT_PREFIX, type Place } from "./path-policy.ts";

/** Entries that are looked at to find the wanted ones. */
const MAX_ENTRIES = 10_000;

export async function performList(
  { grant, tokens }: Place,
  { limit, after }: Pick<ListRequest, "limit" | "after">,
): Promise<Deed<FileList>> {
  await using folder = await descend(await openRoot(grant.path), tokens);
  const names: string[] = [];
  let seen = 0;
  for await (const { name } of await opendir(below(folder, "."))) {
    seen += 1;
    if (seen > MAX_ENTRIES)
      throw new CellError("TOOL_TOO_LARGE", `the folder has more than ${MAX_ENTRIES} entries`);
    if (name > after && !name.startsWith(DRAFT_PREFIX)) names.push(name);
  }
  names.sort((a, b) => (a < b ? -1 : 1));
  const entries: FileList["entries"] = [];
  for (const name of names.slice(0, limit)) {
    const stat = await lstat(below(folder, name)).catch(() => undefined);
    // Gone meanwhile.
    if (stat === undefined) continue;
    const kind = stat.isFile()
      ? "file"
      : stat.isDirectory()
        ? "directory"
        : stat.isSymbolicLink()
          ? "link"
          : "other";
    entries.push({ name, kind, ...(kind === "file" ? { size: stat.size } : {}) });
  }
  const outcome = `${entries.length} entries`;
  return { reply: { entries, more: names.length > limit }, outcome, bytesIn: 0, bytesOut: 0 };
}
