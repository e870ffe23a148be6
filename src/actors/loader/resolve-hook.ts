// How a behaviour's module resolves what it imports. Its relative imports carry
// the same version query, so that a changed file is loaded anew with all that
// belongs to it; `cell0`, `xstate` and `zod` are always the host's own copies,
// whatever the behaviour's folder holds.
import { type ResolveHookContext, registerHooks } from "node:module";
import { ownEntry, ownShared } from "./own-package.ts";

export const VERSION_QUERY = "cell0-code";

const SHARED = /^(?:xstate|zod)(?:\/|$)/;

let isRegistered = false;

/** Idempotent; for the whole process. Modules without the query are left alone, but for what they share. */
export function registerBehaviourResolution(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const version = versionOf(context.parentURL);
      const shared = SHARED.test(specifier) ? ownShared(specifier) : undefined;
      if (version === undefined) {
        const resolved = nextResolve(specifier, context);
        // A package that finds the host's copy finds it where the host has it.
        const isHosts =
          shared !== undefined && resolved.url === nextResolve(specifier, fromHere(context)).url;
        return isHosts ? nextResolve(shared, fromHere(context)) : resolved;
      }
      const own = ownEntry(specifier);
      if (own !== undefined) return nextResolve(own, fromHere(context));
      if (SHARED.test(specifier)) return nextResolve(shared ?? specifier, fromHere(context));
      const resolved = nextResolve(specifier, context);
      return {
        ...resolved,
        url: isOwnFile(resolved.url) ? withVersion(resolved.url, version) : resolved.url,
      };
    },
  });
}

/** As if this module imported it. */
function fromHere(context: ResolveHookContext): ResolveHookContext {
  return { ...context, parentURL: import.meta.url };
}

function versionOf(url: string | undefined): string | undefined {
  if (url === undefined || !url.includes(VERSION_QUERY)) return undefined;
  return URL.parse(url)?.searchParams.get(VERSION_QUERY) ?? undefined;
}

/** Installed packages do not change under a running cell, and their identity matters. */
function isOwnFile(url: string): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/");
}

export function withVersion(url: string, version: string): string {
  const versioned = new URL(url);
  versioned.searchParams.set(VERSION_QUERY, version);
  return versioned.href;
}
