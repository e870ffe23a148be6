import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../../../src/security/bytes.ts";
import { attenuate, chainBytes } from "../../../src/security/capability/chain.ts";
import { nameOfToken } from "../../../src/security/capability/token-name.ts";
import { genesis, keys, must } from "../cell-fixture.ts";
import { rootChain, tokenClaims } from "./token-fixture.ts";

test("a refused capsule's token is named by its last link", () => {
  const root = rootChain();
  const chain = must(attenuate(root, tokenClaims({ maxDepth: 0 }), keys.ann, genesis.hash));
  expect(nameOfToken(chainBytes(root))).toEqual(root.root.hash);
  expect(nameOfToken(chainBytes(chain))).toEqual(chain.last.hash);
});

test("what is no chain has no name, and nothing is thrown, whatever it is", () => {
  expect([new Uint8Array(), Uint8Array.of(0x0a), Uint8Array.of(0x12, 0)].map(nameOfToken)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect([undefined, sha256().length]).toContain(nameOfToken(bytes)?.length);
    }),
  );
});
