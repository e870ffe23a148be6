import { describe, expect, it } from "vitest";
import { resolveSecrets, secretNames } from "../../src/security/secret-references.ts";

const read = async (name: string) => `<${name}>`;

describe("references to secrets", () => {
  it("are found and replaced wherever they stand in an input", async () => {
    const input = {
      apiKey: { $secret: "api" },
      list: [1, { deep: { $secret: "db" } }],
      again: { $secret: "api" },
      plain: "api",
    };
    expect(secretNames(input)).toEqual(["api", "db"]);
    expect(await resolveSecrets(input, read)).toEqual({
      apiKey: "<api>",
      list: [1, { deep: "<db>" }],
      again: "<api>",
      plain: "api",
    });
  });

  it("are not looked for in a secret's value", async () => {
    expect(await resolveSecrets({ a: { $secret: "x" } }, async () => '{"$secret":"y"}')).toEqual({
      a: '{"$secret":"y"}',
    });
  });

  it.each([
    ["other keys beside it", { $secret: "a", default: "b" }],
    ["a name that is no text", { $secret: 1 }],
    ["nothing in it", { $secret: null }],
  ])("are refused with %s", async (_what, input) => {
    await expect(resolveSecrets({ input }, read)).rejects.toMatchObject({ code: "CELL_SECRET_NAME_INVALID" });
  });

  it("leave an input without any as it is", async () => {
    const input = { a: [null, true, 1, "x", { b: {} }] };
    expect(await resolveSecrets(input, read)).toEqual(input);
  });
});
