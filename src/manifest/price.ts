// Prices of intents in the cell's unit of cost, kept as whole millionths of it.

const MICRO = 1_000_000;
/** So that each price with six decimals is told apart from its neighbours. */
export const MAX_PRICE = 1_000_000_000;

/** Whole millionths; undefined when it has more than six decimals, or is not from 0 to a thousand million. */
export function toMicro(price: number): number | undefined {
  const micro = Math.round(price * MICRO);
  return price >= 0 && price <= MAX_PRICE && micro / MICRO === price ? micro : undefined;
}

/** The shortest text that says it: 250000 -> `0.25`. */
export function formatMicro(micro: number): string {
  const whole = Math.floor(micro / MICRO);
  const rest = String(micro % MICRO)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return rest === "" ? String(whole) : `${whole}.${rest}`;
}
