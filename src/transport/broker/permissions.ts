// What each kind of principal may publish and hear: the outer fence. The broker
// enforces it for every message, before a node has verified anything.
import * as subjects from "../subjects.ts";

export type BrokerUserKind = "node" | "client" | "operator";

export type BrokerPermissions = {
  readonly publish: readonly string[];
  readonly publishDenied: readonly string[];
  readonly subscribe: readonly string[];
  /** Answers to the reply subject of a message that was delivered: how many, for how long. */
  readonly responses?: { readonly max: number; readonly ttlMs: number };
};

/** Services that one node answers discovery for, at most; one answer each. */
export const MAX_SERVICES = 256;
const DISCOVERY_VERBS = ["PING", "INFO", "STATS"];

export type PermissionRequest = {
  readonly kind: BrokerUserKind;
  readonly cell: string;
  readonly principal: string;
  /** Whether a client may listen to the cell's events; an operator always may. */
  readonly events?: boolean;
  /** Whether a client may ask what runs, as `nats service list` does; an operator always may. */
  readonly discovery?: boolean;
};

export function permissionsOf(request: PermissionRequest): BrokerPermissions {
  return request.kind === "node" ? nodePermissions(request) : clientPermissions(request);
}

function clientPermissions({
  kind,
  cell,
  principal,
  events,
  discovery,
}: PermissionRequest): BrokerPermissions {
  const operator = kind === "operator";
  const discovers = operator || discovery === true;
  return {
    publish: [
      subjects.principalIntents(cell, principal),
      subjects.trustBundleSubject(cell),
      ...(discovers ? DISCOVERY_VERBS.flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.>`]) : []),
    ],
    publishDenied: [],
    subscribe: [
      ...ownInboxes(cell, principal),
      // The stock command line makes its inboxes here; nothing of the cell is ever sent to them.
      ...(operator ? ["_INBOX.>"] : []),
      ...(operator || events === true ? [subjects.eventFilter(cell)] : []),
    ],
  };
}

function nodePermissions({ cell, principal }: PermissionRequest): BrokerPermissions {
  const prefix = subjects.cellPrefix(cell);
  const kernelStreams = [
    subjects.trustStreamName(cell),
    subjects.revisionsStreamName(cell),
    subjects.revocationsStreamName(cell),
    subjects.spentStreamName(cell),
    subjects.countedStreamName(cell),
    subjects.mintedStreamName(cell),
    subjects.deadLettersStreamName(cell),
  ];
  const journal = subjects.journalStreamName(cell);
  return {
    publish: [
      subjects.principalIntents(cell, principal),
      subjects.allInboxes(cell),
      `${prefix}.events.${principal}.>`,
      subjects.allTrust(cell),
      subjects.revisionsSubject(cell),
      // What one node writes there keeps nothing of another's out.
      subjects.revocationsSubject(cell, principal),
      subjects.revocationsHeadSubject(cell, principal),
      subjects.revocationsAskSubject(cell),
      subjects.allSpent(cell),
      subjects.allCounted(cell),
      subjects.allMinted(cell),
      subjects.trustBundleSubject(cell),
      subjects.allJournals(cell),
      subjects.allStates(cell),
      subjects.allDeadLetters(cell),
      "$JS.API.INFO",
      ...[...kernelStreams, subjects.stateStreamName(cell)].flatMap(streamApi),
      ...readApi(journal),
      // What is applied leaves the journal; from no other stream can anything be taken.
      `$JS.API.STREAM.PURGE.${journal}`,
      "$JS.ACK.>",
      "$JS.FC.>",
    ],
    publishDenied: [],
    subscribe: [
      subjects.allIntents(cell),
      ...ownInboxes(cell, principal),
      subjects.allTrust(cell),
      subjects.revisionsSubject(cell),
      subjects.allRevocationsHeads(cell),
      subjects.revocationsAskSubject(cell),
      subjects.trustBundleSubject(cell),
      subjects.eventFilter(cell),
      "$SRV.>",
    ],
    responses: { max: MAX_SERVICES, ttlMs: 10_000 },
  };
}

export const DOORKEEPER = "doorkeeper";

/** Of the only other account of the broker there is nothing to see. */
export const doorkeeperPermissions: BrokerPermissions = {
  publish: ["$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.SERVER.*.KICK"],
  publishDenied: [],
  subscribe: [
    "$SYS.ACCOUNT.*.CONNECT",
    "$SYS.ACCOUNT.*.DISCONNECT",
    `${subjects.stockInboxPrefix(DOORKEEPER)}.>`,
  ],
};

/**
 * To make, read and follow one stream. Not to change, purge or delete it, and to make
 * no other: a stream can have the broker itself publish again what it takes, under any name.
 */
const streamApi = (stream: string): string[] => [
  ...readApi(stream),
  `$JS.API.DIRECT.GET.${stream}.>`,
  `$JS.API.CONSUMER.CREATE.${stream}`,
  `$JS.API.CONSUMER.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.INFO.${stream}.*`,
  `$JS.API.CONSUMER.DELETE.${stream}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
];

/** Without following it. */
const readApi = (stream: string): string[] => [
  `$JS.API.STREAM.CREATE.${stream}`,
  `$JS.API.STREAM.INFO.${stream}`,
  `$JS.API.STREAM.MSG.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}`,
];

const ownInboxes = (cell: string, principal: string): string[] => [
  `${subjects.inboxPrefix(cell, principal)}.>`,
  `${subjects.stockInboxPrefix(principal)}.>`,
];
