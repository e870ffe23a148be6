// The way back to who sent a journaled intent, as commits hold it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { inboxAddress, LocalReturns, responderOf } from "../../../src/runtime/durable/return-address.ts";
import type { RequestRef } from "../../../src/security/intake/verdict.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const request: fc.Arbitrary<RequestRef> = fc.record({
  issuer: bytes(32),
  id: bytes(16),
  rootId: bytes(16),
  hash: bytes(32),
  intent: fc.constantFrom("greet", "ticket.open"),
  deadlineUnixMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  priority: fc.constantFrom("critical", "high", "normal", "low"),
  traceparent: fc.constantFrom("", `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`),
});
const INBOX = "cell0.v1.local.inbox.ada.x.replies";

/** Where a reply to this address would go. */
function wayOf(address: Parameters<typeof responderOf>[1], index = 3) {
  const ways: unknown[] = [];
  const toInbox = (...way: unknown[]) => {
    ways.push(way);
    return () => undefined;
  };
  responderOf({ toInbox, local: new LocalReturns() }, address, index);
  return ways;
}

test("an address leads back to the request and the inbox that it was made of", () => {
  fc.assert(
    fc.property(request, (each) => {
      const address = JSON.parse(JSON.stringify(inboxAddress(each, INBOX)));
      const [way] = wayOf(address);
      const plain = (ref: RequestRef) => ({
        ...ref,
        ...{ issuer: [...ref.issuer], id: [...ref.id], rootId: [...ref.rootId], hash: [...ref.hash] },
      });
      const [ref, inbox, index] = way as [RequestRef, string, number];
      expect([plain(ref), inbox, index]).toEqual([plain(each), INBOX, 3]);
    }),
  );
});

test("nobody is answered where nobody waits, or where the address cannot be read", () => {
  const [one] = fc.sample(request, 1);
  if (one === undefined) throw new Error("no request");
  expect(inboxAddress(one, undefined)).toBeNull();
  const whole = inboxAddress(one, INBOX) as { readonly request: string };
  for (const broken of ["", "x", whole.request.slice(1), `${whole.request} more`]) {
    expect(wayOf({ ...whole, request: broken })).toEqual([]);
  }
  expect(wayOf(null)).toEqual([]);
});
