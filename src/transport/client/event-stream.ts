// The cell's events as they happen. The broker lets only nodes publish them,
// each its own, in groups; they are not signed one by one.
import { fromBinary } from "@bufbuild/protobuf";
import { CellError } from "../../errors/cell-error.ts";
import { type Event, EventGroupSchema } from "../../gen/cell0/v1/events_pb.ts";
import type { BrokerConnection } from "../connection.ts";
import { eventFilter } from "../subjects.ts";
import { BoundedQueue } from "./bounded-queue.ts";

export type EventFilter = {
  /** Of one node. */
  readonly node?: string;
  /** Of one kind, e.g. "actorCrashed". */
  readonly kind?: string;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
};

/** Events that wait for a slow reader; beyond that, new ones are dropped and told to `onProblem`. */
const MAX_WAITING = 16_384;

/**
 * Events from now on; of one node in order. Ends when the reader stops, the
 * signal aborts or the connection is closed; throws BROKER_PERMISSION_DENIED.
 */
export function followEvents(
  connection: BrokerConnection,
  cell: string,
  filter: EventFilter,
  onProblem: (error: CellError) => void,
): AsyncIterableIterator<Event> {
  const subject = eventFilter(cell, filter);
  let dropped = 0;
  const queue = new BoundedQueue<Event>(MAX_WAITING, () => subscription.unsubscribe());
  const take = (event: Event): void => {
    if (queue.push(event)) return;
    dropped += 1;
    if (dropped % MAX_WAITING !== 1) return;
    const what = `${dropped} events dropped: they are read too slowly`;
    onProblem(new CellError("BROKER_OVERLOADED", what, { where: subject }));
  };
  const subscription = connection.subscribe(subject, ({ data }) => {
    const events = decodeGroup(data);
    if (events === undefined) {
      onProblem(new CellError("CAPSULE_MALFORMED", "a group of events cannot be read", { where: subject }));
    } else events.forEach(take);
  });
  void subscription.closed.then((error) => queue.end(error));
  const stop = (): void => {
    subscription.unsubscribe();
    queue.end();
  };
  filter.signal?.addEventListener("abort", stop, { once: true });
  if (filter.signal?.aborted === true) stop();
  return queue;
}

function decodeGroup(data: Uint8Array): readonly Event[] | undefined {
  try {
    return fromBinary(EventGroupSchema, data).events;
  } catch {
    return undefined;
  }
}
