// Names and grants remember what they found last; that never changes a verdict.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Grant, grantAllows } from "../../src/security/grants/grants.ts";
import { isActorPath, isIntentType } from "../../src/security/names.ts";

const text = fc.oneof(
  fc.constantFrom("", "a/b", "a//b", "A/b", "a.b", "a..b", "kernel/a", "x".repeat(64), "a/b/"),
  fc.string({ maxLength: 12 }),
);

test("a name is one whatever was asked before", () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), text, (before, asked) => {
      for (const each of before) isActorPath(each) && isIntentType(each);
      for (const each of before) isIntentType(each);
      expect(isActorPath(asked)).toBe(/^[a-z0-9-]{1,63}(\/[a-z0-9-]{1,63}){0,7}$/.test(asked));
      expect(isIntentType(asked)).toBe(/^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,7}$/.test(asked));
    }),
  );
});

test("a grant allows the same whatever it allowed before", () => {
  const grants = (): readonly Grant[] => [{ intents: ["greet", "a.*"], targets: ["hello/*", "**"] }];
  const asked = fc.tuple(
    fc.constantFrom("greet", "a.b", "b"),
    fc.constantFrom("hello/x", "kernel/x", "", "q"),
  );
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 12 }), (all) => {
      const kept = grants();
      for (const [intent, target] of all) {
        expect(grantAllows(kept, intent, target)).toBe(grantAllows(grants(), intent, target));
      }
    }),
  );
});
