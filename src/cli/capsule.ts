// `cell0 capsule encode|decode|verify`: capsules as bytes, without a connection.
import type { Command } from "commander";
import { Option } from "commander";
import type { PriorityName } from "../actors/intent.ts";
import { readCapability } from "./cap-file.ts";
import { encodeIntent } from "./capsule-encode.ts";
import { envelopeToJson, readEnvelope } from "./capsule-read.ts";
import { checkEnvelope, renderChecks } from "./capsule-verify.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { readPayload } from "./payload-input.ts";
import { plain } from "./render/text.ts";
import { action } from "./session.ts";

export type CapsuleFormat = "hex" | "base64" | "raw";
const FORMATS: readonly CapsuleFormat[] = ["hex", "base64", "raw"];

type EncodeOptions = {
  readonly file?: string;
  readonly output: CapsuleFormat;
  readonly replyInbox?: string;
  readonly priority?: PriorityName;
  /** File of a capability. */
  readonly cap?: string;
  /** False with `--no-reply`. */
  readonly reply: boolean;
};

export function registerCapsule(program: Command): void {
  const capsule = program.command("capsule").description("Make, read and check signed capsules, offline.");
  const encode = capsule
    .command("encode")
    .description(
      "Sign an intent and print its envelope, ready to be published by any NATS client. Where to publish it, and where its replies go, is said on standard error. It is fresh for 30 seconds.",
    )
    .argument("<target>", "path of the actor")
    .argument("<intent>", "intent type")
    .argument("[payload]", "JSON; `-` reads it from standard input (default: {})")
    .option("--file <file>", "payload from a file")
    .addOption(new Option("-o, --output <format>", "how to print it").choices(FORMATS).default("base64"))
    .option(
      "--reply-inbox <subject>",
      "where replies go; below the issuer's own inbox prefix (default: a new one)",
    )
    .option("--no-reply", "ask for no reply")
    .option("--cap <file>", "a capability that it rests on, in place of what its sender is granted")
    .addOption(new Option("--priority <priority>").choices(["critical", "high", "normal", "low"]))
    .action(action(encodeCommand));
  documented(encode, {
    examples: [
      [
        `cell0 capsule encode hello/greeter greet '{"name":"Ada"}' -o raw > greet.bin`,
        "then: nats --creds .cell0/operator.creds pub SUBJECT --force-stdin --no-templates < greet.bin",
      ],
    ],
    exits: ["unreachable"],
  });
  const decode = capsule
    .command("decode")
    .description("Print what an envelope holds, its proof included, as JSON. Checks no signature.")
    .argument("[file]", "bytes, hex or base64; `-` or nothing reads standard input")
    .action(
      action(async (context, file: string | undefined) => {
        const { envelope } = await readEnvelope(context, file);
        const json = envelopeToJson(envelope);
        context.print(plain(JSON.stringify(json, null, 2), { lines: true }));
        context.printJson(json);
        return exitCodes.ok;
      }),
    );
  documented(decode, { examples: [["cell0 capsule decode greet.bin", "what is in it"]], exits: [] });
  const verify = capsule
    .command("verify")
    .description(
      "Check an envelope step by step, as a node does: form, proof, issuer, freshness, deadline. Exits with 1 when a step fails.",
    )
    .argument("[file]", "bytes, hex or base64; `-` or nothing reads standard input")
    .option("--subject <subject>", "also check that it may be published there")
    .option("--at <time>", "as of this time, ISO 8601 (default: now)")
    .action(action(verifyCommand));
  documented(verify, {
    examples: [["cell0 capsule encode hello/greeter greet | cell0 capsule verify", "the whole way"]],
    exits: ["negative", "unreachable"],
    notes:
      "Takes the genesis and the certificates from the data directory, or from the identity given by --creds.",
  });
  documented(capsule, {
    examples: [["cell0 capsule decode greet.bin", "what is in it"]],
    exits: ["negative", "unreachable"],
  });
}

async function encodeCommand(
  context: Context,
  target: string,
  intent: string,
  argument: string | undefined,
  options: EncodeOptions,
): Promise<ExitCode> {
  const payload = await readPayload(context, argument, options.file);
  const { cap, ...rest } = options;
  const capability =
    cap === undefined ? {} : { capability: await readCapability(context, cap, [argument, options.file]) };
  const made = await encodeIntent(context, { target, intent, payload, ...rest, ...capability });
  const { envelope, subject, replyInbox, id } = made;
  if (context.json) {
    context.printJson({ id, subject, replyInbox, envelope: Buffer.from(envelope).toString("base64") });
    return exitCodes.ok;
  }
  const { output } = options;
  if (output === "raw") context.terminal.outBytes(envelope);
  else context.print(Buffer.from(envelope).toString(output));
  context.note(`publish to  ${subject}`);
  if (replyInbox !== "") context.note(`replies at  ${replyInbox}`);
  return exitCodes.ok;
}

/** Says of an envelope, step by step, at which it stops and why, or what authorised it. */
export async function verifyCommand(
  context: Context,
  file: string | undefined,
  options: { readonly subject?: string; readonly at?: string } = {},
): Promise<ExitCode> {
  const { bytes } = await readEnvelope(context, file, "any bytes");
  const checks = await checkEnvelope(context, bytes, options);
  const valid = checks.every(({ verdict }) => verdict !== "failed");
  context.print(renderChecks(checks, context.colors));
  context.printJson({ valid, checks });
  return valid ? exitCodes.ok : exitCodes.negative;
}
