// Grants of tools in words, one line each: for plans, reports and records.
import { formatDuration } from "./duration.ts";
import { formatSize } from "./size.ts";
import type { ExecGrant, FsGrant, HttpGrant, ToolsSpec } from "./tools.ts";

/** One line a grant; none when nothing is granted. */
export function toolLines(tools: ToolsSpec | undefined): readonly string[] {
  if (tools === undefined) return [];
  const grants = [...tools.http.map(httpText), ...tools.fs.map(fsText), ...tools.exec.flatMap(execTexts)];
  return grants.length === 0
    ? []
    : [...grants, `at most ${tools.concurrent} calls at once, ${tools.perMinute} a minute`];
}

export function httpText(grant: HttpGrant): string {
  const { hosts, methods, paths, maxBytes, timeoutMs, secret, privateAddresses, redirects } = grant;
  return [
    `http ${methods.join(",")} ${hosts.join(" ")} ${paths.join(" ")}`,
    ...(secret === undefined ? [] : [`secret ${secret.name} as ${secret.header}: ${secret.format}`]),
    ...(privateAddresses ? ["private addresses"] : []),
    ...(redirects === 0 ? [] : [`${redirects} redirects`]),
    `${formatSize(maxBytes)} in ${formatDuration(timeoutMs)}`,
  ].join(", ");
}

export function fsText({ name, path, access, maxBytes, quotaBytes }: FsGrant): string {
  return `fs ${access.join(",")} ${name} (${path}), ${formatSize(maxBytes)} a file, ${formatSize(quotaBytes)} in all`;
}

/** One line an argument list. */
export function execTexts(grant: ExecGrant): readonly string[] {
  return grant.args.map((_, index) => execText(grant, index));
}

export function execText(grant: ExecGrant, index: number): string {
  const { program, args, timeoutMs, maxOutputBytes, stdinBytes, env, network, cwd } = grant;
  const words = (args[index] ?? []).map((word) =>
    typeof word === "string" ? quoted(word) : `<${word.pattern}>`,
  );
  return [
    ["exec", program, ...words].join(" "),
    ...(cwd === undefined ? [] : [`in ${cwd}`]),
    ...(Object.keys(env).length === 0 ? [] : [`env ${JSON.stringify(env)}`]),
    ...(network ? ["network"] : []),
    ...(stdinBytes === 0 ? [] : [`stdin ${formatSize(stdinBytes)}`]),
    `${formatSize(maxOutputBytes)} in ${formatDuration(timeoutMs)}`,
  ].join(", ");
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word));
