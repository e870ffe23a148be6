// `cell0 cap attenuate|show|explain|key`: capability tokens, offline; `cap mint|revoke|list`: asked of
// the cell's capability authority.
import { type Command, InvalidArgumentError, Option } from "commander";
import { CONSTRAINT_FORMS } from "../security/capability/constraint-text.ts";
import type { ApproveOptions } from "./cap-approve.ts";
import type { RegrantOptions, RevokeOptions } from "./cap-revoke.ts";
import type { ShowOptions } from "./cap-show.ts";
import type { Context } from "./context.ts";
import { documented } from "./documented.ts";
import { parseDuration } from "./duration.ts";
import { exitCodes } from "./exit-codes.ts";
import { type LimitOptions, withLimits } from "./limit-options.ts";
import { action } from "./session.ts";

/** What a token is to allow; absent: by default, or as its parent has it. */
export type CapOptions = {
  readonly holder: string;
  readonly intent?: readonly string[];
  readonly target?: readonly string[];
  readonly where?: readonly string[];
  /** Names of permissions. */
  readonly permission?: readonly string[];
  /** Milliseconds. */
  readonly ttl?: number;
  readonly depth?: number;
  readonly scope?: string;
  /** It serves one intent. */
  readonly once?: true;
  /** Who is to approve it, and how many of them; all by default. */
  readonly approver?: readonly string[];
  readonly approvals?: number;
  /** Signed by the issuer's key, without asking the cell. */
  readonly offline?: true;
  readonly out?: string;
} & LimitOptions;

const HOLDER =
  "who may use it: a client's name, a public key as `cell0 cap key` prints it, or an actor's path, which hands nothing on";
const WHERE = "a condition on the JSON payload, e.g. '/amount <= 10'; given again, all must hold";

export function registerCap(program: Command): void {
  const cap = program
    .command("cap")
    .description(
      "Capability tokens: who may send what to whom, where, until when. Narrowed offline, revoked everywhere at once.",
    );
  registerMint(cap);
  registerAttenuate(cap);
  registerApprove(cap);
  registerShow(cap);
  registerExplain(cap);
  registerRevoke(cap);
  registerRegrant(cap);
  registerLists(cap);
  const key = cap
    .command("key")
    .description("Print the public key of the identity in force, by which others name it as a holder.")
    .action(action(printKey));
  documented(key, {
    examples: [["cell0 --creds helper.creds cap key", "for who hands it a token"]],
    exits: ["unreachable"],
  });
  documented(cap, {
    examples: [["cell0 cap show agent.cap", "what a token allows"]],
    exits: ["negative", "refused", "unreachable"],
  });
}

function registerMint(cap: Command): void {
  const mint = shaped(cap.command("mint"))
    .description(
      "Have the cell's capability authority make a token, within what you are granted yourself. What its holder sends under it rests on the token alone, so that a client without grants can do what its token says, and nothing else.",
    )
    .option(
      "--target <pattern>",
      "a target that it allows: * is one token, a last ** one or more; again for a further one; those that begin with kernel/ have a token of their own",
      collect,
    )
    .option(
      "--permission <name>",
      "what a permission's name stands for, as `cell0 cap permissions` lists them; again for a further one",
      collect,
    )
    .option(
      "--scope <name>",
      "what is revoked together, e.g. a graph's name; only who may raise epochs chooses it (default: default, of a client its name)",
    )
    .option(
      "--offline",
      "sign it with the issuer's key of this directory, without asking; it is not on record",
    )
    .action(
      action(async (context, options: CapOptions) => (await import("./cap-make.ts")).mint(context, options)),
    );
  documented(mint, {
    examples: [
      [
        "cell0 cap mint --holder web-shop --target shop/orders --intent order.place --ttl 1h",
        "one intent, for an hour",
      ],
      [
        "cell0 cap mint --holder agent --target 'support/*' --where '/amount <= 10' --where '/state in open,new' --depth 2",
        "with conditions; it may be handed on twice",
      ],
      [
        "cell0 cap mint --holder keeper --permission AGENT_SPAWN --permission AGENT_KILL",
        "to start and stop actors",
      ],
      [
        "cell0 cap mint --holder planner --intent child.start --target 'kernel/*/registry' --agents 5 --memory 1GiB --cpu 2",
        "to start five agents, with so much memory and so many processors in all",
      ],
    ],
    exits: ["refused", "unreachable"],
    notes: `Conditions: ${CONSTRAINT_FORMS}. /PART is a JSON Pointer, \`payload\` the whole; a part that is missing meets none. A value is JSON, or the text itself. \`within\` is of a list: each element is one of these.`,
  });
}

function registerAttenuate(cap: Command): void {
  const attenuate = shaped(cap.command("attenuate"))
    .description(
      "Hand a token on: a narrower one for another holder, signed by who holds it, that is by the identity in force (--creds). Whatever is not given stays as it is.",
    )
    .argument("<file>", "the token")
    .option("--target <pattern>", "a target that it allows (default: as its parent)", collect)
    .action(
      action(async (context, file: string, options: CapOptions) =>
        (await import("./cap-make.ts")).narrow(context, file, options),
      ),
    );
  documented(attenuate, {
    examples: [
      [
        "cell0 --creds agent.creds cap attenuate agent.cap --holder KEY --where '/amount <= 5' --ttl 10m --out helper.cap",
        "less, and for less long; KEY is what `cell0 --creds helper.creds cap key` prints",
      ],
      [
        "cell0 --creds ann.creds cap attenuate ann.cap --holder support/triage --target 'tools/*' --calls 20",
        "for an actor, which sends under it in her stead and cannot hand it on",
      ],
    ],
    exits: ["refused", "unreachable"],
    notes:
      "It takes no connection. A token that is wider than its parent in anything is refused here, and by every node.",
  });
}

function registerApprove(cap: Command): void {
  const approve = cap
    .command("approve")
    .description(
      "Agree to a link of a token that asks for it, signed by the identity in force (--creds). It counts once so many have as it demands. What is approved is that link, with all that it allows: whatever was narrowed from it need not be used.",
    )
    .argument("<file>", "the token")
    .requiredOption("--out <file>", "where to write it with the approval")
    .option(
      "--link <number>",
      "which of its links, when several ask, as `cell0 cap show` counts them",
      parseCount,
    )
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, file: string, options: ApproveOptions) =>
        (await import("./cap-approve.ts")).approve(context, file, options),
      ),
    );
  documented(approve, {
    examples: [["cell0 --creds chief.creds cap approve wire.cap --out wire-1.cap", "one approval more"]],
    exits: ["refused", "unreachable"],
    notes: "It takes no connection. One after the other: each approves what the one before has written.",
  });
}

function registerShow(cap: Command): void {
  const show = cap
    .command("show")
    .description(
      "Print a token link by link, and whether it counts now. Exits with 1 when it does not. What an intent under it would be refused for is told by `cell0 cap explain`.",
    )
    .argument("<file>", "the token")
    .option("--actor <path>", "an actor that may be its holder: a token names it by a hash alone")
    .option("--text", "print the token as the text alone that a payload hands to an actor")
    .action(
      action(async (context, file: string, options: ShowOptions) =>
        (await import("./cap-show.ts")).show(context, file, options),
      ),
    );
  documented(show, {
    examples: [
      ["cell0 cap show agent.cap", "who handed it to whom, and what is left of it"],
      ["cell0 cap show support-triage.cap --actor support/triage", "whether it is this actor's"],
    ],
    exits: ["negative", "refused", "unreachable"],
  });
}

function registerExplain(cap: Command): void {
  const explain = cap
    .command("explain")
    .description(
      "Say of a capsule at which step it stops and why, or what authorised it, link by link: the same as `cell0 capsule verify`.",
    )
    .argument("[file]", "its envelope as bytes, hex or base64; `-` or nothing reads standard input")
    .action(
      action(async (context, file: string | undefined) =>
        (await import("./capsule.ts")).verifyCommand(context, file),
      ),
    );
  documented(explain, {
    examples: [
      [
        "cell0 --creds agent.creds capsule encode hello/greeter greet --cap agent.cap | cell0 cap explain",
        "before it is sent",
      ],
    ],
    exits: ["negative", "unreachable"],
  });
}

function registerRevoke(cap: Command): void {
  const revoke = cap
    .command("revoke")
    .description(
      "Revoke a token and whatever was narrowed from it, or every token of a scope. Each node refuses it as soon as it hears; one that does not hear lets no token count after 5 s.",
    )
    .argument("[token]", "its file, or its hash as `cell0 cap show` and the events name it")
    .option("--actor <path>", "all that manifests grant to this actor, or to a supervisor's children")
    .option("--client <name>", "all that manifests grant to this client")
    .option(
      "--scope <name>",
      "every token of this scope, by raising its epoch; of a graph, all that it grants",
    )
    .option(
      "--link <number>",
      "of the file's links, as `cell0 cap show` counts them (default: the last)",
      parseCount,
    )
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, token: string | undefined, options: RevokeOptions) =>
        (await import("./cap-revoke.ts")).revoke(context, token, options),
      ),
    );
  documented(revoke, {
    examples: [
      ["cell0 cap revoke agent.cap --yes", "this token, and all that its holder handed on"],
      [
        "cell0 cap revoke --scope shop --yes",
        "every token of a scope, and all that the graph of that name grants; new ones are minted in its next epoch",
      ],
      [
        "cell0 cap revoke --actor shop/cart --yes",
        "an actor may send nothing more, and use no tool, whatever is applied",
      ],
    ],
    exits: ["negative", "refused", "unreachable"],
    notes:
      "Of a hash alone neither scope nor end are known: its entry stays on the list for good. The list holds 4,096 tokens; those that have ended leave it, and of what manifests grant those whose scope's epoch was raised.",
  });
}

function registerRegrant(cap: Command): void {
  const regrant = cap
    .command("regrant")
    .description(
      "Grant again what manifests grant and `cap revoke` took back. Nothing else does: neither an apply, nor a change, nor a rollback.",
    )
    .option("--actor <path>", "to this actor, or to a supervisor's children")
    .option("--client <name>", "to this client")
    .option("--graph <name>", "to all whom this graph grants something")
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, options: RegrantOptions) =>
        (await import("./cap-revoke.ts")).regrant(context, options),
      ),
    );
  documented(regrant, {
    examples: [["cell0 cap regrant --actor shop/cart", "it may send again what its manifest says"]],
    exits: ["negative", "refused", "unreachable"],
  });
}

function registerLists(cap: Command): void {
  const permissions = cap
    .command("permissions")
    .description("List the permissions that have names, and the intents that each stands for.")
    .action(action(async (context) => (await import("./cap-permissions.ts")).listPermissions(context)));
  documented(permissions, {
    examples: [["cell0 cap permissions", "what AGENT_SPAWN and the others are"]],
    exits: [],
  });
  const list = cap
    .command("list")
    .description(
      "List what manifests grant, what was minted and has not ended, what is revoked, and the epochs of scopes. What was narrowed, or minted with --offline, the cell does not know.",
    )
    .action(action(async (context) => (await import("./cap-list.ts")).list(context)));
  documented(list, {
    examples: [["cell0 cap list", "who holds what, and what counts no more"]],
    exits: ["refused", "unreachable"],
  });
}

const shaped = (command: Command): Command =>
  withLimits(common(command)).option("--out <file>", "where to write it (default: HOLDER.cap)");

const common = (command: Command): Command =>
  command
    .requiredOption("--holder <name>", HOLDER)
    .option("--intent <pattern>", "an intent that it allows (default: all, or as its parent)", collect)
    .option("--where <condition>", WHERE, collect)
    .addOption(
      new Option("--ttl <duration>", "how long it counts (default: 1h, or as its parent)").argParser(
        parseDuration,
      ),
    )
    .option(
      "--depth <count>",
      "how often it may be handed on (default: 0, or one less than its parent)",
      parseCount,
    )
    .option(
      "--approver <name>",
      "who is to approve it before it counts, a client as --holder; again for a further one",
      collect,
    )
    .option("--approvals <count>", "how many of them suffice (default: all)", parseApprovals)
    .option("--once", "it serves one intent, and no other; it counts for 5 minutes at most (default: 1m)");

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

function parseApprovals(text: string): number {
  if (!/^[1-8]$/.test(text)) throw new InvalidArgumentError("It is 1 to 8.");
  return Number(text);
}

export function parseCount(text: string): number {
  if (!/^[0-7]$/.test(text)) throw new InvalidArgumentError("It is 0 to 7.");
  return Number(text);
}

async function printKey(context: Context) {
  const { identityKey } = await import("./cap-make.ts");
  const key = await identityKey(context);
  context.print(key.hex);
  context.printJson({ principal: key.principal, key: key.hex });
  return exitCodes.ok;
}
