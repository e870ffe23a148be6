import { defineErrors } from "../error-definition.ts";

export const capsuleErrors = defineErrors({});
