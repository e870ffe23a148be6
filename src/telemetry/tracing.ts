// Spans of intents. Without an OTLP endpoint in the environment a span costs next to
// nothing and only hands the trace context on; with one, the exporter is loaded when
// `start` is called, after the node serves, so that tracing never delays a start.
import type { CellError } from "../errors/cell-error.ts";
import type { Operation } from "./semconv.ts";
import { parseTraceparent, traceparentOf } from "./traceparent.ts";

export type SpanInput = {
  readonly operation: Operation;
  /** Path of the actor. */
  readonly target: string;
  readonly intent: {
    readonly id: string;
    readonly rootId: string;
    readonly causeId: string;
    readonly type: string;
    readonly principal: string;
  };
  /** Of the capsule in hand; absent at the root of a trace. */
  readonly parent?: string | undefined;
  readonly bodyBytes?: number | undefined;
  /** `term/activation`. */
  readonly incarnation?: string | undefined;
};

export interface IntentSpan {
  /** For the capsules that are sent within it. */
  readonly traceparent: string;
  fail(error: CellError): void;
  /** Once; later calls do nothing. */
  end(): void;
}

/** What makes spans once an exporter is there. */
export interface SpanSource {
  span(input: SpanInput): IntentSpan;
  shutdown(): Promise<void>;
}

export type SpanSourceOptions = { readonly cell: string; readonly node: string; readonly version: string };

export type TracingOptions = SpanSourceOptions & {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Replaces the OTLP exporter, in tests. */
  readonly load?: (options: SpanSourceOptions) => Promise<SpanSource>;
};

export type Tracing = {
  /** Whether spans leave the node. */
  readonly enabled: boolean;
  /** Loads the exporter when an endpoint is set; call it once the node serves. */
  start(): Promise<void>;
  span(input: SpanInput): IntentSpan;
  /** Exports what is queued, within 2 s. */
  shutdown(): Promise<void>;
};

export function createTracing(options: TracingOptions): Tracing {
  const { environment = process.env, load = loadOtlp } = options;
  let source: SpanSource | undefined;
  return {
    get enabled() {
      return source !== undefined;
    },
    async start() {
      if (source === undefined && wantsExport(environment)) source = await load(options);
    },
    span: (input) => source?.span(input) ?? passOn(input),
    async shutdown() {
      const ending = source;
      source = undefined;
      await ending?.shutdown();
    },
  };
}

/** The standard variables of OpenTelemetry's exporters. */
export function wantsExport(environment: Readonly<Record<string, string | undefined>>): boolean {
  if (environment.OTEL_SDK_DISABLED === "true") return false;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = environment;
  return Boolean(all) || Boolean(traces);
}

async function loadOtlp(options: SpanSourceOptions): Promise<SpanSource> {
  const { otlpSpanSource } = await import("./otlp.ts");
  return otlpSpanSource(options);
}

/** A node that exports nothing hands the context on unchanged, or begins one where there is none. */
function passOn({ parent, intent }: SpanInput): IntentSpan {
  const known = parent !== undefined && parseTraceparent(parent) !== undefined;
  return new PassedOn(known ? parent : traceparentOf(intent));
}

class PassedOn implements IntentSpan {
  readonly traceparent: string;
  constructor(traceparent: string) {
    this.traceparent = traceparent;
  }
  fail(): void {}
  end(): void {}
}
