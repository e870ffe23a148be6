// What follows a response that points elsewhere (RFC 9110, section 15.4).
import { CellError } from "../../../../errors/cell-error.ts";
import { err, ok, type Result } from "../../../../errors/result.ts";
import type { HttpMethod } from "../../../../manifest/tools.ts";
import { parseUrl } from "./url-policy.ts";

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export type Step = {
  readonly url: URL;
  readonly method: HttpMethod;
  readonly keepsBody: boolean;
  /** Another scheme, host or port: no secret and nothing personal goes along. */
  readonly leavesOrigin: boolean;
};

/** Undefined: the response is the answer. The step is not authorised yet. */
export function nextStep(
  from: { readonly url: URL; readonly method: HttpMethod },
  status: number,
  location: string | undefined,
): Result<Step | undefined, CellError> {
  if (!REDIRECTS.includes(status) || location === undefined) return ok(undefined);
  const url = parseUrl(location, from.url);
  if (!url.ok) return err(new CellError("TOOL_REDIRECT_REFUSED", `of the redirect, ${url.error.message}`));
  const becomesGet =
    (status === 303 && from.method !== "HEAD") ||
    ((status === 301 || status === 302) && from.method === "POST");
  return ok({
    url: url.value,
    method: becomesGet ? "GET" : from.method,
    keepsBody: !becomesGet,
    leavesOrigin: url.value.origin !== from.url.origin,
  });
}
