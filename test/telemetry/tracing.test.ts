import { once } from "node:events";
import { createServer } from "node:http";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CellError } from "../../src/errors/cell-error.ts";
import { otlpSpanSource } from "../../src/telemetry/otlp.ts";
import {
  childTraceparent,
  formatTraceparent,
  parseTraceparent,
  traceparentOf,
} from "../../src/telemetry/traceparent.ts";
import { createTracing, type SpanInput, wantsExport } from "../../src/telemetry/tracing.ts";
import { processorMs } from "../measure.ts";

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const names = { cell: "c", node: "a", version: "0.1.0" };
const input: SpanInput = {
  operation: "process",
  target: "g/x",
  intent: { id: "0a", rootId: "0a", causeId: "", type: "greet", principal: "operator" },
  parent,
};

test.each([
  ["", false],
  [parent, true],
  ["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false],
  ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", false],
  ["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false],
  ["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false],
  [`${parent}-more`, false],
  ["01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true],
  [`01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-${"x".repeat(500)}`, false],
])("%j is a trace context: %s", (text, valid) => {
  expect(parseTraceparent(text) !== undefined).toBe(valid);
});

test("formatting what was parsed gives the same text; arbitrary text never throws", () => {
  const known = parseTraceparent(parent);
  expect(known && formatTraceparent(known)).toBe(parent);
  fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text)));
});

test("a child is in its parent's trace with a span of its own", () => {
  const child = parseTraceparent(childTraceparent(parent));
  expect(child).toMatchObject({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", sampled: true });
  expect(child?.spanId).not.toBe("00f067aa0ba902b7");
  const roots = new Set(
    Array.from({ length: 1_000 }, () => parseTraceparent(childTraceparent(undefined))?.traceId),
  );
  expect(roots.size).toBe(1_000);
});

test("an intent without a trace begins one named after its root intent", () => {
  const rootId = "0192f5f0a1b27c3d8e4f5a6b7c8d9e0f";
  const id = "0192f5f0a1b37c3d8e4f5a6b7c8d9e1a";
  expect(traceparentOf({ rootId, id })).toBe(`00-${rootId}-8e4f5a6b7c8d9e1a-01`);
  for (const unfit of [
    { rootId: "", id },
    { rootId, id: "" },
    { rootId: "0".repeat(32), id },
  ]) {
    expect(parseTraceparent(traceparentOf(unfit))?.traceId).not.toBe(unfit.rootId);
  }
});

test("without an endpoint nothing is loaded, and the context is handed on unchanged", async () => {
  const load = () => Promise.reject(new Error("must not load"));
  const tracing = createTracing({ ...names, environment: {}, load });
  await tracing.start();
  expect(tracing.enabled).toBe(false);
  expect(tracing.span(input).traceparent).toBe(parent);
  expect(parseTraceparent(tracing.span({ ...input, parent: "junk" }).traceparent)).toBeDefined();
});

test("a span that leaves nowhere costs far below ten microseconds", () => {
  const tracing = createTracing({ ...names, environment: {} });
  for (let i = 0; i < 20_000; i++) tracing.span(input).end();
  const us =
    processorMs(() => {
      for (let i = 0; i < 100_000; i++) tracing.span(input).end();
    }) / 100;
  console.log(`no-op span: ${us.toFixed(3)} us`);
  expect(us).toBeLessThan(10);
});

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1" }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_SDK_DISABLED: "true" }, false],
])("with %j spans leave the node: %s", (environment, wanted) => {
  expect(wantsExport(environment)).toBe(wanted);
});

test("a span is named and attributed by the messaging conventions, below its parent", async () => {
  const exporter = new InMemorySpanExporter();
  let finished = exporter.getFinishedSpans();
  const shutdown = exporter.shutdown.bind(exporter);
  exporter.shutdown = () => {
    finished = [...exporter.getFinishedSpans()];
    return shutdown();
  };
  const source = otlpSpanSource(names, exporter);
  const span = source.span(input);
  span.fail(new CellError("ACTOR_CRASHED"));
  span.end();
  span.end();
  expect(parseTraceparent(span.traceparent)?.traceId).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  await source.shutdown();
  expect(finished).toHaveLength(1);
  expect(finished[0]).toMatchObject({
    name: "process g/x",
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "messaging.destination.name": "g/x",
      "messaging.message.id": "0a",
      "error.type": "ACTOR_CRASHED",
    },
  });
  expect(finished[0]?.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
});

test("spans reach an OTLP endpoint, and one that is away does not hold the shutdown up", async () => {
  let received = 0;
  const server = createServer((request, response) => {
    request.on("data", (piece: Buffer) => {
      received += piece.length;
    });
    request.on("end", () => response.end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
  try {
    const tracing = createTracing(names);
    await tracing.start();
    expect(tracing.enabled).toBe(true);
    tracing.span(input).end();
    await tracing.shutdown();
    expect(received).toBeGreaterThan(100);
    server.close();
    server.closeAllConnections();
    await once(server, "close");
    const away = createTracing(names);
    await away.start();
    away.span(input).end();
    const startedMs = performance.now();
    await away.shutdown();
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  } finally {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  }
});
