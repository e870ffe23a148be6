import { defineErrors } from "../error-definition.ts";

export const supervisorErrors = defineErrors({});
