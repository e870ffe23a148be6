// The claims of a vector of attenuation, as the library takes them.
import type { TokenBody } from "../../../src/gen/cell0/v1/capability_pb.ts";
import { readPermission } from "../../../src/security/capability/permission.ts";

export const claimsOf = (body: TokenBody) => ({
  id: body.id,
  holder: body.holder,
  permissions: body.permissions.map((each) => {
    const read = readPermission(each);
    if (typeof read === "string") throw new Error(read);
    return read;
  }),
  notBeforeUnixMs: Number(body.notBeforeUnixMs),
  notAfterUnixMs: Number(body.notAfterUnixMs),
  maxDepth: body.maxDepth,
});
