import { defineErrors } from "../error-definition.ts";

export const cliErrors = defineErrors({});
