import { join } from "node:path";
import { expect, it } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { renderReference } from "../../src/cli/reference.ts";
import { fakeTerminal } from "./fake-terminal.ts";

it("docs/cli.md is what the command definitions say; `vitest -u` writes it", async () => {
  const program = await buildProgram(fakeTerminal().terminal, () => true);
  const file = join(import.meta.dirname, "..", "..", "docs", "cli.md");
  await expect(renderReference(program)).toMatchFileSnapshot(file);
});
