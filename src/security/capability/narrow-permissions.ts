// Permissions of a narrower token, from what is to be narrower in them.
import { type Constraint, implies } from "./constraint.ts";
import { isPermissionWithin } from "./narrower.ts";
import type { Permission } from "./permission.ts";

/** Absent: as the parent has it. */
export type Narrowing = {
  readonly intents?: readonly string[] | undefined;
  readonly targets?: readonly string[] | undefined;
  /** Beside the parent's, or in place of those that they imply. */
  readonly constraints?: readonly Constraint[];
};

/**
 * The parent's, each with the conditions added; with other patterns, those that then lie within one of the
 * parent's. Empty: none does.
 */
export function narrowPermissions(
  parent: readonly Permission[],
  { intents, targets, constraints = [] }: Narrowing,
): readonly Permission[] {
  return parent.flatMap((wide) => {
    const rest = wide.constraints.filter((each) => !constraints.some((narrow) => implies(narrow, each)));
    const narrow = {
      intents: intents ?? wide.intents,
      targets: targets ?? wide.targets,
      constraints: [...rest, ...constraints],
    };
    return isPermissionWithin(narrow, wide) ? [narrow] : [];
  });
}
