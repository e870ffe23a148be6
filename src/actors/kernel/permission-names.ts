// The permission names of the first Cell 0, as intents on kernel actors: who is to have one is granted
// these intents, by a manifest or by a token.

export type NamedPermission =
  /** Of a token, or of a manifest's grant. */
  | { readonly intents: readonly string[]; readonly targets: readonly string[] }
  /** An actor has it by its manifest's `tools`, and nobody else. */
  | { readonly intents: readonly string[]; readonly tool: "fs" | "exec" }
  /** Nobody has it, and why. */
  | { readonly nobody: string };

const REGISTRY = ["kernel/*/registry"];
const BY_MANIFEST = "what an actor may use stands in its manifest: SYSTEM_CONFIG";
const NOT_BUILT = "cells are not joined to others yet";

export const permissionNames = {
  AGENT_SPAWN: { intents: ["child.start", "registry.start"], targets: REGISTRY },
  AGENT_KILL: { intents: ["child.stop", "registry.stop"], targets: REGISTRY },
  RESOURCE_ALLOC: { nobody: BY_MANIFEST },
  RESOURCE_FREE: { nobody: BY_MANIFEST },
  STORAGE_READ: { intents: ["fs.read", "fs.list"], tool: "fs" },
  STORAGE_WRITE: { intents: ["fs.write"], tool: "fs" },
  COMPUTE_SUBMIT: { intents: ["exec"], tool: "exec" },
  EVENT_EMIT: { nobody: "nodes alone make events, of what happens" },
  EVENT_SUBSCRIBE: { intents: ["events.read"], targets: ["kernel/*/telemetry"] },
  SYSTEM_CONFIG: {
    intents: ["graph.*", "node.rebuild", "registry.restart"],
    targets: ["kernel/graph", ...REGISTRY],
  },
  SECURITY_ADMIN: {
    intents: ["capability.*", "epoch.raise", "trust.*", "key.*"],
    targets: ["kernel/capabilities", "kernel/*/authority"],
  },
  FEDERATION_JOIN: { nobody: NOT_BUILT },
  FEDERATION_SYNC: { nobody: NOT_BUILT },
} as const satisfies Readonly<Record<string, NamedPermission>>;

export type PermissionName = keyof typeof permissionNames;

export const isPermissionName = (text: string): text is PermissionName =>
  Object.hasOwn(permissionNames, text);
