// Reading and comparing the versions that tools print.

/** @typedef {readonly [major: number, minor: number, patch: number]} Version */

/**
 * The first `1.2` or `1.2.3` in a text such as "nats-server: v2.15.2".
 * @param {string} text
 * @returns {Version | undefined}
 */
export function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/**
 * @param {Version} version
 * @param {Version} least
 */
export function atLeast(version, least) {
  for (const index of /** @type {const} */ ([0, 1, 2])) {
    if (version[index] !== least[index]) return version[index] > least[index];
  }
  return true;
}

/** @param {Version} version */
export function formatVersion(version) {
  return version.join(".");
}
