// What laws are written in: a demand that throws, and the code of a result.
import type { CellError } from "../../src/errors/cell-error.ts";
import { errorRegistry } from "../../src/errors/registry.ts";
import type { Result } from "../../src/errors/result.ts";
import type { Saw } from "./target.ts";

export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

/** A refusal must have a code of the registry. */
export function codeOf(error: CellError): string {
  demand(Object.hasOwn(errorRegistry, error.code), `\`${error.code}\` is no code of the registry`);
  return error.code;
}

/** The value; undefined: it was refused, with a code that the campaign is told. */
export function accepted<T>(result: Result<T, CellError>, saw: Saw): T | undefined {
  saw(result.ok ? "accepted" : codeOf(result.error));
  return result.ok ? result.value : undefined;
}
