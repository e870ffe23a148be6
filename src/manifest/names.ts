// Syntax of the names in a manifest.

export const MAX_PATH_TOKENS = 8;
/** One name of a path, also of a client and a node. */
export const TOKEN_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** `support/triage`: at most 8 names. */
export const PATH_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,7}$/;
/** `ticket.open` */
export const INTENT_PATTERN = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,7}$/;
/** `ticket.*`, `ticket.**`, `**` */
export const INTENT_GRANT_PATTERN = /^(\*\*|([a-z0-9-]{1,63}|\*)(\.([a-z0-9-]{1,63}|\*)){0,7}(\.\*\*)?)$/;
/** `support/triage`, `support/*`, `support/**` */
export const TARGET_GRANT_PATTERN = /^(\*\*|([a-z0-9-]{1,63}|\*)(\/([a-z0-9-]{1,63}|\*)){0,7}(\/\*\*)?)$/;
/** `./desk.ts#triage` */
export const BEHAVIOUR_PATTERN = /^[^#\s]{1,1000}\.(ts|mts|js|mjs)#[A-Za-z_$][\w$]{0,100}$/;
/** Graph names that the cell keeps for itself. */
export const RESERVED_NAMES = ["kernel"] as const;
