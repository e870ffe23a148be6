import { expect, test } from "vitest";
import type { SigningKey } from "../../../src/security/keys/signing-key.ts";
import {
  annCertificate,
  intakeOf,
  keyOf,
  keys,
  must,
  NOW,
  nodeBCertificate,
  SUBJECT,
  sealed,
  trustStore,
} from "../cell-fixture.ts";
import { end, follow, UNTIL } from "../rotation-fixture.ts";

const next = keyOf(90);
const rotated = follow(nodeBCertificate, keys.nodeB, next);
const fromFar = (key: SigningKey, id: number) =>
  sealed(
    {
      id: new Uint8Array(16).fill(id),
      source: { actor: "support/far", incarnation: undefined, sequence: 1 },
      replyInbox: "",
    },
    key,
  );

test("what a node sends again under its next key is begun once, also after the key before was removed", () => {
  const trust = trustStore();
  const intake = intakeOf({ trust });
  const send = (key: SigningKey, id: number) => {
    const subject = "cell0.v1.demo.in.b.support.triage";
    const [verdict] = intake.admit({ subject, data: fromFar(key, id), natsReply: undefined, nowUnixMs: NOW });
    return verdict?.kind === "refused" ? verdict.error.code : verdict?.kind;
  };
  expect(send(keys.nodeB, 1)).toBe("accepted");
  must(trust.add(rotated.bytes, NOW));
  expect([send(next, 1), send(keys.nodeB, 1)]).toEqual(["duplicate", "duplicate"]);
  expect([send(next, 2), send(keys.nodeB, 2)]).toEqual(["accepted", "duplicate"]);
  must(trust.add(end(rotated).bytes, NOW));
  expect([send(next, 1), send(next, 2), send(next, 3)]).toEqual(["duplicate", "duplicate", "accepted"]);
  expect(send(keys.nodeB, 4)).toBe("AUTHORITY_ISSUER_UNKNOWN");
  expect(UNTIL).toBeGreaterThan(NOW);
});

test("what a client signs again under its next key, or a thief under the one before, is begun once", () => {
  const trust = trustStore();
  const intake = intakeOf({ trust });
  const send = (key: SigningKey) => {
    const data = sealed({ id: new Uint8Array(16).fill(9) }, key);
    const [verdict] = intake.admit({ subject: SUBJECT, data, natsReply: undefined, nowUnixMs: NOW });
    return verdict?.kind === "refused" ? verdict.error.code : verdict?.kind;
  };
  must(trust.add(follow(annCertificate, keys.ann, next).bytes, NOW));
  expect([send(next), send(keys.ann), send(next)]).toEqual(["accepted", "duplicate", "duplicate"]);
});
