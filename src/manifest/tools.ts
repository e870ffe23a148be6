// What an actor may do to the world through the kernel's tools, once its manifest
// is checked. A grant allows what all of its fields allow; grants of one tool are
// alternatives. Plain JSON.

export const HTTP_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

export type SecretHeader = {
  /** Of the node's secrets, as given to `cell0 secret set`. */
  readonly name: string;
  /** Lower-case name of the header that carries it. */
  readonly header: string;
  /** The header's value; `{}` stands for the secret. */
  readonly format: string;
};

export type HttpGrant = {
  /** As host-pattern.ts reads them: `api.example.com`, `*.example.org`, `http://127.0.0.1:8080`. */
  readonly hosts: readonly string[];
  readonly methods: readonly HttpMethod[];
  /** `*` stands for one segment, a last `**` for any rest. */
  readonly paths: readonly string[];
  /** Of a request's body, and of a response's after decompression. */
  readonly maxBytes: number;
  /** From the look-up of the name to the last byte, redirects included. */
  readonly timeoutMs: number;
  readonly secret?: SecretHeader;
  /** Whether private and loopback addresses may be reached. */
  readonly privateAddresses: boolean;
  /** Redirects followed, each authorised anew. */
  readonly redirects: number;
};

export const FILE_ACCESS = ["read", "list", "write"] as const;
export type FileAccess = (typeof FILE_ACCESS)[number];

export type FsGrant = {
  /** First token of the paths by which the actor names what lies in the folder. */
  readonly name: string;
  /** Absolute path of the folder, on the actor's node. */
  readonly path: string;
  readonly access: readonly FileAccess[];
  /** Of one file. */
  readonly maxBytes: number;
  /** Of all files below the folder. */
  readonly quotaBytes: number;
};

/** An argument as it must be, or a pattern as argument-pattern.ts reads it. */
export type ArgumentSpec = string | { readonly pattern: string };

export type ExecGrant = {
  /** Absolute path of the program's file. */
  readonly program: string;
  /** Whole argument lists, any of which may be used. */
  readonly args: readonly (readonly ArgumentSpec[])[];
  readonly timeoutMs: number;
  /** Of standard output and standard error together. */
  readonly maxOutputBytes: number;
  /** Of standard input; 0: it gets none. */
  readonly stdinBytes: number;
  readonly env: Readonly<Record<string, string>>;
  /** Whether it has the node's network; without it none, where the platform can give it none. */
  readonly network: boolean;
  /** Absolute path of the working directory; default `/`. */
  readonly cwd?: string;
};

export type ToolsSpec = {
  readonly http: readonly HttpGrant[];
  readonly fs: readonly FsGrant[];
  readonly exec: readonly ExecGrant[];
  /** Calls in hand at once. */
  readonly concurrent: number;
  /** Calls begun within any minute, in the long run. */
  readonly perMinute: number;
};
