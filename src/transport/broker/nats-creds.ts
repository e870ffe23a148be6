// The format in which NATS tools keep a user token and the seed that proves it.

/** Text of a NATS creds file. */
export const natsCreds = (jwt: string, seed: string): string =>
  `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
