// Which class the end of a durable actor belongs to whose commit was not kept.
import type { CellError } from "../../errors/cell-error.ts";

/** Drift: it is still its process's, but continues from another state than is kept of it. */
export const classOfRefusal = ({ code }: CellError): "drift" | "loss" =>
  code === "STATE_DRIFTED" ? "drift" : "loss";
