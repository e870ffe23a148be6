import { defineErrors } from "../error-definition.ts";

/** The kernel's tools: http.fetch, fs.read, fs.list, fs.write, exec. */
export const toolErrors = defineErrors({
  TOOL_NOT_GRANTED: {
    title: "the actor has no grant for this",
    cause: "No entry below the actor's `tools` in the manifest allows what it asked for.",
    remedy: "If it should be allowed, add a grant below the actor's `tools`, and apply; see docs/tools.md.",
    retry: "never",
  },
  TOOL_SENDER_INVALID: {
    title: "only actors of this node have tools",
    cause: "A client, the kernel itself, or an actor of another node asked for a tool.",
    remedy:
      "Let an actor with the grant ask, at its own node: targets `kernel/http`, `kernel/fs`, `kernel/exec`.",
    retry: "never",
  },
  TOOL_REQUEST_INVALID: {
    title: "the request of a tool makes no sense",
    cause: "A URL, header, path or argument has a form that is never taken, whatever is granted.",
    remedy: "Read the message: it names the part. See docs/tools.md for the forms.",
    retry: "never",
  },
  TOOL_ADDRESS_FORBIDDEN: {
    title: "the host's address may not be reached",
    cause: "The name leads to a private, loopback, link-local, multicast or reserved address.",
    remedy:
      "Where this is meant, set `privateAddresses: true` at the grant; see docs/tools.md for what that opens.",
    retry: "never",
  },
  TOOL_REDIRECT_REFUSED: {
    title: "a redirect was not followed",
    cause: "There were more redirects than the grant allows, or one led nowhere.",
    remedy: "Ask for the final address, or raise `redirects` at the grant.",
    retry: "never",
  },
  TOOL_SECRET_UNUSABLE: {
    title: "the grant's secret cannot be used",
    cause:
      "The node has no such secret, or its value is too short to be kept out of answers, or no header takes it.",
    remedy: "Set it with `cell0 secret set NAME`: at least 8 printable ASCII characters.",
    retry: "never",
  },
  TOOL_PATH_REFUSED: {
    title: "the path is not followed",
    cause:
      "It leads over a symbolic link, to a device, pipe or socket, to a file with several names, or to another file system.",
    remedy: "Name a plain file or folder below the granted one.",
    retry: "never",
  },
  TOOL_NOT_FOUND: {
    title: "there is no such file, folder or program",
    cause: "The path leads nowhere on the actor's node.",
    remedy: "List the folder with `fs.list`; a granted folder must be made by hand.",
    retry: "never",
  },
  TOOL_EXISTS: {
    title: "the file is there already",
    cause: "`fs.write` was asked to create it and nothing else.",
    remedy: "Use mode `replace` or `append`, or another name.",
    retry: "never",
  },
  TOOL_TOO_LARGE: {
    title: "it is larger than the grant allows",
    cause: "A body, a file or a program's output exceeds the grant's bound.",
    remedy: "Ask for less, or raise `maxBytes` or `maxOutput` at the grant.",
    retry: "never",
  },
  TOOL_QUOTA_EXCEEDED: {
    title: "the folder is full",
    cause:
      "With this file the folder would hold more than the grant's `quota`, or more files than are counted.",
    remedy: "Remove files by hand, or raise `quota` at the grant.",
    retry: "never",
  },
  TOOL_TIMEOUT: {
    title: "the tool took too long",
    cause: "The grant's `timeout`, or the request's own deadline, was over. A program was killed.",
    remedy: "Try again, ask for less, or raise `timeout` at the grant.",
    retry: "anew",
  },
  TOOL_BUSY: {
    title: "the actor has too many calls in hand",
    cause:
      "It began as many calls as its `tools.concurrent` allows, or has its share of the programs that run at once on its node, and none has ended.",
    remedy: "Wait for an answer before the next call, or raise `tools.concurrent`.",
    retry: "backoff",
  },
  TOOL_RATE_LIMITED: {
    title: "the actor calls its tools too often",
    cause: "It began more calls than its `tools.perMinute` allows.",
    remedy: "Try again after the time stated, call less often, or raise `tools.perMinute`.",
    retry: "backoff",
  },
  TOOL_RESPONSE_INVALID: {
    title: "the server's response cannot be read",
    cause: "Its compression is broken or not known, or it ended before its time.",
    remedy: "Try again; if it stays, the server is at fault.",
    retry: "anew",
  },
  TOOL_UNREACHABLE: {
    title: "the server cannot be reached",
    cause:
      "The name does not resolve, the connection is refused or was lost, or its certificate is not valid.",
    remedy: "Check that it is up and the address is right, then try again.",
    retry: "anew",
  },
  TOOL_UNSUPPORTED: {
    title: "this platform lacks what the tool needs",
    cause: "Files are opened below a folder by way of /proc, which only Linux has.",
    remedy: "Place the actor on a node that runs Linux.",
    retry: "never",
  },
  TOOL_FAILED: {
    title: "the tool failed",
    cause: "The operating system refused: permissions, a full disk, or too many open files.",
    remedy: "Read the message, and check the node's user and its disk.",
    retry: "anew",
  },
});
