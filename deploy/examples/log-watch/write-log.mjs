// Plays a web server: appends access.sample.log to access.log, some lines at a time.
// Usage: node write-log.mjs [lines a second, default 500]
import { appendFileSync, readFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const lines = readFileSync(new URL("access.sample.log", here), "utf8").split("\n").filter(Boolean);
const perTick = Math.max(1, Math.round(Number(process.argv[2] ?? 500) / 20));
let at = 0;
const timer = setInterval(() => {
  appendFileSync(
    new URL("access.log", here),
    lines
      .slice(at, at + perTick)
      .map((line) => `${line}\n`)
      .join(""),
  );
  at += perTick;
  if (at >= lines.length) {
    clearInterval(timer);
    console.log(`${lines.length} lines written`);
  }
}, 50);
