// A cell that judges and keeps certificates as a node does, for the rotation of keys.

import { readGenesisFile } from "../../src/cli/cell-keys.ts";
import { openMirror } from "../../src/runtime/record-mirror.ts";
import { fingerprintOf } from "../../src/security/keys/fingerprint.ts";
import { issuersFirst, readCertificate } from "../../src/security/trust/certificate.ts";
import { TrustStore } from "../../src/security/trust/trust-store.ts";
import { chunked, fakeCell, type Handler, oneNode } from "./fake-cell.ts";
import type { MadeCell } from "./made-cell.ts";

export async function trustingCell(made: MadeCell, more: Readonly<Record<string, Handler>> = {}) {
  const mirror = await openMirror(made.dir.trust, "cert");
  const trust = new TrustStore(await readGenesisFile(made.dir));
  for (const bytes of issuersFirst((await mirror.all()).values())) trust.add(bytes, Date.now());
  const add = async (bytes: Uint8Array): Promise<void> => {
    const read = readCertificate(bytes);
    if (!read.ok) throw read.error;
    const added = trust.add(bytes, Date.now());
    if (!added.ok) throw added.error;
    await mirror.put(read.value.principal, read.value.bytes);
  };
  const handlers: Readonly<Record<string, Handler>> = {
    ...oneNode,
    "trust.add": async (payload) => {
      await add(new Uint8Array(Buffer.from((payload as { certificate: string }).certificate, "base64")));
      return [{ principal: "", generation: 0 }];
    },
    "trust.list": (payload, target) =>
      chunked(
        trust.snapshot(Date.now()).map(({ certificate }) => ({
          principal: certificate.principal,
          kind: certificate.kind,
          generation: certificate.generation,
          keyFingerprint: fingerprintOf(certificate.key),
        })),
      )(payload, target),
    "node.status": chunked({ node: "a", broker: {}, core: {} }),
  };
  return { trust, add, handlers, cell: fakeCell({ ...handlers, ...more }) };
}
