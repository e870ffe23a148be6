// The one file that touches OpenTelemetry's SDK: spans in a bounded queue, sent in batches
// by OTLP over HTTP in protobuf. Loaded lazily; the SDK's parts, never its all-in-one.
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import type { CellError } from "../errors/cell-error.ts";
import { attribute, messagingSystem, spanName } from "./semconv.ts";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";
import type { IntentSpan, SpanInput, SpanSource, SpanSourceOptions } from "./tracing.ts";

/** Spans that wait for export; beyond it they are dropped. */
const MAX_QUEUED_SPANS = 4_096;
const EXPORT_EVERY_MS = 1_000;
const SHUTDOWN_MS = 2_000;

/** @param exporter OTLP by default, which reads the standard environment variables itself */
export function otlpSpanSource(
  { cell, node, version }: SpanSourceOptions,
  exporter: SpanExporter = new OTLPTraceExporter(),
): SpanSource {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      [attribute.serviceName]: process.env.OTEL_SERVICE_NAME ?? "cell0",
      [attribute.serviceVersion]: version,
      [attribute.serviceInstance]: `${cell}/${node}`,
      [attribute.cell]: cell,
      [attribute.node]: node,
    }),
    spanLimits: { attributeValueLengthLimit: 1_024 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MAX_QUEUED_SPANS,
        scheduledDelayMillis: EXPORT_EVERY_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("cell0", version);
  return {
    span: (input) => new OtlpSpan(startSpan(tracer, input)),
    shutdown: () => within(SHUTDOWN_MS, provider.shutdown()),
  };
}

function startSpan(tracer: Tracer, input: SpanInput): Span {
  const { operation, target, intent, bodyBytes, incarnation } = input;
  const attributes = {
    [attribute.system]: messagingSystem,
    [attribute.operationName]: operation,
    [attribute.operationType]: operation === "publish" ? "send" : "process",
    [attribute.destination]: target,
    [attribute.messageId]: intent.id,
    [attribute.actor]: target,
    [attribute.intent]: intent.type,
    [attribute.rootId]: intent.rootId,
    [attribute.principal]: intent.principal,
    ...(intent.causeId !== "" && { [attribute.causeId]: intent.causeId }),
    ...(bodyBytes !== undefined && { [attribute.bodySize]: bodyBytes }),
    ...(incarnation !== undefined && { [attribute.incarnation]: incarnation }),
  };
  const kind = operation === "publish" ? SpanKind.PRODUCER : SpanKind.CONSUMER;
  return tracer.startSpan(spanName(operation, target), { kind, attributes }, contextOf(input.parent));
}

function contextOf(traceparent: string | undefined): Context {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return ROOT_CONTEXT;
  const traceFlags = parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags, isRemote: true });
}

class OtlpSpan implements IntentSpan {
  readonly traceparent: string;
  readonly #span: Span;

  constructor(span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = formatTraceparent({
      traceId,
      spanId,
      sampled: (traceFlags & TraceFlags.SAMPLED) === 1,
    });
    this.#span = span;
  }

  fail({ code, message }: CellError): void {
    this.#span.setAttribute(attribute.errorType, code);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
  }

  end(): void {
    if (this.#span.isRecording()) this.#span.end();
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work.catch(() => {}), promise]);
  clearTimeout(timer);
}
