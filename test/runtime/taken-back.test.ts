// What manifests grant is taken back at once, whatever is under way, and granted again only when nobody
// has taken it back since.
import { describe, expect, test, vi } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import type { GrantSpec, PlacedGraph } from "../../src/manifest/graph.ts";
import { clientKey } from "../../src/manifest/holders.ts";
import { grantedRows } from "../../src/runtime/granted-report.ts";
import { bareAt, capabilitiesIn, withCapabilities } from "../../src/runtime/manifest-capabilities.ts";
import { graphAuthority } from "../../src/runtime/node-graph.ts";
import type { KeptRevision } from "../../src/runtime/revisions.ts";
import { type GrantPorts, holderOfHash, regrant, takeBack } from "../../src/runtime/taken-back.ts";
import { isVoid } from "../../src/security/capability/manifest-capability.ts";
import { RevocationList } from "../../src/security/revocation/revocation-list.ts";
import { type Revoked, withRaisedEpoch } from "../../src/security/revocation/revoked.ts";
import { actor, placedOf, supervisor } from "../manifest/graphs.ts";
import { must, NOW, noCapabilities } from "../security/cell-fixture.ts";
import { revocationsOf } from "../security/revocation/revocation-fixture.ts";

const grant = (intent: string): GrantSpec => ({ intents: [intent], targets: ["shop/**"] });
const shop = (...grants: readonly GrantSpec[]): PlacedGraph => ({
  ...placedOf(
    supervisor("shop", [actor("shop/cart", { grants }), actor("shop/till", { grants: [grant("pay")] })]),
  ),
  clients: [{ graph: "shop", name: "web", grants: [grant("buy")] }],
});
const asked = { author: "operator", causeId: new Uint8Array(16) };

/** A cell's authority and the keeper of its graph, which is busy until `free` is called. */
function setUp(...history: readonly PlacedGraph[]) {
  const list = new RevocationList();
  const kept = [...history];
  const turn = Promise.withResolvers<void>();
  const change = (make: (revoked: Revoked) => Revoked) =>
    list.take(revocationsOf(make(list.revoked(NOW))), NOW);
  const problems: string[] = [];
  const ports: GrantPorts = {
    keeper: {
      async changeCapabilities(next) {
        await turn.promise;
        kept.push(await next(kept.at(-1) ?? shop()));
        return kept.length;
      },
    },
    revisions: {
      all: () => kept.map((placed) => ({ placed }) as KeptRevision),
      current: () => ({ placed: kept.at(-1) }) as KeptRevision,
    },
    revocations: {
      list,
      change: async (make) => void change((revoked) => must(make(revoked))),
      activate: async () => {},
      stop: async () => {},
    },
    onProblem: ({ code }) => problems.push(code),
  };
  const counts = (key: string) => {
    const held = capabilitiesIn(kept.at(-1) ?? shop()).get(key);
    return held !== undefined && !isVoid(held.capability, list);
  };
  const raise = () => change((revoked) => must(withRaisedEpoch(revoked, "shop", NOW)));
  return { ports, kept, list, counts, raise, problems, free: () => turn.resolve() };
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "ok",
    (error: CellError) => error.code,
  );

describe("what is taken back", () => {
  test("counts no more at once, though an apply is under way, and by the next revision", async () => {
    const { ports, kept, counts, free } = setUp(shop(grant("order")));
    const taken = takeBack({ actor: "shop/cart" }, ports, asked);
    await vi.waitFor(() => expect(counts("shop/cart")).toBe(false));
    expect(kept).toHaveLength(1);
    free();
    expect(await taken).toMatchObject({ already: false, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(kept.at(-1)?.capabilities).toEqual({ "shop/cart": { epoch: 0, generation: 0, revoked: true } });
    expect(counts("shop/till")).toBe(true);
    expect(await takeBack({ actor: "shop/cart" }, ports, asked)).toMatchObject({ already: true });
  });

  test("counts no more at nodes that are behind, and is found by a hash that it had", async () => {
    const [before, now] = [shop(grant("order")), shop(grant("order"), grant("refund"))];
    const { ports, list, counts, free } = setUp(before, now);
    free();
    const hash = capabilitiesIn(before).get("shop/cart")?.capability.hash() ?? new Uint8Array();
    expect(holderOfHash(hash, ports)).toBe("shop/cart");
    expect(holderOfHash(new Uint8Array(32), ports)).toBeUndefined();
    await takeBack({ key: "shop/cart" }, ports, asked);
    expect([list.isRevoked(hash), counts("shop/cart")]).toEqual([true, false]);
  });

  test("is a client's in every graph, also in one that comes", async () => {
    const { ports, kept, counts, free } = setUp(shop(grant("order")));
    free();
    await takeBack({ client: "web" }, ports, asked);
    expect(counts(clientKey("shop", "web"))).toBe(false);
    expect(Object.keys(kept.at(-1)?.capabilities ?? {})).toEqual([clientKey("shop", "web"), "(client web)"]);
    expect(await regrant({ client: "web" }, ports, asked)).toMatchObject({ holders: 1, left: 0 });
    expect(counts(clientKey("shop", "web"))).toBe(true);
    expect(Object.keys(kept.at(-1)?.capabilities ?? {})).toEqual([clientKey("shop", "web")]);
  });

  test("counts no more by the revision alone when the list of what is revoked is full", async () => {
    const { ports, list, counts, free } = setUp(shop(grant("order")));
    free();
    const full = async () => {
      throw new CellError("CAPABILITY_REVOCATIONS_FULL");
    };
    const revocations = { ...ports.revocations, change: full };
    await takeBack({ actor: "shop/cart" }, { ...ports, revocations }, asked);
    expect([list.isEmpty(), counts("shop/cart")]).toEqual([true, false]);
  });

  test("is all that an actor may send that is granted nothing, until it is granted again", async () => {
    const { ports, kept, list, free } = setUp(shop());
    free();
    const fault = () =>
      graphAuthority({
        ...{ placed: () => kept.at(-1) ?? shop(), firstNode: () => "a", isNode: () => true },
        ...{ capabilities: noCapabilities, revocations: list, runningTemplate: () => undefined },
      })
        .actorGrants("shop/cart")
        .capability?.fault()?.code;
    const before = fault();
    expect(await takeBack({ actor: "shop/cart" }, ports, asked)).toMatchObject({ already: false });
    expect(before).not.toBe("CAPABILITY_REVOKED");
    expect(fault()).toBe("CAPABILITY_REVOKED");
    expect(kept.at(-1)?.capabilities).toEqual({ "shop/cart": { epoch: 0, generation: 0, revoked: true } });
    const { granted } = grantedRows(kept.at(-1) ?? shop(), list);
    expect(granted[0]).toMatchObject({ holder: "shop/cart", grants: [], revoked: true });
    // Also by the revision alone, with what the graph grants later, and whatever epoch that is in.
    kept.push(withCapabilities(shop(grant("order")), kept.at(-1), list));
    expect(fault()).toBe("CAPABILITY_REVOKED");
    kept.push(withCapabilities(shop(), kept.at(-1), list));
    expect(fault()).toBe("CAPABILITY_REVOKED");
    expect(await takeBack({ actor: "shop/cart" }, ports, asked)).toMatchObject({ already: true });
    expect(await regrant({ actor: "shop/cart" }, ports, asked)).toMatchObject({ holders: 1, left: 0 });
    expect(fault()).toBe(before);
  });

  test("is what a template's children may send that are granted nothing", async () => {
    const template = actor("shop/pool", {});
    const pool = supervisor("shop/pool", [], { strategy: "simple_one_for_one", template });
    const { ports, kept, list, free } = setUp({ ...placedOf(supervisor("shop", [pool])), clients: [] });
    free();
    await takeBack({ actor: "shop/pool" }, ports, asked);
    const { actorGrants } = graphAuthority({
      ...{ placed: () => kept.at(-1) ?? shop(), firstNode: () => "a", isNode: () => true },
      ...{ capabilities: noCapabilities, revocations: list, runningTemplate: () => undefined },
    });
    expect(actorGrants("shop/pool/one").capability?.fault()?.code).toBe("CAPABILITY_REVOKED");
    expect(actorGrants("shop/other").capability?.fault()?.code).not.toBe("CAPABILITY_REVOKED");
    expect(grantedRows(kept.at(-1) ?? shop(), list)).toMatchObject({
      granted: [{ holder: "shop/pool", revoked: true }],
      grantedInAll: 1,
    });
  });

  test("is nothing of an actor that is granted nothing, with the epoch of its graph", () => {
    const { kept, list, raise } = setUp(shop());
    raise();
    const held = bareAt(kept[0] ?? shop(), "shop/cart", list);
    expect(held && isVoid(held.capability, list)).toBe(false);
  });

  test("is nothing of who was never granted anything", async () => {
    const { ports, free } = setUp(shop(grant("order")));
    free();
    for (const whose of [{ actor: "shop/nobody" }, { client: "nobody" }])
      expect(await codeOf(takeBack(whose, ports, asked))).toBe("ACTOR_NOT_FOUND");
    expect(await codeOf(regrant({ graph: "nobody" }, ports, asked))).toBe("ACTOR_NOT_FOUND");
  });
});

describe("what is granted again", () => {
  test("is of a graph what was taken back with all of it, and of a name what was taken back alone", async () => {
    const { ports, counts, raise, free } = setUp(shop(grant("order")));
    free();
    await takeBack({ actor: "shop/cart" }, ports, asked);
    raise();
    expect(await regrant({ graph: "shop" }, ports, asked)).toMatchObject({ holders: 2, left: 1 });
    expect(["shop/cart", "shop/till"].map(counts)).toEqual([false, true]);
    expect(await regrant({ actor: "shop/cart" }, ports, asked)).toMatchObject({ holders: 1, left: 0 });
    expect(["shop/cart", "shop/till"].map(counts)).toEqual([true, true]);
  });

  test("is nothing that was taken back while it waited for its turn", async () => {
    const { ports, counts, raise, free } = setUp(shop(grant("order")));
    raise();
    const late = regrant({ graph: "shop" }, ports, asked);
    await vi.waitFor(() => expect(counts("shop/till")).toBe(false));
    ports.revocations.list.take(
      revocationsOf(must(withRaisedEpoch(ports.revocations.list.revoked(NOW), "shop", NOW + 5))),
      NOW,
    );
    free();
    expect(await codeOf(late)).toBe("CELL_REVISION_CONFLICT");
    expect(counts("shop/till")).toBe(false);
  });
});
