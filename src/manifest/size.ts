// Sizes as people write them: a number and a unit, decimal (KB) or binary (KiB).

const UNITS = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
} as const;
type Unit = keyof typeof UNITS;

/** `64MiB`, `10KB`, `512B`. */
export const SIZE_PATTERN = /^(0|[1-9]\d{0,8})(\.\d{1,3})?(B|KB|MB|GB|KiB|MiB|GiB)$/;

/** Whole bytes; undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE_PATTERN.exec(text);
  if (match === null) return undefined;
  const bytes = Number(`${match[1]}${match[2] ?? ""}`) * UNITS[match[3] as Unit];
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined;
}

/** The shortest text that parses to the same: 67108864 -> `64MiB`. */
export function formatSize(bytes: number): string {
  const largest = Object.entries(UNITS).sort(([, a], [, b]) => b - a);
  const [name, size] = largest.find(([, unit]) => bytes > 0 && bytes % unit === 0) ?? ["B", 1];
  return `${bytes / size}${name}`;
}
