/** Whether names stand in their order, each once. */
export const isAscending = (names: readonly string[]): boolean =>
  names.every((name, at) => at === 0 || (names[at - 1] ?? "") < name);
