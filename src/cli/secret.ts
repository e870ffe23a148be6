// `cell0 secret set|list|rm`
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { MAX_SECRET_BYTES, openSecrets, type SecretStore } from "../security/secrets.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { formatTime } from "./duration.ts";
import { exitCodes } from "./exit-codes.ts";
import { readAll } from "./payload-input.ts";
import { renderTable } from "./render/table.ts";
import { action } from "./session.ts";

export function registerSecret(program: Command): void {
  const secret = program
    .command("secret")
    .description(
      "Values that manifests refer to as { $secret: NAME }; the node puts them in when an actor starts.",
    );
  const set = secret
    .command("set")
    .description(
      "Keep a secret, or replace it. The value comes from standard input, or is asked for without echo.",
    )
    .argument("<name>", "name, 1 to 63 of a-z, 0-9 and '-'")
    .action(
      action(async (context, name: string) => {
        const secrets = await storeOf(context);
        await secrets.set(name, await readValue(context, name));
        context.print(`Kept ${name}. An actor that runs gets it at its next start: cell0 restart PATH`);
        context.printJson({ name, kept: true });
        return exitCodes.ok;
      }),
    );
  documented(set, {
    examples: [
      ["cell0 secret set api-key", "asks for it"],
      ["cell0 secret set api-key < key.txt", "from a file; its last end of line is dropped"],
    ],
    exits: ["unreachable"],
  });
  const list = secret
    .command("list")
    .description("List names, never values.")
    .action(
      action(async (context) => {
        const rows = await (await storeOf(context)).list();
        context.print(
          renderTable(
            rows,
            [
              { title: "NAME", value: ({ name }) => name },
              { title: "CHANGED (UTC)", value: ({ updatedUnixMs }) => formatTime(updatedUnixMs) },
            ],
            context.colors,
          ),
        );
        context.printJson(rows);
        return exitCodes.ok;
      }),
    );
  documented(list, { examples: [["cell0 secret list", "which there are"]], exits: ["unreachable"] });
  const remove = secret
    .command("rm")
    .description("Remove a secret.")
    .argument("<name>")
    .action(
      action(async (context, name: string) => {
        if (!(await (await storeOf(context)).remove(name))) {
          throw new CellError("CELL_SECRET_UNKNOWN", `there is no secret "${name}"`, {
            where: context.dir.secrets,
            remedy: "List them with `cell0 secret list`.",
          });
        }
        context.print(`Removed ${name}.`);
        context.printJson({ name, removed: true });
        return exitCodes.ok;
      }),
    );
  documented(remove, {
    examples: [["cell0 secret rm api-key", "remove it"]],
    exits: ["refused", "unreachable"],
  });
  documented(secret, {
    examples: [["cell0 secret set api-key", "asks for the value"]],
    exits: ["refused", "unreachable"],
  });
}

async function storeOf({ dir }: Context): Promise<SecretStore> {
  await readCellConfig(dir);
  return openSecrets({ directory: dir.secrets, keyFile: dir.secretsKey });
}

async function readValue(context: Context, name: string): Promise<string> {
  if (context.terminal.isTerminal.input)
    return await context.terminal.ask(`Value of ${name}: `, { hidden: true });
  const bytes = await readAll(context.terminal.input, MAX_SECRET_BYTES + 2);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new CellError("CLI_USAGE", "a secret is text in UTF-8", {
      remedy: "Encode bytes as base64.",
      cause,
    });
  }
}
