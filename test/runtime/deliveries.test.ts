import { expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { err, ok } from "../../src/errors/result.ts";
import { createDeliveries, type SealTicket } from "../../src/runtime/deliveries.ts";
import { ReplayWindow } from "../../src/security/replay/replay-window.ts";
import { intakeOf, NOW, nextId, SUBJECT, sealed } from "../security/cell-fixture.ts";

test("a capsule that was refused and then begun keeps no refusal as its reply", () => {
  const replay = new ReplayWindow();
  const intake = intakeOf({ replay });
  const tickets: SealTicket[] = [];
  let full = true;
  const deliveries = createDeliveries({
    maker: { nextId, tick: () => ({ unixMs: NOW, counter: 0 }) },
    sealer: { seal: (_inbox, _capsule, ticket) => tickets.push(ticket), flush: () => {} },
    replay,
    publish: () => {},
    toActor: () => (full ? err(new CellError("ACTOR_MAILBOX_FULL")) : ok({ mailboxDepth: 1 })),
    refusesWork: () => undefined,
    record: () => {},
  });
  const arrival = { subject: SUBJECT, data: sealed(), natsReply: undefined, nowUnixMs: NOW };
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  full = false;
  for (const verdict of intake.admit(arrival)) deliveries.take(verdict);
  // Sealed at the end of the turn, when the second copy has been begun already.
  for (const ticket of tickets)
    if (ticket.kind === "reply") replay.storeReply(ticket.issuer, ticket.id, new Uint8Array(1), ticket.final);
  expect(intake.admit(arrival)).toMatchObject([{ kind: "duplicate", state: "pending" }]);
});
