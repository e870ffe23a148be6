import { openMirror } from "../../src/runtime/record-mirror.ts";
import { readCertificate } from "../../src/security/trust/certificate.ts";
import { chunked, fakeCell, oneNode } from "./fake-cell.ts";
import type { MadeCell } from "./made-cell.ts";

/** A cell that keeps what it is told as a node does. */
export const keeping = (cell: MadeCell, clients: readonly string[] = []) =>
  fakeCell({
    ...oneNode,
    "graph.get": chunked({
      revision: 1,
      graph: { clients: clients.map((name) => ({ name })) },
      unsatisfied: [],
    }),
    "trust.add": async (payload) => {
      const { certificate } = payload as { certificate: string };
      const read = readCertificate(Buffer.from(certificate, "base64"));
      if (!read.ok) throw read.error;
      await (await openMirror(cell.dir.trust, "cert")).put(read.value.principal, read.value.bytes);
      return [{ principal: read.value.principal, generation: read.value.generation }];
    },
  });
