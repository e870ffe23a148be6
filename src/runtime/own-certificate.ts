// Whether this node's place in the cell is still its own.
import { CellError } from "../errors/cell-error.ts";
import type { Result } from "../errors/result.ts";

/**
 * Why a node takes no work whose certificate was replaced, withdrawn or has expired: its
 * place may be another's by now, and no two may run the same actors. Not even its kernel answers then.
 */
export function whyOusted(own: Result<unknown, CellError>): CellError | undefined {
  if (own.ok) return undefined;
  const what = `this node's certificate does not count any more: ${own.error.message}`;
  return new CellError("CELL_NOT_ACCEPTING", what, { cause: own.error });
}
