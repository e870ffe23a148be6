// A whole fetch: request, redirects, answer. Every hop is authorised anew, by its
// own URL and method, and resolved and judged anew; a secret goes to the origin that
// the actor asked for, and to no other.
import { CellError } from "../../../../errors/cell-error.ts";
import type { Result } from "../../../../errors/result.ts";
import type { HttpGrant } from "../../../../manifest/tools.ts";
import { encodeContent } from "../contents.ts";
import type { HttpRequest, HttpResponse } from "../contract.ts";
import type { Deed } from "../tool-call.ts";
import { connectTo, type NetPorts } from "./connect.ts";
import { exchange, type Incoming, type Outgoing } from "./exchange.ts";
import { secretValue, withoutPersonal } from "./header-policy.ts";
import { type Needles, needlesOf, redactBytes, redactText } from "./redact.ts";
import { nextStep } from "./redirect-policy.ts";
import { findGrant } from "./url-policy.ts";

export type FetchPorts = {
  readonly net: NetPorts;
  /** Throws CELL_SECRET_UNKNOWN. */
  readonly secret: (name: string) => Promise<string>;
};

export type Fetch = {
  readonly actor: string;
  readonly grants: readonly HttpGrant[];
  /** That allows the first request; its bounds hold for all of it. */
  readonly grant: HttpGrant;
  readonly first: Outgoing;
  readonly as: HttpRequest["as"];
};

export async function performFetch(
  fetch: Fetch,
  ports: FetchPorts,
  signal: AbortSignal,
): Promise<Deed<HttpResponse>> {
  const secret = await secretOf(fetch.grant, ports);
  const needles = needlesOf(secret === undefined ? [] : [secret.raw, secret.value]);
  try {
    return await follow(fetch, { secret, needles }, ports, signal);
  } catch (error) {
    throw error instanceof CellError ? withoutSecret(error, needles) : error;
  }
}

type Kept = { readonly secret: PutIn | undefined; readonly needles: Needles };

async function follow(
  { actor, grants, grant, first, as }: Fetch,
  { secret, needles }: Kept,
  ports: FetchPorts,
  signal: AbortSignal,
): Promise<Deed<HttpResponse>> {
  let outgoing = secret === undefined ? first : withHeader(first, secret.header, secret.value);
  let hopGrant = grant;
  let bytesOut = 0;
  for (let redirects = 0; ; redirects += 1) {
    const socket = await connectTo(outgoing.url, hopGrant, ports.net, signal);
    const incoming = await exchange(socket, outgoing, grant.maxBytes, signal);
    bytesOut += outgoing.body?.length ?? 0;
    const { status, headers } = incoming;
    const step = grant.redirects === 0 ? undefined : orThrow(nextStep(outgoing, status, headers.location));
    if (step === undefined) return deedOf(incoming, outgoing.url, { needles, as, redirects, bytesOut });
    if (redirects >= grant.redirects) {
      throw new CellError("TOOL_REDIRECT_REFUSED", `there are more than ${grant.redirects} redirects`);
    }
    if (redactText(step.url.href, needles) !== step.url.href) {
      throw new CellError("TOOL_REDIRECT_REFUSED", "the redirect's address carries the secret");
    }
    hopGrant = orThrow(findGrant(actor, grants, step.method, step.url));
    // It belongs to one grant at one origin; who is sent away from there does not take it along.
    const keepsSecret = !step.leavesOrigin && hopGrant === grant;
    const own = keepsSecret ? outgoing.headers : withoutHeader(outgoing.headers, secret?.header);
    const kept = step.leavesOrigin ? withoutPersonal(own) : own;
    outgoing = {
      method: step.method,
      url: step.url,
      headers: step.keepsBody ? kept : withoutHeader(kept, "content-type"),
      body: step.keepsBody ? outgoing.body : undefined,
    };
  }
}

/** What a server sends may have become part of an error. */
function withoutSecret({ code, message, remedy, where }: CellError, needles: Needles): CellError {
  return new CellError(code, redactText(message, needles), {
    remedy: redactText(remedy, needles),
    ...(where === undefined ? {} : { where }),
  });
}

type PutIn = { readonly header: string; readonly raw: string; readonly value: string };

async function secretOf({ secret }: HttpGrant, ports: FetchPorts): Promise<PutIn | undefined> {
  if (secret === undefined) return undefined;
  const raw = await ports.secret(secret.name).catch((cause: unknown) => {
    throw new CellError("TOOL_SECRET_UNUSABLE", `this node has no readable secret \`${secret.name}\``, {
      cause,
    });
  });
  return { header: secret.header, raw, value: orThrow(secretValue(secret, raw)) };
}

const withHeader = (outgoing: Outgoing, name: string, value: string): Outgoing => ({
  ...outgoing,
  headers: new Map([...outgoing.headers, [name, value]]),
});

const withoutHeader = (
  headers: ReadonlyMap<string, string>,
  name: string | undefined,
): ReadonlyMap<string, string> => new Map([...headers].filter(([each]) => each !== name));

function deedOf(
  { status, headers, body }: Incoming,
  url: URL,
  answer: {
    readonly needles: Needles;
    readonly as: HttpRequest["as"];
    readonly redirects: number;
    readonly bytesOut: number;
  },
): Deed<HttpResponse> {
  const { needles, as, redirects, bytesOut } = answer;
  const clean = Object.entries(headers).map(([name, value]) => [
    redactText(name, needles),
    redactText(value, needles),
  ]);
  const reply = {
    status,
    url: redactText(url.href, needles),
    headers: Object.fromEntries(clean),
    ...encodeContent(redactBytes(body, needles), as),
    redirects,
  };
  return { reply, outcome: String(status), bytesIn: body.length, bytesOut };
}

function orThrow<T>(result: Result<T, CellError>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
