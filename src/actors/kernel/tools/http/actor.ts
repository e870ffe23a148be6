// `kernel/<node>/http`: HTTP requests in the name of actors, each by its grants.
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import { httpText } from "../../../../manifest/tool-text.ts";
import type { ToolsSpec } from "../../../../manifest/tools.ts";
import { serveActor } from "../../../serve.ts";
import { decodeContent } from "../contents.ts";
import { type HttpRequest, type HttpResponse, httpIntents } from "../contract.ts";
import { type Allowed, callTool, type ToolPorts } from "../tool-call.ts";
import { type FetchPorts, performFetch } from "./fetch.ts";
import { checkHeaders } from "./header-policy.ts";
import { findGrant, parseUrl, shownUrl } from "./url-policy.ts";

export type HttpToolPorts = ToolPorts & FetchPorts;

/** Calls of all actors at once; further ones wait. */
const CONCURRENCY = 256;

export const httpTool = serveActor<HttpToolPorts, typeof httpIntents>({
  intents: httpIntents,
  concurrency: CONCURRENCY,
  handlers: {
    "http.fetch": (request, meta, { input, signal }) =>
      callTool(input, meta, signal, {
        tool: "http.fetch",
        asked: `${request.method} ${shownUrl(request.url)}`,
        decide: ({ http }) => decideFetch(meta.source, http, request, input),
      }),
  },
});

/** Pure: connects to nothing. */
export function decideFetch(
  actor: string,
  grants: ToolsSpec["http"],
  request: HttpRequest,
  ports: FetchPorts,
): Result<Allowed<HttpResponse>, CellError> {
  const { method, as } = request;
  const url = parseUrl(request.url);
  if (!url.ok) return url;
  const found = findGrant(actor, grants, method, url.value);
  if (!found.ok) return found;
  const grant = found.value;
  const headers = checkHeaders(request.headers, grant.secret);
  if (!headers.ok) return headers;
  const body = request.body === undefined ? ok(undefined) : decodeContent(request.body, request.bodyEncoding);
  if (!body.ok) return body;
  if ((body.value?.length ?? 0) > grant.maxBytes) {
    return err(new CellError("TOOL_TOO_LARGE", `the body has more than ${grant.maxBytes} bytes`));
  }
  if (body.value !== undefined && (method === "GET" || method === "HEAD")) {
    return err(new CellError("TOOL_REQUEST_INVALID", `a ${method} request has no body`));
  }
  const first = { method, url: url.value, headers: headers.value, body: body.value };
  return ok({
    grant: httpText(grant),
    timeoutMs: grant.timeoutMs,
    perform: (signal) => performFetch({ actor, grants, grant, first, as }, ports, signal),
  });
}
