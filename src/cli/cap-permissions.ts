// `cell0 cap permissions`: which intents the permissions are that have names.
import {
  type NamedPermission,
  type PermissionName,
  permissionNames,
} from "../actors/kernel/permission-names.ts";
import { CellError } from "../errors/cell-error.ts";
import type { AskedPermission } from "./cap-make.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { renderTable } from "./render/table.ts";

const rows = Object.entries<NamedPermission>(permissionNames);

export function listPermissions(context: Context): ExitCode {
  context.print(
    renderTable(
      rows,
      [
        { title: "PERMISSION", value: ([name]) => name },
        { title: "INTENTS", value: ([, named]) => ("intents" in named ? named.intents.join(", ") : "-") },
        { title: "ON", value: ([, named]) => placeOf(named) },
      ],
      context.colors,
    ),
  );
  context.printJson(rows.map(([name, named]) => ({ name, ...named })));
  return exitCodes.ok;
}

function placeOf(named: NamedPermission): string {
  if ("nobody" in named) return named.nobody;
  return "tool" in named
    ? `kernel/${named.tool}, by a manifest's tools.${named.tool}`
    : named.targets.join(", ");
}

/** @throws CLI_USAGE for one that no token holds */
export function permissionNamed(name: PermissionName): Omit<AskedPermission, "where"> {
  const named: NamedPermission = permissionNames[name];
  if ("targets" in named) return named;
  const why = "nobody" in named ? named.nobody : `actors have it by their manifest's tools.${named.tool}`;
  throw new CellError("CLI_USAGE", `no token holds it: ${why}`, { where: `--permission ${name}` });
}
