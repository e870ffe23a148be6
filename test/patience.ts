// What every test file waits by. A condition that holds after a second on a fast machine
// may take many on a busy one: only what never comes about is a failure.
import { vi } from "vitest";

const PATIENCE_MS = 20_000;

type Options = number | { readonly timeout?: number; readonly interval?: number };

const patient = (options: Options = {}) =>
  typeof options === "number" ? options : { timeout: PATIENCE_MS, ...options };

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, patient(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options));
