import fc from "fast-check";
import { expect, test } from "vitest";
import { needlesOf, redactBytes, redactText } from "../../../../src/actors/kernel/tools/http/redact.ts";
import { processorMs } from "../../../measure.ts";

const SECRET = 'k3y"with/&=signs+and-more';
const needles = needlesOf([SECRET, `Bearer ${SECRET}`]);
const base64 = (text: string) => Buffer.from(text).toString("base64");

test.each([
  ["as it is", SECRET],
  ["with its format", `Bearer ${SECRET}`],
  ["in JSON", JSON.stringify({ token: SECRET })],
  ["in a URL", `https://evil.test/?k=${encodeURIComponent(SECRET)}`],
  [
    "wholly percent-encoded",
    [...Buffer.from(SECRET)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(""),
  ],
  ["in HTML", SECRET.replaceAll("&", "&amp;").replaceAll('"', "&quot;")],
  ["in base64", base64(SECRET)],
  ["in base64 after one byte", base64(`x${SECRET}`)],
  ["in base64 after two bytes", base64(`xy${SECRET}`)],
  ["in base64 within a text", base64(`name: ${SECRET}; more`)],
  ["in base64url", Buffer.from(SECRET).toString("base64url")],
  ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
  ["in upper-case hexadecimal", Buffer.from(SECRET).toString("hex").toUpperCase()],
])("a secret is taken out %s", (_, echoed) => {
  const clean = redactText(`before ${echoed} after`, needles);
  expect(clean).toContain("[secret]");
  expect(clean.startsWith("before ")).toBe(true);
  expect(clean.endsWith(" after")).toBe(true);
  expect(clean).not.toContain(echoed);
  // What stands for it decodes to nothing of it.
  expect(Buffer.from(clean, "base64").includes(SECRET.slice(3, 12))).toBe(false);
});

test("nothing of a secret is left in bytes of any kind, and the rest stays as it was", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, after) => {
      const clean = redactBytes(Buffer.concat([before, Buffer.from(SECRET), after]), needles);
      expect(clean.includes(SECRET)).toBe(false);
      expect(clean.subarray(0, before.length).equals(Buffer.from(before))).toBe(true);
      expect(clean.subarray(clean.length - after.length).equals(Buffer.from(after))).toBe(true);
    }),
  );
});

test("without a secret nothing is changed", () => {
  const bytes = Buffer.from([0, 255, 1, 254]);
  expect(redactBytes(bytes, needlesOf([])).equals(bytes)).toBe(true);
});

test("the largest body that a grant can allow does not hold up the node", () => {
  const body = Buffer.alloc(16 * 1024 * 1024, "Ab");
  const ms = processorMs(() => expect(redactBytes(body, needles).equals(body)).toBe(true));
  expect(ms).toBeLessThan(2_000);
});
