// What manifests grant, as capabilities: what they are named, that one which was revoked never counts
// again by itself, and what an intent that rests on one is answered.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GrantSpec, PlacedGraph } from "../../src/manifest/graph.ts";
import { decodePlacedGraph } from "../../src/manifest/graph-schema.ts";
import { clientKey, clientMark } from "../../src/manifest/holders.ts";
import { planGraph } from "../../src/manifest/plan.ts";
import { grantedRows, revokedHolders } from "../../src/runtime/granted-report.ts";
import {
  capabilitiesIn,
  heldAt,
  keyOfHash,
  regrantedIn,
  revokedIn,
  withCapabilities,
} from "../../src/runtime/manifest-capabilities.ts";
import { graphAuthority } from "../../src/runtime/node-graph.ts";
import { toHex } from "../../src/security/bytes.ts";
import { faultOf, NEVER_UNIX_MS } from "../../src/security/capability/manifest-capability.ts";
import { authorise } from "../../src/security/intake/authority.ts";
import { MAX_SILENCE_MS, RevocationList } from "../../src/security/revocation/revocation-list.ts";
import { nothingRevoked, withRaisedEpoch, withToken } from "../../src/security/revocation/revoked.ts";
import { actor, placedOf, supervisor } from "../manifest/graphs.ts";
import {
  bobCertificate,
  capsuleOf,
  codeOf,
  keys,
  must,
  NOW,
  noCapabilities,
  nodeCertificate,
} from "../security/cell-fixture.ts";
import { revocationsOf } from "../security/revocation/revocation-fixture.ts";

const OPEN: GrantSpec = { intents: ["ticket.open"], targets: ["support/triage"] };
const CLOSE: GrantSpec = { intents: ["ticket.close"], targets: ["support/**"] };
const DESK = "support/desk";

const graphWith = (grants: readonly GrantSpec[], more: Partial<PlacedGraph> = {}): PlacedGraph => ({
  ...placedOf(supervisor("support", [actor(DESK, { grants }), actor("support/triage")])),
  ...more,
});
const EMPTY: PlacedGraph = { roots: [], clients: [], placed: {} };

/** What is revoked, as the authority says it. */
class Authority {
  readonly list = new RevocationList();
  #revoked = nothingRevoked;

  revoke(graph: PlacedGraph, key = DESK): void {
    const { scope, epoch, hash } = held(graph, key).capability;
    const terms = { scope, epoch, notAfterUnixMs: NEVER_UNIX_MS };
    this.#revoked = must(withToken(this.#revoked, { hash: hash(), terms }));
    this.#say();
  }

  raise(scope: string): void {
    this.#revoked = must(withRaisedEpoch(this.#revoked, scope, NOW));
    this.#say();
  }

  #say(): void {
    this.list.take(revocationsOf(this.#revoked), NOW);
  }
}

function held(graph: PlacedGraph, key = DESK) {
  const found = capabilitiesIn(graph).get(key);
  if (found === undefined) throw new RangeError(`${key} is granted nothing`);
  return found;
}
const nameOf = (graph: PlacedGraph, key = DESK) => toHex(held(graph, key).capability.hash());
const revokedOf = (graph: PlacedGraph, { list }: Authority) =>
  revokedHolders(graph, list, new Set(["support", "shop"])).map(({ holder }) => holder);
/** As an apply does. */
const applied = (graph: PlacedGraph, before: PlacedGraph | undefined, { list }: Authority) =>
  withCapabilities(graph, before, list);
const reread = (graph: PlacedGraph) => must(decodePlacedGraph(JSON.parse(JSON.stringify(graph))));

describe("what a manifest grants", () => {
  test("is one capability a holder, named by holder, content and minting, and the same at every node", () => {
    const graph = applied(graphWith([OPEN]), undefined, new Authority());
    expect(graph.capabilities).toBeUndefined();
    expect(nameOf(graph)).toMatch(/^[0-9a-f]{64}$/);
    expect(nameOf(reread(graph))).toBe(nameOf(graph));
    const names = [
      nameOf(graph),
      nameOf(graphWith([OPEN, CLOSE])),
      nameOf(graphWith([OPEN], { capabilities: { [DESK]: { epoch: 1, generation: 0 } } })),
      nameOf(graphWith([OPEN], { capabilities: { [DESK]: { epoch: 0, generation: 1 } } })),
    ];
    expect(new Set(names).size).toBe(4);
    expect(grantedRows(graph, new RevocationList())).toMatchObject({
      granted: [{ kind: "actor", holder: DESK, grants: [OPEN], scope: "support", revoked: false }],
      grantedInAll: 1,
    });
  });

  test("is granted to clients by name as well", () => {
    const clients = [{ graph: "support", name: "web", grants: [OPEN] }];
    const graph = graphWith([], { clients });
    const authority = new Authority();
    authority.revoke(graph, clientKey("support", "web"));
    expect(revokedOf(graph, authority)).toEqual(["web"]);
    const { granted } = grantedRows(graph, authority.list);
    expect(granted).toMatchObject([{ kind: "client", holder: "web", revoked: true }]);
  });

  test("counts again once it is granted again, under another name", () => {
    const first = applied(graphWith([OPEN]), undefined, new Authority());
    const authority = new Authority();
    authority.revoke(first);
    const marked = revokedIn(first, [DESK]);
    expect(planGraph(first, marked).changes).toMatchObject([
      { path: DESK, restarts: false, fields: [{ field: "capability", old: "granted", new: "revoked" }] },
    ]);
    const again = regrantedIn(marked, [held(marked).holder], authority.list);
    expect(revokedOf(again, authority)).toEqual([]);
    expect(nameOf(again)).not.toBe(nameOf(first));
    expect(planGraph(marked, again).changes).toMatchObject([
      {
        path: DESK,
        restarts: false,
        fields: [{ field: "capability", old: "revoked", new: "granted again" }],
      },
    ]);
    expect(reread(again)).toEqual(again);
    expect(applied(graphWith([OPEN]), again, authority)).toEqual(again);
  });

  test("is all void when the epoch of its graph is raised, and granted again in the new one", () => {
    const first = applied(graphWith([OPEN]), undefined, new Authority());
    const authority = new Authority();
    authority.raise("support");
    expect(revokedOf(first, authority)).toEqual([DESK]);
    const again = regrantedIn(first, [held(first).holder], authority.list);
    expect(again.capabilities).toEqual({ [DESK]: { epoch: NOW, generation: 1 } });
    expect(revokedOf(again, authority)).toEqual([]);
  });

  test("is a new holder's in the present epoch, and no other is granted again with it", () => {
    const first = applied(graphWith([OPEN]), undefined, new Authority());
    const authority = new Authority();
    authority.raise("support");
    const next = placedOf(
      supervisor("support", [actor(DESK, { grants: [OPEN] }), actor("support/new", { grants: [OPEN] })]),
    );
    expect(revokedOf(applied(next, first, authority), authority)).toEqual([DESK]);
  });

  test("is revoked of a client by name in graphs that come, too, until it is granted again", () => {
    const clients = [{ graph: "support", name: "web", grants: [OPEN] }];
    const key = clientKey("support", "web");
    const authority = new Authority();
    const first = applied(graphWith([], { clients }), undefined, authority);
    authority.revoke(first, key);
    const marked = revokedIn(first, [key, clientMark("web")]);
    const more = [...clients, { graph: "shop", name: "web", grants: [CLOSE] }];
    const next = applied(graphWith([], { clients: more }), marked, authority);
    expect(revokedOf(next, authority)).toEqual(["web", "web"]);
    const holders = [...capabilitiesIn(next).values()].map(({ holder }) => holder);
    const again = regrantedIn(next, holders, authority.list, ["web"]);
    expect(revokedOf(again, authority)).toEqual([]);
    const later = [...more, { graph: "new", name: "web", grants: [OPEN] }];
    expect(revokedOf(applied(graphWith([], { clients: later }), again, authority), authority)).toEqual([]);
  });

  test("is found by its key, and by its hash, wherever it stands", () => {
    const clients = [{ graph: "support", name: "web", grants: [OPEN] }];
    const template = actor("support/pool", { grants: [CLOSE] });
    const pool = supervisor("support/pool", [], { strategy: "simple_one_for_one", template });
    const deep = supervisor("support/s", [actor("support/s/a", { grants: [OPEN] }), actor("support/s/b")]);
    const graph = { ...placedOf(supervisor("support", [pool, deep])), clients };
    for (const [key, { capability }] of capabilitiesIn(graph)) {
      expect(heldAt(graph, key)?.hash()).toEqual(capability.hash());
      expect(keyOfHash(graph, capability.hash(), 10)).toBe(key);
    }
    expect([...capabilitiesIn(graph).keys()]).toEqual([
      "support/pool",
      "support/s/a",
      clientKey("support", "web"),
    ]);
    for (const key of ["support/s/b", "support/s", "support/s/a/x", "support", "shop/a", "(client web)"])
      expect(heldAt(graph, key)).toBeUndefined();
    expect(keyOfHash(graph, new Uint8Array(32), 10)).toBeUndefined();
    expect(keyOfHash(graph, held(graph, "support/s/a").capability.hash(), 1)).toBeUndefined();
  });

  test("tells of a grant that is gone, after it was granted again, that it is gone and no more", () => {
    const again = { ...graphWith([OPEN]), capabilities: { [DESK]: { epoch: 0, generation: 1 } } };
    const gone = applied(graphWith([]), again, new Authority());
    expect(planGraph(again, gone).changes).toMatchObject([
      { path: DESK, fields: [{ field: "grants", old: "ticket.open to support/triage" }] },
    ]);
    expect(nameOf(applied(graphWith([OPEN]), gone, new Authority()))).toBe(nameOf(again));
  });

  test("is void for good once revoked, whatever is applied, changed, deleted, brought back and revoked meanwhile", () => {
    const graphs = [graphWith([OPEN]), graphWith([CLOSE]), graphWith([OPEN, CLOSE]), graphWith([]), EMPTY];
    const step = fc.oneof(
      fc.nat(graphs.length - 1),
      fc.constant("raise" as const),
      fc.constant("mark" as const),
    );
    const steps = fc.array(step, { maxLength: 10 });
    fc.assert(
      fc.property(steps, fc.boolean(), (asked, byScope) => {
        const authority = new Authority();
        let graph = applied(graphWith([OPEN]), undefined, authority);
        if (byScope) authority.raise("support");
        else authority.revoke(graph);
        for (const each of [...asked, 0]) {
          if (each === "raise") authority.raise("support");
          else if (each === "mark")
            graph = capabilitiesIn(graph).has(DESK) ? revokedIn(graph, [DESK]) : graph;
          else graph = applied(graphs[each] ?? EMPTY, graph, authority);
          if (capabilitiesIn(graph).has(DESK)) expect(revokedOf(graph, authority)).toEqual([DESK]);
        }
        expect(reread(graph)).toEqual(graph);
      }),
    );
  });
});

describe("an intent of an actor", () => {
  const source = { actor: DESK, incarnation: { term: 1, activation: 1 }, sequence: 1 };
  const asked = { source, intent: OPEN.intents[0] ?? "", target: OPEN.targets[0] ?? "" };
  const portsOf = (graph: PlacedGraph, revocations: RevocationList) =>
    graphAuthority({
      runningTemplate: () => undefined,
      ...{ placed: () => graph, firstNode: () => "a", isNode: () => true, capabilities: noCapabilities },
      revocations,
    });
  const judgeBy = (graph: PlacedGraph, { list }: Authority) =>
    authorise(capsuleOf(asked), nodeCertificate, portsOf(graph, list), NOW, 0);

  test("rests on the capability that its manifest grants, by name", () => {
    const graph = graphWith([OPEN]);
    expect(must(judgeBy(graph, new Authority())).by).toBe(`capability ${nameOf(graph)} of ${DESK}`);
  });

  test("is refused once that is revoked, by the list or the revision, or its scope's epoch raised", () => {
    const graph = graphWith([OPEN]);
    const [one, all] = [new Authority(), new Authority()];
    one.revoke(graph);
    all.raise("support");
    const refused = judgeBy(graph, one);
    expect(codeOf(refused)).toBe("CAPABILITY_REVOKED");
    expect(refused).toMatchObject({
      error: { remedy: expect.stringContaining("cap regrant"), where: nameOf(graph) },
    });
    expect(codeOf(judgeBy(revokedIn(graph, [DESK]), new Authority()))).toBe("CAPABILITY_REVOKED");
    expect(codeOf(judgeBy(graph, all))).toBe("CAPABILITY_EPOCH_STALE");
  });

  test("is refused when nothing was heard of the authority for ten minutes, and not before", () => {
    const { capability } = held(graphWith([OPEN]));
    const list = new RevocationList(undefined, 1_000);
    const fault = (nowMs: number, nowUnixMs = NOW) => faultOf(capability, list, nowUnixMs, nowMs)?.code;
    const until = 1_000 + MAX_SILENCE_MS;
    expect([fault(until - 1), fault(until)]).toEqual([undefined, "CAPABILITY_REVOCATIONS_UNHEARD"]);
    const hear = (atUnixMs: number, nowMs: number) =>
      list.hear({ hash: new Uint8Array(), atUnixMs }, keys.nodeA.publicKey, NOW, nowMs);
    // A word that is nine minutes old, kept back by somebody, is good for one minute more.
    hear(NOW - 540_000, until);
    expect([fault(until + 60_000), fault(until + 65_000)]).toEqual([
      undefined,
      "CAPABILITY_REVOCATIONS_UNHEARD",
    ]);
    hear(NOW, until + 70_000);
    expect(fault(until + 70_000 + MAX_SILENCE_MS - 1)).toBeUndefined();
    // The monotonic clock stands while the machine sleeps.
    expect(fault(until + 70_001, NOW + 3_600_000)).toBe("CAPABILITY_REVOCATIONS_UNHEARD");
  });

  test("of a client by name falls with its capability, and with another graph's grant it does not", () => {
    const clients = ["support", "shop"].map((graph) => ({ graph, name: "bob", grants: [OPEN] }));
    const graph = graphWith([], { clients });
    const authority = new Authority();
    const ports = portsOf(graph, authority.list);
    const judge = () => authorise(capsuleOf({ ...asked, source: undefined }), bobCertificate, ports, NOW, 0);
    expect(codeOf(judge())).toBe("ok");
    authority.revoke(graph, clientKey("support", "bob"));
    expect(must(judge()).by).toBe(`capability ${nameOf(graph, clientKey("shop", "bob"))} of client bob`);
    authority.raise("shop");
    expect(codeOf(judge())).toBe("CAPABILITY_EPOCH_STALE");
  });
});
