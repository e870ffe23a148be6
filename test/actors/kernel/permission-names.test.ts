// Permissions with a name stand for intents that kernel actors have, and for nothing else.
import { expect, test } from "vitest";
import * as contract from "../../../src/actors/kernel/contract.ts";
import { type NamedPermission, permissionNames } from "../../../src/actors/kernel/permission-names.ts";
import { execIntents, fsIntents, httpIntents } from "../../../src/actors/kernel/tools/contract.ts";
import { allows, isPattern } from "../../../src/security/grants/patterns.ts";

const { graphIntents, registryIntents, authorityIntents, capabilityIntents, telemetryIntents } = contract;
const WHERE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "kernel/graph": graphIntents,
  "kernel/capabilities": capabilityIntents,
  "kernel/a/registry": registryIntents,
  "kernel/a/authority": authorityIntents,
  "kernel/a/telemetry": telemetryIntents,
  "kernel/a/fs": fsIntents,
  "kernel/a/exec": execIntents,
  "kernel/a/http": httpIntents,
};
const named = Object.entries<NamedPermission>(permissionNames);

test.each(named)("%s names nothing that is not there", (_name, permission) => {
  if ("nobody" in permission) {
    expect(permission.nobody).not.toBe("");
    return;
  }
  const targets = "tool" in permission ? [`kernel/*/${permission.tool}`] : permission.targets;
  for (const pattern of permission.intents) {
    expect(isPattern(pattern, ".")).toBe(true);
    const met = Object.entries(WHERE).flatMap(([target, intents]) =>
      Object.keys(intents).filter((intent) => allows({ intents: [pattern], targets }, intent, target)),
    );
    expect(met).not.toEqual([]);
  }
  for (const target of targets) {
    const met = Object.entries(WHERE).filter(([path, intents]) =>
      Object.keys(intents).some((intent) =>
        allows({ intents: permission.intents, targets: [target] }, intent, path),
      ),
    );
    expect(met).not.toEqual([]);
  }
});

test("all that changes who may do what, and what runs, has a name", () => {
  const granted = named.flatMap(([, permission]) => ("targets" in permission ? [permission] : []));
  const isNamed = (intent: string, target: string) => granted.some((each) => allows(each, intent, target));
  const changing = [
    ...Object.keys(capabilityIntents).map((intent) => [intent, "kernel/capabilities"] as const),
    ...Object.keys(graphIntents).map((intent) => [intent, "kernel/graph"] as const),
    ...Object.keys(authorityIntents).map((intent) => [intent, "kernel/a/authority"] as const),
    ...Object.keys(registryIntents)
      .filter((intent) => !/^(registry\.(tree|actor)|node\.status)$/.test(intent))
      .map((intent) => [intent, "kernel/a/registry"] as const),
  ];
  expect(changing.filter(([intent, target]) => !isNamed(intent, target))).toEqual([]);
});
