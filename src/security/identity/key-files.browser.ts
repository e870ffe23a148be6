// A page has no files: it is handed their text.
import { CellError } from "../../errors/cell-error.ts";

export async function readIdentityFile(_path: string): Promise<string> {
  throw new CellError("AUTHORITY_IDENTITY_INVALID", "a browser reads no files", {
    remedy: "Give `identity: parseIdentity(text)`, with the text of the identity file.",
  });
}

export async function readTokenFile(_path: string): Promise<string> {
  throw new CellError("CAPABILITY_MALFORMED", "a browser reads no files", {
    remedy: "Give `capability: parseCapability(text)`, with the text of the token's file.",
  });
}
