import { defineErrors } from "../error-definition.ts";

export const manifestErrors = defineErrors({});
