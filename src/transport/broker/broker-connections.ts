// What the broker says of its connections: who came, who went, who is there and how much each has sent.
import { z } from "zod";
import type { BrokerMessage } from "../connection.ts";

/** Of a client or an operator: undefined of a node, which nobody may keep out, and of who is none of the cell's. */
type Principal = string | undefined;
export type Came = { readonly server: string; readonly id: number; readonly principal: Principal };
export type Listed = {
  readonly server: string;
  readonly connections: readonly { readonly id: number; readonly principal: Principal }[];
};
export type Sent = { readonly id: number; readonly messages: number; readonly bytes: number };

const id = z.number().int().nonnegative();
const server = z.object({ id: z.string().regex(/^[A-Z0-9]+$/) });
const user = { jwt: z.string().optional(), tags: z.array(z.string()).optional() };
const cameSchema = z.object({ server, client: z.object({ id, ...user }) });
const wentSchema = z.object({
  client: z.object({ id }),
  sent: z.object({ msgs: id, bytes: id }).partial().optional(),
});
const connectionsOf = <T extends z.ZodRawShape>(shape: T) =>
  z.object({ server, data: z.object({ connections: z.array(z.object({ cid: id, ...shape })) }) });
const listSchema = connectionsOf(user);
const sentSchema = connectionsOf({ in_msgs: id, in_bytes: id });
const claimsSchema = z.object({ name: z.string() });

const decoder = new TextDecoder();
const jsonOf = ({ data }: BrokerMessage): unknown => JSON.parse(decoder.decode(data));

/** Throws when the broker says something else. */
export function readCame(message: BrokerMessage): Came {
  const { server, client } = cameSchema.parse(jsonOf(message));
  return { server: server.id, id: client.id, principal: principalOf(client) };
}

/** Whose it was the id alone says: by which token he went is his own word. Throws when the broker says something else. */
export function readWent(message: BrokerMessage): Sent {
  const { client, sent } = wentSchema.parse(jsonOf(message));
  return { id: client.id, messages: sent?.msgs ?? 0, bytes: sent?.bytes ?? 0 };
}

/** Throws when the broker says something else. */
export function readList(message: BrokerMessage): Listed {
  const { server, data } = listSchema.parse(jsonOf(message));
  const connections = data.connections.map(({ cid, ...by }) => ({ id: cid, principal: principalOf(by) }));
  return { server: server.id, connections };
}

/** Throws when the broker says something else. */
export function readSent(message: BrokerMessage): readonly Sent[] {
  const { connections } = sentSchema.parse(jsonOf(message)).data;
  return connections.map((each) => ({ id: each.cid, messages: each.in_msgs, bytes: each.in_bytes }));
}

type User = { readonly jwt?: string | undefined; readonly tags?: readonly string[] | undefined };

/** As the cell named him in the token that he came with. */
function principalOf({ jwt, tags = [] }: User): Principal {
  const [, claims] = jwt?.split(".") ?? [];
  if (claims === undefined || !tags.some((tag) => tag === "client" || tag === "operator")) return undefined;
  try {
    return claimsSchema.parse(JSON.parse(Buffer.from(claims, "base64url").toString())).name;
  } catch {
    return undefined;
  }
}
