// The closed set of error codes, area by area. A code is stable once released:
// clients in other languages match on it.
import { actorErrors } from "./codes/actor.ts";
import { authorityErrors } from "./codes/authority.ts";
import { brokerErrors } from "./codes/broker.ts";
import { capabilityErrors } from "./codes/capability.ts";
import { capsuleErrors } from "./codes/capsule.ts";
import { cellErrors } from "./codes/cell.ts";
import { cliErrors } from "./codes/cli.ts";
import { coreErrors } from "./codes/core.ts";
import { drillErrors } from "./codes/drill.ts";
import { isolationErrors } from "./codes/isolation.ts";
import { manifestErrors } from "./codes/manifest.ts";
import { stateErrors } from "./codes/state.ts";
import { supervisorErrors } from "./codes/supervisor.ts";
import { toolErrors } from "./codes/tool.ts";

export const errorRegistry = {
  ...manifestErrors,
  ...capsuleErrors,
  ...authorityErrors,
  ...capabilityErrors,
  ...actorErrors,
  ...isolationErrors,
  ...toolErrors,
  ...supervisorErrors,
  ...stateErrors,
  ...brokerErrors,
  ...coreErrors,
  ...cellErrors,
  ...cliErrors,
  ...drillErrors,
};

export type ErrorCode = keyof typeof errorRegistry;
