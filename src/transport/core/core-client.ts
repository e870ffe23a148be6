// The node's side of the Rust core: typed calls over gRPC, each with a deadline
// and coded errors. It decides nothing; watch-core.ts tells whether the core is
// there.
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Client, Metadata } from "@grpc/grpc-js";
import { CellError } from "../../errors/cell-error.ts";
import {
  type Certificate,
  CertificateSchema,
  CoreService,
  HandshakeRequestSchema,
  type HandshakeResponse,
  type JudgeRequest,
  type JudgeResponse,
  type QuorumThresholdsResponse,
  type SignatureCheck,
  type SignatureVerdict,
  StatusRequestSchema,
  type StatusResponse,
  type Validator,
  VerifyBatchRequestSchema,
  type VerifyCertificateResponse,
} from "../../gen/cell0/v1/core_pb.ts";
import { toCoreError } from "./core-errors.ts";
import { type CoreEndpoint, coreTarget, describeEndpoint } from "./endpoint.ts";
import { CORE_PROTOCOL } from "./protocol.ts";
/** Bound of the service on one request. */
export const MAX_SIGNATURE_CHECKS = 4096;

export type CoreClientOptions = {
  readonly endpoint: CoreEndpoint;
  /** Version of this package; major and minor must be the core's. */
  readonly hostVersion: string;
  readonly genesisHash: Uint8Array;
  /** Deadline of a call without one; default 2 s. */
  readonly timeoutMs?: number;
};

export type CallOptions = { readonly timeoutMs?: number; readonly signal?: AbortSignal };

const TIMEOUT_MS = 2_000;
/** A dead peer on TCP, or a stopped one anywhere, is noticed within their sum. */
const KEEPALIVE = { "grpc.keepalive_time_ms": 1_000, "grpc.keepalive_timeout_ms": 1_000 };
const CHANNEL_OPTIONS = {
  ...KEEPALIVE,
  "grpc.initial_reconnect_backoff_ms": 20,
  "grpc.max_reconnect_backoff_ms": 100,
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
  "grpc.max_send_message_length": 16 * 1024 * 1024,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  // Each client has its own connection: the core keeps the handshake by connection.
  "grpc.use_local_subchannel_pool": 1,
};

type Methods = typeof CoreService.method;
type Input<N extends keyof Methods> = MessageShape<Methods[N]["input"]>;
type Output<N extends keyof Methods> = MessageShape<Methods[N]["output"]>;

export class CoreClient {
  /** For watch-core.ts. */
  readonly grpc: Client;
  readonly where: string;
  readonly #options: CoreClientOptions;

  /** Connects with the first call. Throws CORE_SOCKET_PATH_TOO_LONG. */
  constructor(options: CoreClientOptions) {
    const target = coreTarget(options.endpoint);
    this.#options = options;
    this.where = describeEndpoint(options.endpoint);
    this.grpc = new Client(target.address, target.credentials, { ...CHANNEL_OPTIONS, ...target.options });
  }

  /** Agrees on protocol, version and cell; first on every new connection. Throws CORE_VERSION_MISMATCH, CORE_GENESIS_MISMATCH. */
  async handshake(options: CallOptions = {}): Promise<HandshakeResponse> {
    const { hostVersion, genesisHash } = this.#options;
    const request = create(HandshakeRequestSchema, { protocol: CORE_PROTOCOL, hostVersion, genesisHash });
    const response = await this.#call("handshake", request, options);
    const { protocol, coreVersion, voteKey } = response;
    if (protocol !== CORE_PROTOCOL || release(coreVersion) !== release(hostVersion)) {
      throw new CellError(
        "CORE_VERSION_MISMATCH",
        `the core is ${coreVersion.slice(0, 64)} (protocol ${protocol}), this node ${hostVersion} (protocol ${CORE_PROTOCOL})`,
        { where: this.where },
      );
    }
    if (voteKey.length !== 32) throw this.#senseless("the vote key has not 32 bytes");
    return response;
  }

  status(options: CallOptions = {}): Promise<StatusResponse> {
    return this.#call("status", create(StatusRequestSchema), options);
  }

  /** One verdict a check, in order; at most 4,096 checks. */
  async verifyBatch(
    checks: readonly SignatureCheck[],
    options: CallOptions = {},
  ): Promise<readonly SignatureVerdict[]> {
    if (checks.length > MAX_SIGNATURE_CHECKS)
      throw new CellError("CORE_TOO_MANY_CHECKS", undefined, { where: this.where });
    const request = create(VerifyBatchRequestSchema, { checks: [...checks] });
    const { verdicts } = await this.#call("verifyBatch", request, options);
    if (verdicts.length !== checks.length) throw this.#senseless("there are not as many verdicts as checks");
    return verdicts;
  }

  quorumThresholds(
    validators: readonly Validator[],
    options: CallOptions = {},
  ): Promise<QuorumThresholdsResponse> {
    const { input } = CoreService.method.quorumThresholds;
    return this.#call("quorumThresholds", create(input, { validators: [...validators] }), options);
  }

  verifyCertificate(
    certificate: Certificate,
    validators: readonly Validator[],
    options: CallOptions = {},
  ): Promise<VerifyCertificateResponse> {
    const { input } = CoreService.method.verifyCertificate;
    const request = create(input, {
      certificate: create(CertificateSchema, certificate),
      validators: [...validators],
    });
    return this.#call("verifyCertificate", request, options);
  }

  /** One judgement a certificate and a subject, in order; bounds of the request: core.proto. */
  async judge(request: JudgeRequest, options: CallOptions = {}): Promise<JudgeResponse> {
    const response = await this.#call("judge", request, options);
    const isWhole =
      response.certificates.length === request.certificates.length &&
      response.subjects.length === request.subjects.length;
    if (!isWhole) throw this.#senseless("there are not as many judgements as subjects");
    return response;
  }

  close(): void {
    this.grpc.close();
  }

  #call<N extends keyof Methods>(name: N, request: Input<N>, options: CallOptions): Promise<Output<N>>;
  #call(name: keyof Methods, request: MessageShape<DescMessage>, options: CallOptions): Promise<unknown> {
    const method = CoreService.method[name];
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const input: DescMessage = method.input;
    const call = this.grpc.makeUnaryRequest(
      `/${CoreService.typeName}/${method.name}`,
      (message: MessageShape<DescMessage>) => Buffer.from(toBinary(input, message)),
      (bytes: Buffer) => fromBinary<DescMessage>(method.output, bytes),
      request,
      new Metadata(),
      { deadline: Date.now() + (options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS) },
      (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(toCoreError(error, this.where));
      },
    );
    const abort = (): void => {
      call.cancel();
      reject(options.signal?.reason);
    };
    if (options.signal?.aborted === true) abort();
    options.signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => options.signal?.removeEventListener("abort", abort));
  }

  #senseless(what: string): CellError {
    return new CellError("CORE_PROTOCOL_ERROR", what, { where: this.where });
  }
}

/** Major and minor: what node and core must have in common. */
const release = (version: string): string => version.split(".").slice(0, 2).join(".");
