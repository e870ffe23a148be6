// What a command is given: global options resolved, output with or without
// colour, and lazily the connection to the cell.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import pc from "picocolors";
import { CellError } from "../errors/cell-error.ts";
import { type DataDir, dataDir } from "../runtime/data-dir.ts";
import type { CellPort } from "./cell-port.ts";
import { formatError } from "./error-output.ts";
import type { KernelClient } from "./kernel-client.ts";
import { plain } from "./render/text.ts";
import type { Session } from "./session.ts";
import type { Terminal } from "./terminal.ts";

export type GlobalOptions = {
  readonly dataDir?: string;
  readonly nats?: string;
  readonly creds?: string;
  readonly json?: true;
  /** False with `--no-color`. */
  readonly color: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
};

export type Colors = ReturnType<typeof pc.createColors>;

export type Context = {
  readonly terminal: Terminal;
  readonly dir: DataDir;
  readonly json: boolean;
  /** Milliseconds that one request may take; default 5,000. */
  readonly timeoutMs: number;
  readonly colors: Colors;
  /** Colours for standard error, which may be a terminal when the output is not. */
  readonly errorColors: Colors;
  /** Aborted by Ctrl-C. Asking for it takes over the interrupt from the process's default. */
  readonly signal: AbortSignal;
  /** Absolute path of a file named on the command line. */
  path(file: string): string;
  /** Prints lines, without `--json`; with it does nothing. */
  print(text: string): void;
  /** Prints one line of JSON, with `--json`; without it does nothing. */
  printJson(value: unknown): void;
  /** Notes for people on standard error; silent with `--json`. */
  note(text: string): void;
  /** The connection, opened once and closed at the end of the run. */
  connect(): Promise<CellPort>;
  kernel(): Promise<KernelClient>;
  /** A connection with another identity, for its caller to close. @param where of the text, for errors */
  open(identity: string, where: string): Promise<CellPort>;
  /** The identity file's text in force: `--creds`, CELL0_CREDS, or the operator's in the data directory. */
  identity(): Promise<{ readonly text: string; readonly where: string }>;
  /** Whether `--creds` or CELL0_CREDS names an identity. */
  readonly hasOwnIdentity: boolean;
  /** `--nats` or CELL0_NATS; undefined: what the identity states. */
  readonly natsUrl: string | undefined;
  /** The program with every command loaded whole, e.g. for completion. */
  wholeProgram(): Promise<Command>;
  /** Registers what must be closed at the end of the run. */
  defer(close: () => Promise<void> | void): void;
};

const DEFAULT_TIMEOUT_MS = 5_000;
/** For plans and applies, which load behaviours and wait for actors to start. */
const APPLY_TIMEOUT_MS = 60_000;

export function createContext(session: Session, options: GlobalOptions): Context {
  const { terminal } = session;
  const { env } = terminal;
  const json = options.json === true;
  const path = (file: string) => resolve(terminal.cwd, file);
  const dir = dataDir(path(options.dataDir ?? nonEmpty(env.CELL0_DATA_DIR) ?? ".cell0"));
  const natsUrl = options.nats ?? nonEmpty(env.CELL0_NATS);
  const credsFile = options.creds ?? nonEmpty(env.CELL0_CREDS);
  let port: Promise<CellPort> | undefined;
  let listening = false;
  const context: Context = {
    terminal,
    dir,
    json,
    timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS,
    colors: pc.createColors(wantsColor(terminal, terminal.isTerminal.output, options.color)),
    errorColors: pc.createColors(wantsColor(terminal, terminal.isTerminal.error, options.color)),
    natsUrl,
    hasOwnIdentity: credsFile !== undefined,
    path,
    get signal() {
      if (!listening) {
        listening = true;
        session.closing.push(terminal.onInterrupt(() => session.interrupt.abort()));
      }
      return session.interrupt.signal;
    },
    print(text) {
      if (!json) terminal.out(`${text}\n`);
    },
    printJson(value) {
      if (json) terminal.out(`${JSON.stringify(value)}\n`);
    },
    note(text) {
      if (!json) terminal.err(`${text}\n`);
    },
    async identity() {
      if (credsFile !== undefined) {
        return { text: await readFile(path(credsFile), "utf8"), where: path(credsFile) };
      }
      const { readCellConfig } = await import("../runtime/cell-config.ts");
      await readCellConfig(dir);
      const text = await readFile(dir.operatorCreds, "utf8").catch((cause: unknown) => {
        throw new CellError("CLI_NEEDS_LOCAL_CELL", "there is no operator's identity in this directory", {
          where: dir.operatorCreds,
          remedy: "Give one with `--creds FILE`: a node that joined has none.",
          cause,
        });
      });
      return { text, where: dir.operatorCreds };
    },
    async open(identity, where) {
      const openCell = session.openCell ?? (await import("./connect-cell.ts")).openCell;
      return await openCell(identity, {
        where,
        natsUrl,
        timeoutMs: context.timeoutMs,
        onProblem: (error) => context.note(context.errorColors.yellow(plain(formatError(error)))),
      });
    },
    connect() {
      port ??= openPort(context);
      return port;
    },
    async kernel() {
      const { createKernelClient } = await import("./kernel-client.ts");
      return createKernelClient(await context.connect(), {
        requestMs: context.timeoutMs,
        applyMs: options.timeout ?? APPLY_TIMEOUT_MS,
      });
    },
    wholeProgram: session.wholeProgram,
    defer(close) {
      session.closing.push(close);
    },
  };
  return context;
}

/** NO_COLOR (any value but empty) and `--no-color` win; FORCE_COLOR turns it on for a pipe. */
export function wantsColor(terminal: Terminal, isTerminal: boolean, option: boolean): boolean {
  const { env } = terminal;
  if (!option || nonEmpty(env.NO_COLOR) !== undefined) return false;
  const forced = nonEmpty(env.FORCE_COLOR);
  if (forced !== undefined) return forced !== "0";
  return isTerminal && env.TERM !== "dumb";
}

async function openPort(context: Context): Promise<CellPort> {
  const { text, where } = await context.identity();
  const port = await context.open(text, where).catch(async (error: unknown) => {
    throw (await isDown(context)) ? downError(context, error) : error;
  });
  context.defer(() => port.close());
  return port;
}

/** Whether it is this directory's cell that was meant, and nobody runs it. */
async function isDown(context: Context): Promise<boolean> {
  if (context.hasOwnIdentity || context.natsUrl !== undefined) return false;
  const { isAlive, readHolder } = await import("../runtime/lock.ts");
  const holder = await readHolder(context.dir);
  return holder === undefined || !isAlive(holder);
}

const downError = ({ dir }: Context, cause: unknown): CellError =>
  new CellError("BROKER_UNREACHABLE", "the cell is down", {
    where: dir.root,
    remedy: "Start it with `cell0 up`.",
    cause,
  });

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}
