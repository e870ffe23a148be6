// What is put before both verifiers, the node's and the Rust core's, and what verdicts rest on.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Judgement,
  type JudgeRequest,
  JudgeRequestSchema,
  type JudgeSubjectSchema,
} from "../../../src/gen/cell0/v1/core_pb.ts";
import { toHex } from "../../../src/security/bytes.ts";
import { genesis, NOW } from "../../security/cell-fixture.ts";
import { certificates } from "../samples.ts";
import { judgedByCore } from "./bridge.ts";
import { type Judged, judgedByNode } from "./by-node.ts";

export type Court = {
  readonly genesis: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  readonly nowUnixMs: number;
  /** Scopes that are not in epoch 0. */
  readonly epochs: ReadonlyMap<string, number>;
  /** Hashes of tokens. */
  readonly revoked: readonly Uint8Array[];
};

export type Subject =
  | { readonly kind: "envelope"; readonly bytes: Uint8Array }
  | { readonly kind: "capsule"; readonly bytes: Uint8Array; readonly issuer: Uint8Array }
  | {
      readonly kind: "chain";
      readonly bytes: Uint8Array;
      readonly holder: Uint8Array | { readonly actor: string };
    };

export const courtOf = (given: Partial<Court> = {}): Court => ({
  genesis: genesis.bytes,
  certificates: certificates.map(({ bytes }) => bytes),
  nowUnixMs: NOW,
  epochs: new Map(),
  revoked: [],
  ...given,
});

export type Comparison = {
  readonly node: ReturnType<typeof judgedByNode>;
  /** Where the two differ, in words; undefined: nowhere. */
  readonly difference: string | undefined;
};

export function compare(court: Court, subjects: readonly Subject[]): Comparison {
  const node = judgedByNode(court, subjects);
  const core = judgedByCore(requestOf(court, subjects));
  const pairs = [
    ...node.certificates.map((judged, at) =>
      pair(`certificate ${at}`, [judged], core.certificates.slice(at, at + 1)),
    ),
    ...node.subjects.map((judged, at) => pair(`subject ${at}`, judged, core.subjects[at]?.judgements ?? [])),
  ];
  return { node, difference: pairs.find((each) => each !== undefined) };
}

/** Where both differ, in words. */
function pair(where: string, ours: readonly Judged[], core: readonly Judgement[]): string | undefined {
  const theirs = core.map(judgedOf);
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return undefined;
  const why = core.map(({ reason }) => reason).filter((reason) => reason !== "");
  return `${where}: the node says ${textOf(ours)}, the core ${textOf(theirs)} (${why.join("; ")})`;
}

const judgedOf = ({ code, token, once }: Judgement): Judged => ({
  code,
  token: toHex(token),
  once: toHex(once),
});

const textOf = (all: readonly Judged[]): string =>
  all.map(({ code, token, once }) => [code, token.slice(0, 8), once.slice(0, 8)].join(" ").trim()).join(", ");

export const requestOf = (court: Court, subjects: readonly Subject[]): JudgeRequest =>
  create(JudgeRequestSchema, {
    genesis: court.genesis,
    certificates: [...court.certificates],
    nowUnixMs: BigInt(court.nowUnixMs),
    epochs: [...court.epochs].map(([scope, epoch]) => ({ scope, epoch: BigInt(epoch) })),
    revokedTokens: [...court.revoked],
    subjects: subjects.map(messageOf),
  });

function messageOf(subject: Subject): MessageInitShape<typeof JudgeSubjectSchema> {
  switch (subject.kind) {
    case "envelope":
      return { subject: { case: "envelope", value: subject.bytes } };
    case "capsule":
      return { subject: { case: "capsule", value: { capsule: subject.bytes, issuer: subject.issuer } } };
    case "chain":
      return {
        subject: {
          case: "chain",
          value: {
            chain: subject.bytes,
            ...(subject.holder instanceof Uint8Array ? { holder: subject.holder } : subject.holder),
          },
        },
      };
  }
}
