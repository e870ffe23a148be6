import { CellError } from "../../errors/cell-error.ts";
import { err } from "../../errors/result.ts";

/** CAPABILITY_UNDECIDED: whether a token counts, or serves once more, is not known in time; a second later it may be. */
export const undecided = () => err(new CellError("CAPABILITY_UNDECIDED", undefined, { retryAfterMs: 1_000 }));
