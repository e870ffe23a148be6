import { CellError } from "../errors/cell-error.ts";
import { type ErrorCode, errorRegistry } from "../errors/registry.ts";

/** A coded error, also one made by another copy of this package, which a behaviour's module may import. */
export function asCellError(value: unknown): CellError | undefined {
  if (value instanceof CellError) return value;
  if (!(value instanceof Error) || value.name !== "CellError") return undefined;
  const code: unknown = Reflect.get(value, "code");
  return isErrorCode(code) ? new CellError(code, value.message, { cause: value }) : undefined;
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorRegistry, code);
}

/** A coded error as it was written down; of an unknown code only the words are kept. */
export function writtenError(error: {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}): CellError {
  const { code, message, remedy } = error;
  return new CellError(isErrorCode(code) ? code : "ACTOR_REFUSED", message, { remedy });
}
