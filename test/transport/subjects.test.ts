import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as subjects from "../../src/transport/subjects.ts";

const token = fc.stringMatching(/^[a-z0-9-]{1,63}$/);
const path = fc
  .array(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { minLength: 1, maxLength: 8 })
  .map((tokens) => tokens.join("/"));

describe("subjects", () => {
  it("name the same cell, principal and path when parsed as when made", () => {
    fc.assert(
      fc.property(token, token, path, (cell, principal, target) => {
        expect(subjects.parseIntentSubject(subjects.intentSubject(cell, principal, target))).toEqual({
          ok: true,
          value: { cell, principal, target },
        });
      }),
    );
  });

  it("are never parsed from arbitrary text as anything but a coded error", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((rest) => `cell0.v1.c.in.p.${rest}`),
        ),
        (text) => {
          const parsed = subjects.parseIntentSubject(text);
          if (parsed.ok)
            expect(
              subjects.intentSubject(parsed.value.cell, parsed.value.principal, parsed.value.target),
            ).toBe(text);
          else expect(parsed.error.code).toBe("BROKER_SUBJECT_INVALID");
        },
      ),
    );
  });

  it.each(["", "A", "a.b", "a b", "*", ">", "a>", "x".repeat(64), "ü"])(
    "cannot be made with the name %j",
    (bad) => {
      const makers = [
        () => subjects.intentSubject(bad, "p", "a"),
        () => subjects.intentSubject("c", bad, "a"),
        () => subjects.inboxPrefix("c", bad),
        () => subjects.trustSubject("c", bad),
        () => subjects.eventSubject("c", bad, "sent"),
        () => subjects.trustStreamName(bad),
      ];
      for (const make of makers)
        expect(make).toThrow(expect.objectContaining({ code: "BROKER_SUBJECT_INVALID" }));
    },
  );

  it.each(["", "/a", "a/", "a//b", "a/*", "a/>", "a.b", "1/2/3/4/5/6/7/8/9"])(
    "cannot be made with the path %j",
    (bad) => {
      expect(() => subjects.actorIntents("c", bad)).toThrow(
        expect.objectContaining({ code: "BROKER_SUBJECT_INVALID" }),
      );
    },
  );

  it("filter events by node and kind", () => {
    expect(subjects.eventFilter("c")).toBe("cell0.v1.c.events.>");
    expect(subjects.eventFilter("c", { node: "a" })).toBe("cell0.v1.c.events.a.>");
    expect(subjects.eventFilter("c", { kind: "sent" })).toBe("cell0.v1.c.events.*.sent");
    expect(subjects.eventFilter("c", { node: "a", kind: "sent" })).toBe("cell0.v1.c.events.a.sent");
  });

  it.each([
    ["cell0.v1.c.inbox.alice.x.1", true],
    ["_INBOX.abc", true],
    ["_INBOX_alice.abc", true],
    ["cell0.v1.other.inbox.alice.x.1", false],
    ["cell0.v1.c.revisions", false],
    ["cell0.v1.c.trust.alice", false],
    ["cell0.v1.c.in.a.kernel.graph", false],
    ["$JS.API.STREAM.CREATE.X", false],
    ["$SRV.PING", false],
    ["cell0.v1.c.inbox.alice.>", false],
    ["", false],
  ])("say whether a node may answer on %j: %s", (subject, answerable) => {
    expect(subjects.isAnswerable("c", subject)).toBe(answerable);
  });
});
