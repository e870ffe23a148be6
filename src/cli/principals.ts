// Principals as a table: for `get principals` and `client list`.
import type { PrincipalRow } from "../actors/kernel/reports.ts";
import type { Context } from "./context.ts";
import { formatTime } from "./duration.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { answeringNodes } from "./locate-node.ts";
import { renderTable } from "./render/table.ts";
import { plain } from "./render/text.ts";

/** @param kind only these; all by default */
export async function printPrincipals(context: Context, kind?: PrincipalRow["kind"]): Promise<ExitCode> {
  const kernel = await context.kernel();
  const [node = ""] = await answeringNodes(kernel);
  const rows = (await kernel.principals(node)).filter((row) => kind === undefined || row.kind === kind);
  const { colors, terminal } = context;
  context.print(
    renderTable(
      rows,
      [
        { title: "PRINCIPAL", value: ({ principal }) => plain(principal) },
        { title: "KIND", value: ({ kind }) => kind },
        { title: "GENERATION", align: "right", value: ({ generation }) => String(generation) },
        { title: "KEY", value: ({ keyFingerprint }) => plain(keyFingerprint) },
        { title: "VALID UNTIL (UTC)", value: ({ notAfterUnixMs }) => formatTime(notAfterUnixMs) },
        {
          title: "",
          value: ({ revoked, notAfterUnixMs }) =>
            revoked
              ? colors.red("revoked")
              : notAfterUnixMs <= terminal.now()
                ? colors.red("expired")
                : colors.green("valid"),
        },
      ],
      colors,
    ),
  );
  context.printJson(rows);
  return exitCodes.ok;
}
