import { defineErrors } from "../error-definition.ts";

export const coreErrors = defineErrors({});
