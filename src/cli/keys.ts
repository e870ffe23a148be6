// `cell0 keys [list | fingerprint | genesis | rotate]`
import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { CellError } from "../errors/cell-error.ts";
import { readCellConfig } from "../runtime/cell-config.ts";
import { ISSUER, OPERATOR } from "../runtime/create-cell.ts";
import { toHex } from "../security/bytes.ts";
import { fingerprintOf } from "../security/keys/fingerprint.ts";
import { readGenesisFile, readTrust } from "./cell-keys.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { describeFollows, type Follows, followsOf } from "./follows.ts";
import { exportGenesisKey, importGenesisKey } from "./genesis-key.ts";
import { registerRotate } from "./keys-rotate.ts";
import { renderTable } from "./render/table.ts";
import { action } from "./session.ts";

export function registerKeys(program: Command): void {
  const keys = program.command("keys").description("The keys of this directory.");
  const list = keys
    .command("list", { isDefault: true })
    .description(
      "List the keys: what each is for, whether it is here, who can read it, and which one it follows.",
    )
    .action(action(listKeys));
  documented(list, { examples: [["cell0 keys list", "what is here"]], exits: ["unreachable"] });
  const fingerprint = keys
    .command("fingerprint")
    .description(
      "Print the hash of the cell's genesis: the one value by which two parties know that they mean the same cell.",
    )
    .action(action(printFingerprint));
  documented(fingerprint, {
    examples: [["cell0 keys fingerprint", "compare it over the telephone"]],
    exits: ["unreachable"],
  });
  const genesis = keys
    .command("genesis")
    .description(
      "Take the genesis key offline, or bring it back. Export writes it to a file, reads that back and checks it, and only then removes it from the data directory.",
    )
    .option("--export <file>", "where to write it, e.g. on a medium that you take away")
    .option("--import <file>", "a file that `--export` wrote")
    .action(
      action(async (context, options: { readonly export?: string; readonly import?: string }) => {
        if ((options.export === undefined) === (options.import === undefined)) {
          throw new CellError("CLI_USAGE", "give one of --export FILE and --import FILE");
        }
        if (options.export !== undefined)
          return await exportGenesisKey(context, context.path(options.export));
        return await importGenesisKey(context, context.path(options.import ?? ""));
      }),
    );
  documented(genesis, {
    examples: [
      ["cell0 keys genesis --export /media/stick/genesis.key", "take it offline"],
      ["cell0 keys genesis --import /media/stick/genesis.key", "bring it back to certify another issuer"],
    ],
    exits: ["unreachable"],
    notes:
      "Without it the cell runs as before: nodes and clients are certified by the issuer's key. What no longer works is to certify an issuer, that is to replace the issuer's key when it is lost or leaked. Keep two copies; nobody can make it anew.",
  });
  registerRotate(keys);
  documented(keys, { examples: [["cell0 keys list", "what is here"]], exits: ["unreachable"] });
}

type KeyRow = {
  readonly name: string;
  readonly file: string;
  readonly purpose: string;
  /** Octal; null when it is not here. */
  readonly mode: string | null;
  /** Of the certificate that counts, for keys that have one. */
  readonly generation?: number;
  readonly follows?: Follows;
};

async function listKeys(context: Context): Promise<ExitCode> {
  const { dir, colors } = context;
  const { node } = await readCellConfig(dir);
  const trust = await readTrust(dir, await readGenesisFile(dir));
  const wanted = [
    ["genesis", dir.genesisKey, "certifies issuers; belongs offline", undefined],
    ["issuer", dir.issuerKey, "certifies nodes and clients", ISSUER],
    ["broker", dir.brokerAuthority, "signs credentials for the broker", undefined],
    ["secrets", dir.secretsKey, "opens secrets", undefined],
    ["node", dir.nodeCreds, "signs what this node and its actors send", node],
    ["operator", dir.operatorCreds, "signs what this command line sends", OPERATOR],
  ] as const;
  const rows = await Promise.all(
    wanted.map(async ([name, file, purpose, principal]): Promise<KeyRow> => {
      const certificate = principal === undefined ? undefined : trust.newest(principal);
      const follows = followsOf(certificate?.continuity);
      return {
        ...{ name, file, purpose, mode: await modeOf(file) },
        ...(certificate === undefined ? {} : { generation: certificate.generation }),
        ...(follows === undefined ? {} : { follows }),
      };
    }),
  );
  context.print(
    renderTable(
      rows,
      [
        { title: "KEY", value: ({ name }) => name },
        {
          title: "HERE",
          value: ({ mode }) =>
            mode === null
              ? colors.dim("no")
              : mode === "600"
                ? colors.green("yes")
                : colors.red(`mode ${mode}`),
        },
        {
          title: "GENERATION",
          align: "right",
          value: ({ generation }) => (generation === undefined ? "" : String(generation)),
        },
        { title: "FOR", value: ({ purpose }) => purpose },
        { title: "FILE", value: ({ file }) => file },
      ],
      colors,
    ),
  );
  for (const { name, follows } of rows)
    if (follows !== undefined) context.print(`${name} follows ${describeFollows(follows)}`);
  if (rows[0]?.mode !== null) {
    context.note(context.errorColors.dim("Take the genesis key offline: cell0 keys genesis --export FILE"));
  }
  context.printJson(rows);
  return exitCodes.ok;
}

async function modeOf(file: string): Promise<string | null> {
  try {
    return ((await stat(file)).mode & 0o777).toString(8);
  } catch {
    return null;
  }
}

async function printFingerprint(context: Context): Promise<ExitCode> {
  const { cell } = await readCellConfig(context.dir);
  const genesis = await readGenesisFile(context.dir);
  const hash = toHex(genesis.hash);
  const keyFingerprint = fingerprintOf(genesis.genesisKey);
  context.print(
    `cell     ${cell}\ngenesis  ${hash.match(/.{8}/g)?.join(" ") ?? hash}\nkey      ${keyFingerprint}`,
  );
  context.printJson({ cell, genesisHash: hash, keyFingerprint, createdUnixMs: genesis.createdUnixMs });
  return exitCodes.ok;
}
