// On what a drill's figures were taken: a machine by its size, never by its name.
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import process from "node:process";
import { locateCore, packageRoot, packageVersion } from "../runtime/package-info.ts";
import { locateBroker } from "../transport/broker/locate.ts";

export type Machine = {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly processor: string;
  readonly platform: string;
  /** Load average of the last minute before the drill: other work makes its figures worse. */
  readonly loadBefore: number;
};

export type Versions = { readonly cell0: string; readonly node: string; readonly broker: string };

export const machine = (): Machine => ({
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  processor: cpus()[0]?.model ?? "unknown",
  platform: `${process.platform} ${process.arch}`,
  loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
});

/** Throws what keeps a cell from starting here: BROKER_MISSING, BROKER_TOO_OLD, CORE_MISSING. */
export async function versions(): Promise<Versions> {
  locateCore(process.env);
  const broker = await locateBroker({ packageRoot });
  return { cell0: packageVersion, node: process.versions.node, broker: `nats-server ${broker.version}` };
}
