// Incarnations as records and events bear them, and their order.

export type Incarnation = { readonly term: bigint; readonly activation: bigint };

export const isAbove = (next: Incarnation, last: Incarnation): boolean =>
  next.term > last.term || (next.term === last.term && next.activation > last.activation);

export const shown = ({ term, activation }: Incarnation): string => `${term}.${activation}`;
