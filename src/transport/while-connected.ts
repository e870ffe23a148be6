// What waits for the broker's answer, and the connection: an answer that was under way
// when the connection was lost never comes, so that nobody waits for its time to run out.
// Questions that may be asked twice are asked again once the broker is back.
import { CellError } from "../errors/cell-error.ts";
import type { BrokerConnection } from "./connection.ts";
import { reconnectDelayMs } from "./dial.ts";

export type Waits = Pick<BrokerConnection, "isConnected" | "onStatus">;

/** Rejects with BROKER_UNREACHABLE as soon as the connection is lost, and at once while there is none. */
export function unlessLost<T>(connection: Waits, where: string, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = () =>
      reject(new CellError("BROKER_UNREACHABLE", "the connection to the broker was lost", { where }));
    if (!connection.isConnected()) return lost();
    const unlisten = connection.onStatus(({ state }) => {
      if (state !== "connected") lost();
    });
    ask().then(resolve, reject).finally(unlisten);
  });
}

/**
 * Asks, and asks again when the connection was lost meanwhile: only for what may be asked twice.
 * @param withinMs how long the broker may be away, from the call on; then BROKER_UNREACHABLE
 */
export async function onceConnected<T>(
  connection: Waits,
  where: string,
  withinMs: number,
  ask: () => Promise<T>,
): Promise<T> {
  const untilMs = performance.now() + withinMs;
  for (let attempt = 0; ; attempt += 1) {
    await untilConnected(connection, untilMs - performance.now());
    try {
      return await unlessLost(connection, where, ask);
    } catch (error) {
      const isLost = error instanceof CellError && error.code === "BROKER_UNREACHABLE";
      const leftMs = untilMs - performance.now();
      if (!isLost || leftMs <= 0) throw error;
      await wait(Math.min(leftMs, reconnectDelayMs(attempt)));
    }
  }
}

/** Resolves when the connection stands, at the latest after so long. */
function untilConnected(connection: Waits, withinMs: number): Promise<void> {
  if (connection.isConnected() || withinMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      unlisten();
      resolve();
    };
    const timer = setTimeout(end, withinMs);
    const unlisten = connection.onStatus(({ state }) => {
      if (state === "connected" || state === "closed") end();
    });
  });
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
