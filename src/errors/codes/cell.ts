import { defineErrors } from "../error-definition.ts";

export const cellErrors = defineErrors({});
