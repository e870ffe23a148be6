import { defineErrors } from "../error-definition.ts";

export const authorityErrors = defineErrors({});
