import { defineErrors } from "../error-definition.ts";

export const brokerErrors = defineErrors({});
