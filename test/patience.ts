// What every test file waits by. A condition that holds after a second on a fast machine
// may take many on a busy one: only what never comes about is a failure. A shorter limit of
// a test's own is raised to this; what must be fast is measured (see measure.ts).
import { vi } from "vitest";

const PATIENCE_MS = 20_000;

type Options = number | { readonly timeout?: number; readonly interval?: number };

const patient = (options: Options = {}) => {
  const { timeout = 0, ...more } = typeof options === "number" ? { timeout: options } : options;
  return { ...more, timeout: Math.max(timeout, PATIENCE_MS) };
};

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, patient(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options));
