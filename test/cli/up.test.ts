import { describe, expect, it } from "vitest";
import { run } from "./fake-terminal.ts";

describe("up", () => {
  it.each([
    ["a listener for browsers without the pages that may use it", ["--websocket", "8080"]],
    ["pages that may use a listener that is not there", ["--websocket-origin", "http://localhost:8080"]],
    ["any page whatsoever", ["--websocket", "8080", "--websocket-origin", "*"]],
    ["an origin with a path", ["--websocket", "8080", "--websocket-origin", "http://localhost/a"]],
    ["an origin that is none", ["--websocket", "8080", "--websocket-origin", "localhost:8080"]],
    ["a port that is none", ["--websocket", "-1", "--websocket-origin", "http://localhost:8080"]],
  ])("refuses %s before anything starts", async (_what, options) => {
    const { exitCode, err, out } = await run(["up", ...options]);
    expect(err).toMatch(/^CLI_USAGE/);
    expect([exitCode, out]).toEqual([2, ""]);
  });
});
