// The node's tools as kernel actors, with the ports that they work through.
import { thisPlatform } from "../actors/isolation/process/layers.ts";
import { Users } from "../actors/isolation/process/users.ts";
import { CallLimits } from "../actors/kernel/tools/call-limits.ts";
import { execTool, MAX_PROGRAMS } from "../actors/kernel/tools/exec/actor.ts";
import { FairSlots } from "../actors/kernel/tools/exec/fair-slots.ts";
import { networkTrial } from "../actors/kernel/tools/exec/try-network.ts";
import { fsTool } from "../actors/kernel/tools/fs/actor.ts";
import { FolderTurns } from "../actors/kernel/tools/fs/folder-turns.ts";
import { httpTool } from "../actors/kernel/tools/http/actor.ts";
import { systemNet } from "../actors/kernel/tools/http/connect.ts";
import type { ToolPorts } from "../actors/kernel/tools/tool-call.ts";
import { systemClock } from "../supervisor/ports.ts";
import { kernelPath } from "./node-graph.ts";
import type { KernelPart } from "./start-child.ts";

export type ToolPartOptions = {
  readonly node: string;
  readonly grantsOf: ToolPorts["grantsOf"];
  readonly record: ToolPorts["record"];
  /** Throws CELL_SECRET_UNKNOWN. */
  readonly secret: (name: string) => Promise<string>;
};

export function toolParts({
  node,
  grantsOf,
  record,
  secret,
}: ToolPartOptions): readonly [string, KernelPart][] {
  const ports: ToolPorts = {
    grantsOf,
    record,
    limits: new CallLimits(),
    unixMs: () => systemClock.unixMs(),
    monotonicMs: () => systemClock.monotonicMs(),
  };
  return [
    [kernelPath(node, "http"), { behaviour: httpTool, input: { ...ports, net: systemNet, secret } }],
    [kernelPath(node, "fs"), { behaviour: fsTool, input: { ...ports, turns: new FolderTurns() } }],
    [
      kernelPath(node, "exec"),
      {
        behaviour: execTool,
        input: {
          ...ports,
          platform: thisPlatform,
          canCutOff: networkTrial(thisPlatform),
          users: new Users(),
          slots: new FairSlots(MAX_PROGRAMS),
        },
      },
    ],
  ];
}
