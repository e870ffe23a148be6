// An error that the cell answered with, as against one found on this side: it
// decides between the exit codes "refused" and "unreachable".
import { CellError } from "../errors/cell-error.ts";

export class CellRefusal extends CellError {
  static from(error: CellError): CellRefusal {
    return new CellRefusal(error.code, error.message, {
      remedy: error.remedy,
      details: error.details,
      ...(error.where === undefined ? {} : { where: error.where }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    });
  }
}
