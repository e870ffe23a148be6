import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SealedRecordSchema } from "../../../src/gen/cell0/v1/durable_pb.ts";
import { toHex } from "../../../src/security/bytes.ts";
import { createRecordSealer } from "../../../src/security/records/record-sealer.ts";
import { openRecord, sealRecords } from "../../../src/security/records/sealed-record.ts";
import { sealOne } from "../../../src/security/wire/seal.ts";
import { VerifiedRoots } from "../../../src/security/wire/verify-envelope.ts";
import { keyOf } from "../cell-fixture.ts";

const genesisHash = new Uint8Array(32).fill(7);
const key = keyOf(1);
const bytes = (text: string) => new TextEncoder().encode(text);
const sealed = (...texts: readonly string[]) =>
  sealRecords(
    texts.map((text) => ({ kind: "commit" as const, bytes: bytes(text) })),
    { key, genesisHash },
    5n,
  );
const codeOf = (result: ReturnType<typeof openRecord>) => (result.ok ? "" : result.error.code);

describe("sealed records", () => {
  it("come back as they were, each by itself, whatever the size of the batch", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { minLength: 1, maxLength: 40 }), (records) => {
        const made = sealRecords(
          records.map((record) => ({ kind: "journal", bytes: record })),
          { key, genesisHash },
          1n,
        );
        made.forEach((each, at) => {
          const opened = openRecord("journal", each, genesisHash);
          expect(opened).toMatchObject({ ok: true, value: { bytes: records[at], signer: key.publicKey } });
        });
      }),
    );
  });

  it("are the bytes that protobuf-es makes of them", () => {
    const batch = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const records = fc.array(fc.uint8Array({ maxLength: 64 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(records, batch, (each, number) => {
        const open = each.map((record) => ({ kind: "journal" as const, bytes: record }));
        for (const made of sealRecords(open, { key, genesisHash }, number)) {
          const read = fromBinary(SealedRecordSchema, made);
          expect(Buffer.from(made)).toEqual(Buffer.from(toBinary(SealedRecordSchema, read)));
        }
      }),
    );
  });

  it("of one kind are none of the other, and a capsule is neither", () => {
    const [commit = new Uint8Array()] = sealed("state");
    expect(codeOf(openRecord("commit", commit, genesisHash))).toBe("");
    expect(codeOf(openRecord("journal", commit, genesisHash))).toBe("STATE_FORGED");
    expect(codeOf(openRecord("commit", sealOne(bytes("state"), { key, genesisHash }), genesisHash))).toBe(
      "STATE_FORGED",
    );
  });

  it("of another cell are forged here", () => {
    const [commit = new Uint8Array()] = sealed("state");
    expect(codeOf(openRecord("commit", commit, new Uint8Array(32)))).toBe("STATE_FORGED");
  });

  it("are refused with any bit of them changed", () => {
    const [, commit = new Uint8Array()] = sealed("one", "two", "three");
    fc.assert(
      fc.property(fc.nat(commit.length * 8 - 1), (bit) => {
        const changed = Uint8Array.from(commit);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(codeOf(openRecord("commit", changed, genesisHash))).toBe("STATE_FORGED");
      }),
    );
  });

  it("make a coded error of arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        expect(codeOf(openRecord("commit", any, genesisHash))).toBe("STATE_FORGED");
      }),
    );
  });

  it("with a known root are still refused when they do not lead to it", () => {
    const roots = new VerifiedRoots();
    const [first = new Uint8Array(), second = new Uint8Array()] = sealed("one", "two");
    expect(codeOf(openRecord("commit", first, genesisHash, roots))).toBe("");
    const changed = Uint8Array.from(second);
    changed[3] = (changed[3] ?? 0) ^ 1;
    expect(codeOf(openRecord("commit", changed, genesisHash, roots))).toBe("STATE_FORGED");
  });

  it("that were sealed here are known, and are not verified when they are read back", () => {
    const verified: string[] = [];
    class Told extends VerifiedRoots {
      override add(root: string): void {
        verified.push(root);
        super.add(root);
      }
    }
    const roots = new Told();
    const open = [{ kind: "commit" as const, bytes: bytes("own") }];
    const [own = new Uint8Array()] = sealRecords(open, { key, genesisHash }, 1n, roots);
    expect(codeOf(openRecord("commit", own, genesisHash, roots))).toBe("");
    expect(verified).toHaveLength(1);
    const signature = fromBinary(SealedRecordSchema, own).signature;
    const forged = Uint8Array.from(own);
    forged.fill(0, Buffer.from(own).indexOf(signature), Buffer.from(own).indexOf(signature) + 64);
    expect(codeOf(openRecord("commit", forged, genesisHash, roots))).toBe("STATE_FORGED");
  });

  it("of one turn share a signature, in order", () => {
    const turns: (() => void)[] = [];
    const sealer = createRecordSealer({
      key,
      genesisHash,
      schedule: (flush) => turns.push(flush),
      firstBatch: 1n,
    });
    const out: { readonly text: string; readonly signature: string }[] = [];
    for (const text of ["a", "b", "c"]) {
      sealer.seal({ kind: "commit", bytes: bytes(text) }, (each) => {
        const opened = openRecord("commit", each, genesisHash);
        const signature = toHex(fromBinary(SealedRecordSchema, each).signature);
        out.push({ text: opened.ok ? new TextDecoder().decode(opened.value.bytes) : "", signature });
      });
    }
    for (const flush of turns) flush();
    expect(out.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    expect(new Set(out.map(({ signature }) => signature)).size).toBe(1);
    expect(turns).toHaveLength(1);
  });
});
