export { CellError } from "./errors/cell-error.ts";
