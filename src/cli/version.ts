// `cell0 version`
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Command } from "commander";
import { locateCore, packageRoot, packageVersion } from "../runtime/package-info.ts";
import { CORE_PROTOCOL } from "../transport/core/protocol.ts";
import { documented } from "./documented.ts";
import { exitCodes } from "./exit-codes.ts";
import { action } from "./session.ts";

export function registerVersion(program: Command): void {
  const command = program
    .command("version")
    .description("Show the versions of this package, of Node, of the Rust core and of nats-server, as found.")
    .action(
      action(async (context) => {
        const { env } = context.terminal;
        const [core, broker] = await Promise.all([coreVersion(env), brokerVersion(env)]);
        const report = {
          cell0: packageVersion,
          protocol: CORE_PROTOCOL,
          node: process.versions.node,
          core: core ?? null,
          natsServer: broker ?? null,
        };
        context.print(
          [
            `cell0        ${report.cell0}`,
            `protocol     ${report.protocol}`,
            `node         ${report.node}`,
            `cell0-core   ${core ?? "not found"}`,
            `nats-server  ${broker ?? "not found"}`,
          ].join("\n"),
        );
        context.printJson(report);
        return exitCodes.ok;
      }),
    );
  documented(command, { examples: [["cell0 version --json", "the same as JSON"]], exits: [] });
}

/** Undefined when it is not there or does not run. */
export async function coreVersion(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(locateCore(env), ["--version"], { timeout: 5_000 });
    return /(\d+\.\d+\.\d+[\w.+-]*)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

export async function brokerVersion(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { locateBroker } = await import("../transport/broker/locate.ts");
    return (await locateBroker({ env, packageRoot })).version;
  } catch {
    return undefined;
  }
}
