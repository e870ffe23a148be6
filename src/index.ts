// The public surface of the package: what a behaviour's module imports.
export { log, type ReplyTo, refuse, reply, request, send } from "./actors/action.ts";
export { type Behaviour, defineActor, isBehaviour, type Migrate, type OldState } from "./actors/behaviour.ts";
export type {
  CellEffect,
  LogLevel,
  Refusal,
  ReplyEvent,
  RequestErrorEvent,
  RequestOptions,
  SendOptions,
} from "./actors/effect.ts";
export type { PriorityName } from "./actors/intent.ts";
export {
  type IntentDefinition,
  type IntentDefinitions,
  type IntentEvents,
  type IntentMeta,
  intent,
} from "./actors/intent-definition.ts";
export type {
  FileContent,
  FileList,
  FileWritten,
  HttpResponse,
  ProgramResult,
} from "./actors/kernel/tools/contract.ts";
export {
  httpFetch,
  listFiles,
  readFile,
  runProgram,
  type ToolAnswer,
  writeFile,
} from "./actors/kernel/tools/requests.ts";
export { type ServeContext, type ServeHandlers, type ServeOptions, serveActor } from "./actors/serve.ts";
export { CellError } from "./errors/cell-error.ts";
