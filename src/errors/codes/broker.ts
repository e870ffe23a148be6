import { defineErrors } from "../error-definition.ts";

/** The NATS broker: finding it, reaching it, what it refuses, its kernel streams. */
export const brokerErrors = defineErrors({
  BROKER_MISSING: {
    title: "no nats-server was found",
    cause: "NATS_SERVER_BIN is not set, none is on PATH and none was set up in .tools/bin.",
    remedy:
      "Run `npm start` once, which fetches it; or put nats-server 2.14 or newer on PATH; or name one with NATS_SERVER_BIN.",
    retry: "never",
  },
  BROKER_TOO_OLD: {
    title: "the broker is too old",
    cause: "nats-server before 2.14 lacks what Cell 0 relies on.",
    remedy:
      "Run `npm start` once, which fetches a new one; or put nats-server 2.14 or newer on PATH; or name one with NATS_SERVER_BIN.",
    retry: "never",
  },
  BROKER_UNREACHABLE: {
    title: "the broker cannot be reached",
    cause:
      "Nothing answers at its address, or the connection was lost and is being made again; or it is ended each time that it is made, as of a client that the cell keeps out for its floods (BROKER_KEPT_OUT).",
    remedy: "See that the cell runs (`cell0 doctor`) and that the address is right; then send again.",
    retry: "backoff",
  },
  BROKER_REFUSED_CREDENTIALS: {
    title: "the broker refused the credentials",
    cause: "They are of another cell, have expired, or were withdrawn.",
    remedy: "Ask the cell's operator for a new file (`cell0 client add NAME`).",
    retry: "never",
  },
  BROKER_PERMISSION_DENIED: {
    title: "the broker does not permit this subject",
    cause: "A principal may publish below its own name only, and listen to its own inbox only.",
    remedy:
      "Use the file of the principal that you act as; for events or `nats service list`, `cell0 client add NAME --events --discovery`.",
    retry: "never",
  },
  BROKER_URL_UNUSABLE: {
    title: "a browser cannot connect to this address",
    cause: "A page has WebSockets only; an identity file names the broker's address for TCP.",
    remedy: 'Give `url: "ws://..."` (or wss), the address that `cell0 up --websocket` prints.',
    retry: "never",
  },
  BROKER_CLOSED: {
    title: "the connection to the broker is closed",
    cause: "It was closed by this side, or drained.",
    remedy: "Open a new one.",
    retry: "never",
  },
  BROKER_BUFFER_FULL: {
    title: "the broker is away and the buffer for it is full",
    cause: "More was sent while the connection was lost than the reconnect buffer holds.",
    remedy: "Send again once the connection is back.",
    retry: "backoff",
  },
  BROKER_MESSAGE_TOO_LARGE: {
    title: "the message is larger than the broker takes",
    cause: "One NATS message is limited by the broker's max_payload.",
    remedy: "Send fewer capsules in one message, or less in each.",
    retry: "never",
  },
  BROKER_OVERLOADED: {
    title: "the node has as many messages in hand as it takes",
    cause: "Messages arrive faster than their signatures can be checked.",
    remedy: "Send again after the time stated, or slower.",
    retry: "backoff",
  },
  BROKER_FLOODED: {
    title: "a sender floods the node, which does not listen to it for now",
    cause: "It sends so much that the node could do nothing but turn it away; the broker drops it instead.",
    remedy: "Send less: it is heard again within two seconds of that. `cell0 client revoke` ends it.",
    retry: "backoff",
  },
  BROKER_KEPT_OUT: {
    title: "a client floods on, and is kept away from the broker for now",
    cause:
      "It went on for seconds after the node had stopped to listen to it, or sends more than any node could take; only the broker can keep that off. The client itself hears BROKER_UNREACHABLE.",
    remedy:
      "Send less: it is let in again after 10 seconds, twice as many each time that it floods on, 5 minutes at most.",
    retry: "never",
  },
  BROKER_DOOR_UNKEPT: {
    title: "nobody can be kept away from the broker",
    cause:
      "The node did not get at the broker's list of connections, as it does with a file made at the cell's start.",
    remedy: "Stop the cell and start it again with `cell0 down` and `cell0 up`.",
    retry: "never",
  },
  BROKER_HANDLER_FAILED: {
    title: "the handling of a message failed",
    cause: "Code of the node threw while it took a message; the message is lost, later ones are not.",
    remedy: "This is a fault of the program: report it with the stack in the log.",
    retry: "never",
  },
  BROKER_LIMIT_REACHED: {
    title: "the broker takes no more connections or subscriptions",
    cause: "A limit of the broker, of the cell's account or of this user is reached.",
    remedy: "Close what is not needed, or raise the limit in the broker's configuration.",
    retry: "backoff",
  },
  BROKER_NO_RESPONDERS: {
    title: "no node of the cell is listening",
    cause: "The cell's nodes are stopped or starting, or nothing runs at this target.",
    remedy: "See what runs with `cell0 get tree`, and check the target's spelling.",
    retry: "backoff",
  },
  BROKER_TIMEOUT: {
    title: "the broker did not answer in time",
    cause: "It is overloaded, or starting.",
    remedy: "Try again; see `cell0 doctor` when it lasts.",
    retry: "backoff",
  },
  BROKER_SUBJECT_INVALID: {
    title: "not a name that subjects are made of",
    cause: "Names are tokens of [a-z0-9-]; a path holds at most 8 of them, joined by '/'.",
    remedy: "Correct the name.",
    retry: "never",
  },
  BROKER_CONFIG_INVALID: {
    title: "the broker's configuration cannot be written",
    cause: "A port, size or name in it is out of range.",
    remedy: "Correct the value that is named.",
    retry: "never",
  },
  BROKER_AUTHORITY_INVALID: {
    title: "the broker's keys are damaged",
    cause: "The file with the seeds of the broker's operator and account is not what the cell wrote.",
    remedy: "Restore it from a backup.",
    retry: "never",
  },
  BROKER_STREAM_UNAVAILABLE: {
    title: "a stream of the cell cannot be used now",
    cause: "JetStream is starting, has no space, or was turned off.",
    remedy: "See the broker's log, and `cell0 doctor`.",
    retry: "backoff",
  },
  BROKER_STREAM_FOREIGN: {
    title: "a stream of the cell's name is not the cell's",
    cause: "It was made by somebody else, with other subjects or without protection against deletion.",
    remedy: "Remove it with the broker's own tools, or use another account.",
    retry: "never",
  },
  BROKER_STREAM_CONFLICT: {
    title: "somebody else wrote first",
    cause: "The stream's last sequence is not the expected one.",
    remedy: "Read what is new, decide again, write again.",
    retry: "never",
  },
  BROKER_REPLY_UNTRUSTED: {
    title: "a reply came from a key that the cell does not vouch for",
    cause: "Somebody with access to the broker answers in a node's name, or a node's certificate is missing.",
    remedy: "Run `cell0 doctor`; if it lasts, tell the cell's operator.",
    retry: "never",
  },
});
