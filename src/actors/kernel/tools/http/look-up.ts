// Look-ups of names by the operating system, few at a time: each holds one of the threads
// that the whole process does its file work by, and cannot be called off. However many
// names hang, files are read and written meanwhile; further look-ups wait for their turn,
// each as long as its call lasts.

/** Of Node's four threads. */
export const MAX_LOOK_UPS = 2;

export type LookUp = (name: string) => Promise<readonly string[]>;

/** Of at most `most` at a time; one whose call is over before its turn is not begun. */
export function fewAtATime(
  lookUp: LookUp,
  most = MAX_LOOK_UPS,
): (name: string, signal: AbortSignal) => Promise<readonly string[]> {
  let underWay = 0;
  const waiting = new Set<() => void>();
  const turn = async (signal: AbortSignal): Promise<void> => {
    if (underWay < most) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add(resolve);
    const over = () => waiting.delete(resolve);
    signal.addEventListener("abort", over, { once: true });
    await promise;
    signal.removeEventListener("abort", over);
  };
  return async (name, signal) => {
    while (underWay >= most) await turn(signal);
    underWay += 1;
    try {
      return await lookUp(name);
    } finally {
      underWay -= 1;
      const [next] = waiting;
      if (next !== undefined) {
        waiting.delete(next);
        next();
      }
    }
  };
}
