// Tells, once things have settled, that one of a set of files was saved. Watches
// their directories, since editors save by putting another file in place.
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** An editor's save is several events within this time. */
const SETTLE_MS = 80;

export type FileWatch = {
  /** Watches these from now on, instead of those before. */
  set(files: readonly string[], directories?: readonly string[]): void;
  close(): void;
};

/** @param onChange told the files that changed; called again only after the next change */
export function watchFiles(onChange: (files: readonly string[]) => void): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let wanted: ReadonlySet<string> = new Set();
  let whole: ReadonlySet<string> = new Set();
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const settle = (): void => {
    const files = [...changed];
    changed = new Set();
    onChange(files);
  };
  const hear = (directory: string, name: string | null): void => {
    const file = name === null ? undefined : `${directory}/${basename(name)}`;
    const matters = file === undefined || wanted.has(file) || (whole.has(directory) && /\.ya?ml$/.test(file));
    if (!matters) return;
    changed.add(file ?? directory);
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLE_MS);
  };
  return {
    set(files, directories = []) {
      wanted = new Set(files);
      whole = new Set(directories);
      const needed = new Set([...files.map((file) => dirname(file)), ...directories]);
      for (const [directory, watcher] of watchers) {
        if (needed.has(directory)) continue;
        watcher.close();
        watchers.delete(directory);
      }
      for (const directory of needed) {
        if (watchers.has(directory)) continue;
        try {
          const watcher = watch(directory, (_event, name) => hear(directory, name));
          // A directory that goes away is watched again when it is named again.
          watcher.on("error", () => {
            watcher.close();
            watchers.delete(directory);
          });
          watchers.set(directory, watcher);
        } catch {
          // It does not exist (yet): its absence is the manifest's problem, and told there.
        }
      }
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
