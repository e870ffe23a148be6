import { describe, expect, test } from "vitest";
import { chainBytes } from "../../../src/security/capability/chain.ts";
import { formatTokenFile, parseTokenFile } from "../../../src/security/capability/token-file.ts";
import { codeOf, must } from "../cell-fixture.ts";
import { rootChain } from "./token-fixture.ts";

const chain = rootChain();

describe("a capability's file", () => {
  test("is read as it was written, whatever stands around its block", () => {
    const text = formatTokenFile(chain);
    expect(text).toMatch(/^-----BEGIN CELL0 CAPABILITY-----\n[\w-]+\n------END CELL0 CAPABILITY------\n$/);
    for (const given of [text, `for ann\n${text}until Friday\n`, text.replaceAll("\n", "\r\n")]) {
      expect(chainBytes(must(parseTokenFile(given)))).toEqual(chainBytes(chain));
    }
  });

  test.each([
    ["no block", "nothing here"],
    ["two blocks", formatTokenFile(chain).repeat(2)],
    ["a block of other letters", formatTokenFile(chain).replace(/\n[\w-]+\n/, "\n!!!\n")],
    [
      "a block cut short",
      formatTokenFile(chain).replace(/\n([\w-]+)\n/, (_, line: string) => `\n${line.slice(0, -40)}\n`),
    ],
    ["40 KiB", `${formatTokenFile(chain)}${" ".repeat(40 * 1024)}`],
  ])("with %s is none", (_what, text) => {
    expect(codeOf(parseTokenFile(text))).toBe("CAPABILITY_MALFORMED");
  });
});
