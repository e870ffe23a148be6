/** Version of the protocol between node and core; see core.proto. */
export const CORE_PROTOCOL = 1;
