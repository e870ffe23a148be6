// Everything that crosses the bus at a node: intents in, replies out, sends of
// its actors, discovery and the certificates that clients ask for.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { ActorHost } from "../actors/actor-host.ts";
import { markProgress } from "../actors/in-hand.ts";
import type { Delivery, OutgoingIntent } from "../actors/intent.ts";
import { CellError } from "../errors/cell-error.ts";
import { err, ok, type Result } from "../errors/result.ts";
import type { Json, PlacedGraph } from "../manifest/graph.ts";
import type { HybridClock } from "../security/clock/hybrid-clock.ts";
import type { AuthorityPorts } from "../security/intake/authority.ts";
import { createIntake, type IntakePorts, type Intake as JudgingIntake } from "../security/intake/intake.ts";
import type { Verdict } from "../security/intake/verdict.ts";
import type { ReplayWindow } from "../security/replay/replay-window.ts";
import type { CapsuleMaker } from "../security/replies/build-reply.ts";
import { createSealer, type Sealed, type Sealer } from "../security/sealing/sealer.ts";
import type { Standing, TrustStore } from "../security/trust/trust-store.ts";
import type { Sealing } from "../security/wire/seal.ts";
import { VerifiedRoots } from "../security/wire/verify-envelope.ts";
import type { EventInput } from "../telemetry/event.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { BrokerConnection, BrokerSubscription } from "../transport/connection.ts";
import { serveDiscovery } from "../transport/discovery.ts";
import {
  type IncomingMessage,
  type IntakeOptions,
  type Intake as Subscribed,
  subscribeIntents,
} from "../transport/intake.ts";
import { inboxPrefix, intentSubject } from "../transport/subjects.ts";
import { serveTrustBundle } from "../transport/trust-bundle.ts";
import { atTurnEnd } from "../transport/turn-end.ts";
import type { Ahead } from "../transport/turn-queue.ts";
import type { BrokerDoor } from "./broker-door.ts";
import type { CellConfig } from "./cell-config.ts";
import type { CountedTokens } from "./counted-tokens.ts";
import { createDeliveries, type Deliveries, type DurableIntake, type SealTicket } from "./deliveries.ts";
import { LocalReturns, responderOf } from "./durable/return-address.ts";
import { followSubjects } from "./intent-subjects.ts";
import { type Watched, whyOusted } from "./links.ts";
import { LocalUses, type UsePorts } from "./local-uses.ts";
import { refusalEvent, senderTurnedAway, type Told, turnedAway } from "./refusal-event.ts";
import type { ReplayGuard } from "./replay-guard.ts";
import type { RunningActors } from "./running-actors.ts";
import type { SecondOpinion } from "./second-opinion.ts";
import { createSends, type Sender, type Sends } from "./sends.ts";
import { discoveredServices } from "./services.ts";
import type { SpentTokens } from "./spent-tokens.ts";
import { traced } from "./traced-delivery.ts";

export type MessagingOptions = {
  readonly config: CellConfig;
  readonly startedAtUnixMs: number;
  readonly sealing: Sealing;
  readonly maker: CapsuleMaker;
  readonly clock: HybridClock;
  readonly connection: BrokerConnection;
  readonly trust: TrustStore;
  readonly authority: AuthorityPorts;
  readonly replay: ReplayGuard;
  readonly secondOpinion: SecondOpinion;
  /** Absent: no token that serves once is taken. */
  readonly spent?: Pick<SpentTokens, "spend" | "settled">;
  /** Absent: no token whose uses are counted is taken. */
  readonly counted?: Pick<CountedTokens, "count" | "settled">;
  readonly actors: RunningActors;
  /** Absent: each signature is verified when it is judged. */
  readonly verifyAhead?: Ahead<IncomingMessage>;
  /** Of the node that runs the broker; absent: nobody can be kept away from it. */
  readonly door?: Pick<BrokerDoor, "keepOut">;
  /** Why no work is accepted now. */
  readonly whyNot: () => CellError | undefined;
  readonly tracing: Pick<Tracing, "span">;
  readonly record: (event: EventInput) => void;
  readonly onProblem: (error: CellError) => void;
  /** Durable actors of this node; absent: it has none. */
  readonly durable?: DurableIntake;
};

export type ServeOptions = {
  readonly placed: Watched<PlacedGraph>;
  readonly firstNode: () => string | undefined;
};

export type Messaging = {
  readonly send: (from: Sender, intent: OutgoingIntent) => void;
  readonly post: Sends["post"];
  /** Subject below this node's own inbox prefix, for replies to what it posts. */
  readonly inbox: string;
  /** With all that is done around a delivery. */
  readonly deliverTo: (delivery: Delivery, host: ActorHost) => Result<unknown, CellError>;
  /** The way back to who sent a journaled intent. */
  readonly responder: (returnAddress: Json, index: number) => Delivery["respond"];
  /** Begins to take intents. */
  serve(options: ServeOptions): void;
  refusals(): Readonly<Record<string, number>>;
  /** Takes nothing new. */
  drain(): Promise<void>;
  /** Sends what is sealed. */
  close(): Promise<void>;
};

export function openMessaging(options: MessagingOptions): Messaging {
  const { config, connection, trust, actors, record, maker, sealing } = options;
  const { cell, node } = config;
  const { window: replay } = options.replay;
  const ownCertificate = () => trust.byKey(sealing.key.publicKey, Date.now());
  const { sealer, leave } = openSealer(options, replay);
  const toActor = traced(options.tracing, (delivery) => actors.deliver(delivery));
  const returns = new LocalReturns();
  const inbox = `${inboxPrefix(cell, node)}.replies`;
  const uses = usesOf(options);
  const deliveries = createDeliveries({
    maker,
    sealer,
    replay,
    toActor,
    ...(options.durable === undefined ? {} : { durable: options.durable }),
    ...uses,
    refusesWork: (target) =>
      whyOusted(ownCertificate()) ?? (target.startsWith("kernel/") ? undefined : options.whyNot()),
    record,
  });
  const take = (verdicts: readonly Verdict[]) => {
    for (const verdict of verdicts) takeAlone(deliveries, verdict, options.onProblem);
  };
  const doubtful = judgeDoubtful(options, take);
  const intake = openIntake(options, doubtful.onDoubt);
  const sends = createSends({
    authority: authorityOf(options),
    certificate: ownCertificate,
    node,
    maker,
    sealer,
    replyTrust: { genesisHash: sealing.genesisHash, trust, roots: new VerifiedRoots() },
    toActor,
    ...(options.durable === undefined ? {} : { durable: options.durable }),
    returns,
    whyNot: options.whyNot,
    subjectOf: (path) => intentSubject(cell, node, path),
    inbox,
    record,
    uses: new LocalUses(uses),
  });
  const admit = ({ subject, data, natsReply, signed }: IncomingMessage) => {
    markProgress();
    take(intake.admit({ subject, data, natsReply, signed, nowUnixMs: Date.now() }));
  };
  const subscriptions: BrokerSubscription[] = [];
  let intents: Subscribed | undefined;
  return {
    send: sends.send,
    post: sends.post,
    inbox,
    deliverTo: (delivery, host) => traced(options.tracing, (each) => toHost(actors, each, host))(delivery),
    responder: (address, index) =>
      responderOf({ toInbox: deliveries.toInbox, local: returns }, address, index),
    refusals: () => intake.refusals.totals(),
    serve({ placed, firstNode }) {
      intents = subscribeIntents({
        connection,
        subjects: [],
        deliver: admit,
        ...(options.verifyAhead === undefined ? {} : { ahead: options.verifyAhead }),
        ...turningAway(intake, options),
      });
      followSubjects({ intents, cell, node, placed, firstNode });
      subscriptions.push(...listen(options, inbox, (subject, data) => sends.takeReply(subject, data)));
    },
    async drain() {
      doubtful.stop();
      await intents?.drain();
      await Promise.all([options.spent?.settled(), options.counted?.settled()]);
    },
    async close() {
      sealer.flush();
      leave();
      for (const subscription of subscriptions) subscription.unsubscribe();
      await connection.flush().catch(options.onProblem);
      options.replay.close();
    },
  };
}

/** Of messages that find no room: of a flood these are nearly all, and none is worth an answer. */
function turningAway(
  { refusals }: JudgingIntake,
  { trust, record, config, onProblem, door }: MessagingOptions,
): Pick<IntakeOptions, "refuse" | "principals" | "onShutOut" | "keepOut"> {
  const count = (turned: Told) => {
    refusals.count(turned);
    record(refusalEvent(turned));
  };
  const tell = (sender: string, code: "BROKER_FLOODED" | "BROKER_KEPT_OUT", what?: string) => {
    const turned = senderTurnedAway(config.cell, sender, code, what);
    count(turned);
    onProblem(turned.error);
  };
  return {
    refuse: ({ subject }, error) => count(turnedAway(subject, error)),
    principals: () => trust.snapshot(Date.now()).flatMap(sendingPrincipal),
    onShutOut: (sender) => tell(sender, "BROKER_FLOODED"),
    keepOut(sender) {
      const ms = mayKeepOut(trust, sender) ? door?.keepOut(sender) : undefined;
      if (ms !== undefined) tell(sender, "BROKER_KEPT_OUT", `it is kept out for ${ms / 1000} s`);
      return ms;
    },
  };
}

/** Not a node, nor one whose certificate has not come here yet. */
function mayKeepOut(trust: TrustStore, sender: string): boolean {
  const known = trust.byPrincipal(sender, Date.now());
  return known.ok ? known.value.kind !== "node" : known.error.code !== "AUTHORITY_ISSUER_UNKNOWN";
}

/** An issuer sends nothing. */
const sendingPrincipal = ({ certificate, fault }: Standing): readonly string[] =>
  fault === undefined && certificate.kind !== "issuer" ? [certificate.principal] : [];

/**
 * Messages in doubt are judged once the core has answered, one a turn of the event loop. Those that
 * a node has not judged when it stops their senders send again.
 */
function judgeDoubtful(
  { secondOpinion, onProblem }: MessagingOptions,
  take: (verdicts: readonly Verdict[]) => void,
): { readonly onDoubt: NonNullable<IntakePorts["onDoubt"]>; stop(): void } {
  let isStopped = false;
  let last: Promise<void> = Promise.resolve();
  const failed = (cause: unknown) => onProblem(new CellError("CAPSULE_INTAKE_FAILED", undefined, { cause }));
  return {
    onDoubt(doubt, judge) {
      const asked = secondOpinion(doubt);
      if (asked === undefined) return false;
      const next = async (): Promise<void> => {
        const opinion = await asked;
        await nextTurn();
        if (!isStopped) take(judge(opinion, Date.now()));
      };
      last = last.then(next).catch(failed);
      return true;
    },
    stop() {
      isStopped = true;
    },
  };
}

function usesOf({ spent, counted, actors, durable, onProblem }: MessagingOptions): UsePorts {
  const told = <T>(asked: Promise<T>, decided: (value: T) => void) =>
    void asked.then(decided).catch((cause: unknown) => onProblem(intakeFailed(cause)));
  return {
    ...(spent && { spend: (token, capsule, decided) => told(spent.spend(token, capsule), decided) }),
    ...(counted && { count: (use, bytes, decided) => told(counted.count(use, bytes), decided) }),
    refusesBefore: (target) =>
      actors.isFull(target) ?? (durable?.isDurable(target) === true ? undefined : actors.isGone(target)),
  };
}

/** While an apply is under way an actor may be durable still that its manifest says is not. */
function authorityOf({ authority, durable }: MessagingOptions): AuthorityPorts {
  const { resources } = authority;
  const isKept = (target: string) => resources.isKept(target) || durable?.isDurable(target) === true;
  return { ...authority, resources: { ...resources, isKept } };
}

/** What comes beside intents: replies, questions for certificates, discovery. */
function listen(
  { connection, config, trust, actors, startedAtUnixMs }: MessagingOptions,
  inbox: string,
  takeReply: (subject: string, data: Uint8Array) => void,
): readonly BrokerSubscription[] {
  const { cell } = config;
  return [
    // This alone: the connection's own answers, such as the broker's, have inboxes beside it.
    connection.subscribe(inbox, ({ subject, data }) => takeReply(subject, data)),
    serveTrustBundle({ connection, cell, certificates: () => bundleOf(trust) }),
    serveDiscovery({
      connection,
      cell,
      services: () => discoveredServices(config, startedAtUnixMs, actors),
    }),
  ];
}

function openIntake(options: MessagingOptions, onDoubt: NonNullable<IntakePorts["onDoubt"]>) {
  const { config, sealing, trust, clock } = options;
  const { window: replay, floor, issuedAfterUnixMs } = options.replay;
  return createIntake(
    {
      ...authorityOf(options),
      cell: config.cell,
      node: config.node,
      genesisHash: sealing.genesisHash,
      trust,
      replay,
      floor,
      isDurable: (target) => options.durable?.isDurable(target) === true,
      observe: (time) => void clock.observe(time),
      onDoubt,
    },
    { issuedAfterUnixMs },
  );
}

function toHost(
  actors: RunningActors,
  delivery: Delivery,
  host: ActorHost,
): Result<{ readonly mailboxDepth: number }, CellError> {
  const refused = actors.refusal(delivery);
  if (refused !== undefined) return err(refused);
  const taken = host.deliver(delivery);
  return taken.ok ? ok({ mailboxDepth: 0 }) : taken;
}

/** What fails for one capsule, e.g. because the broker is away, loses none that came with it: they are remembered by now. */
function takeAlone(deliveries: Deliveries, verdict: Verdict, onProblem: (error: CellError) => void): void {
  try {
    deliveries.take(verdict);
  } catch (cause) {
    onProblem(intakeFailed(cause));
  }
}

const intakeFailed = (cause: unknown): CellError =>
  cause instanceof CellError ? cause : new CellError("CAPSULE_INTAKE_FAILED", undefined, { cause });

/**
 * Signs what leaves in one turn together and keeps replies for who asks again. What was
 * answered is written down before the answer leaves: no death makes it begin again.
 */
function openSealer(
  { sealing, connection, onProblem }: MessagingOptions,
  replay: ReplayWindow,
): { readonly sealer: Sealer<SealTicket>; readonly leave: () => void } {
  const leaving: Sealed<SealTicket>[] = [];
  const leave = () => {
    replay.flush();
    for (const { subject, envelope } of leaving.splice(0)) {
      try {
        connection.publish(subject, envelope);
      } catch (error) {
        onProblem(error as CellError);
      }
    }
  };
  const publish = (sealed: Sealed<SealTicket>) => {
    for (const ticket of sealed.tickets) {
      if (ticket.kind !== "reply") continue;
      replay.storeReply(ticket.issuer, ticket.id, ticket.capsule, ticket.final);
    }
    if (sealed.isPrepared === true) queueMicrotask(leave);
    else if (leaving.length === 0) atTurnEnd(leave);
    leaving.push(sealed);
  };
  const firstBatch = BigInt(Date.now()) * 1000n;
  const sealer = createSealer<SealTicket>({
    ...sealing,
    schedule: atTurnEnd,
    publish,
    firstBatch,
  });
  return { sealer, leave };
}

/** Issuers before nodes; clients need no more to verify a reply. */
function bundleOf(trust: TrustStore): readonly Uint8Array[] {
  const standing = trust.snapshot(Date.now()).filter(({ fault }) => fault === undefined);
  const of = (kind: string) => standing.filter(({ certificate }) => certificate.kind === kind);
  return [...of("issuer"), ...of("node")].map(({ certificate }) => certificate.bytes);
}
