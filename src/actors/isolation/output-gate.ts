// Reads what a worker or process prints, at a bounded rate: beyond it nothing is
// read for a moment, so that who prints without end waits, and not the node.
import type { Readable } from "node:stream";
import { Budget } from "./budget.ts";

const BYTES_PER_SECOND = 1024 * 1024;
const BURST_BYTES = 4 * 1024 * 1024;

export class OutputGate {
  onText: (text: string) => void = () => {};

  constructor(stream: Readable) {
    const budget = new Budget(BYTES_PER_SECOND, BURST_BYTES, performance.now());
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      this.onText(text);
      const waitMs = budget.charge(text.length, performance.now());
      if (waitMs === 0) return;
      stream.pause();
      setTimeout(() => stream.resume(), waitMs).unref();
    });
    // A stream that breaks has nothing more to say.
    stream.on("error", () => {});
  }
}
