/** How far the clocks of two machines of a cell may differ, in milliseconds. */
export const MAX_CLOCK_SKEW_MS = 5_000;
