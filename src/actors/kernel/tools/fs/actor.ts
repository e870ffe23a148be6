// `kernel/<node>/fs`: files below granted folders, in the name of actors.

import { ok } from "../../../../errors/result.ts";
import { fsText } from "../../../../manifest/tool-text.ts";
import type { FileAccess } from "../../../../manifest/tools.ts";
import type { IntentMeta } from "../../../intent-definition.ts";
import { type ServeContext, serveActor } from "../../../serve.ts";
import { decodeContent } from "../contents.ts";
import { fsIntents } from "../contract.ts";
import { callTool, type Deed, type ToolName, type ToolPorts } from "../tool-call.ts";
import type { FolderTurns } from "./folder-turns.ts";
import { performList } from "./list-folder.ts";
import { type Place, placeOf } from "./path-policy.ts";
import { performRead } from "./read-file.ts";
import { performWrite } from "./write-file.ts";

export type FsToolPorts = ToolPorts & { readonly turns: FolderTurns };

/** Calls of all actors at once; further ones wait. */
const CONCURRENCY = 64;
/** A disk has no grant of its own for time; the request's deadline is the shorter one as a rule. */
const TIMEOUT_MS = 30_000;

export const fsTool = serveActor<FsToolPorts, typeof fsIntents>({
  intents: fsIntents,
  concurrency: CONCURRENCY,
  handlers: {
    "fs.read": (request, meta, context) =>
      call("fs.read", "read", request.path, { meta, context }, (place) => performRead(place, request)),
    "fs.list": (request, meta, context) =>
      call("fs.list", "list", request.path, { meta, context }, (place) => performList(place, request)),
    "fs.write": (request, meta, context) =>
      call("fs.write", "write", request.path, { meta, context }, async (place) => {
        const content = decodeContent(request.content, request.encoding);
        if (!content.ok) throw content.error;
        return await performWrite(place, content.value, request);
      }),
  },
});

type Call = { readonly meta: IntentMeta; readonly context: ServeContext<FsToolPorts> };

function call<R>(
  tool: ToolName,
  access: FileAccess,
  path: string,
  { meta, context }: Call,
  work: (place: Place) => Promise<Deed<R>>,
): Promise<R> {
  const { input, signal } = context;
  return callTool(input, meta, signal, {
    tool,
    asked: path,
    decide: ({ fs }) => {
      const place = placeOf(meta.source, fs, path, access);
      if (!place.ok) return place;
      const { grant } = place.value;
      return ok({
        grant: fsText(grant),
        timeoutMs: TIMEOUT_MS,
        perform: (ended) => input.turns.take(grant.path, () => work(place.value), ended),
      });
    },
  });
}
