// Names of spans and attributes, by OpenTelemetry's semantic conventions for messaging;
// Cell 0's own are below `cell0.`. No other file spells one.

export const attribute = {
  system: "messaging.system",
  operationName: "messaging.operation.name",
  operationType: "messaging.operation.type",
  destination: "messaging.destination.name",
  messageId: "messaging.message.id",
  bodySize: "messaging.message.body.size",
  errorType: "error.type",
  cell: "cell0.cell",
  node: "cell0.node",
  actor: "cell0.actor",
  intent: "cell0.intent.type",
  rootId: "cell0.intent.root_id",
  causeId: "cell0.intent.cause_id",
  principal: "cell0.principal",
  incarnation: "cell0.incarnation",
  serviceName: "service.name",
  serviceVersion: "service.version",
  serviceInstance: "service.instance.id",
} as const;

export const messagingSystem = "nats";

/** `publish` sends an intent, `process` handles one in its actor. */
export type Operation = "publish" | "process";

/** `{operation} {destination}`: the destination is the actor's path, of which there are few. */
export const spanName = (operation: Operation, target: string): string => `${operation} ${target}`;
