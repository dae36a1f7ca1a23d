/** Requests as OpenTelemetry's JavaScript SDK makes them: real SDK objects, encoded by otlp-transformer. */

import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { AggregationType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

const resource = resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 4711, tags: ['a', 'b'] })

/** Two spans: a server span with an event and attributes of every type, and a failed one that links to it. */
export async function sdkTraces(): Promise<Uint8Array> {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor({ exporter })]
  const provider = new TracerProvider({ resource, spanProcessors })
  const tracer = provider.getTracer('shop-lib', '1.2.3', { schemaUrl: 'https://example.com/schema' })
  const first = tracer.startSpan('GET /', {
    kind: SpanKind.SERVER,
    startTime: [1_700_000_000, 123_456_789],
    attributes: { text: 'ü', whole: -7, broken: 0.5, yes: true, list: [1, 2, 3] },
  })
  first.addEvent('first byte', { size: 12 }, [1_700_000_000, 200_000_000])
  const second = tracer.startSpan('SELECT', {
    links: [{ context: first.spanContext(), attributes: { n: 1 } }],
  })
  second.setStatus({ code: SpanStatusCode.ERROR, message: 'no such table' })
  second.end()
  first.end([1_700_000_001, 1])
  await provider.forceFlush()
  return ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans())!
}

class Collecting extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** A counter, an up-down counter, a gauge, a histogram and an exponential histogram: six points. */
export async function sdkMetrics(): Promise<Uint8Array> {
  const reader = new Collecting()
  const views = [
    { instrumentName: 'sizes', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
  ]
  const meter = new MeterProvider({ resource, readers: [reader], views }).getMeter('shop-lib')
  const counter = meter.createCounter('orders', { unit: '{order}', description: 'Orders made.' })
  counter.add(3, { country: 'NL' })
  counter.add(1, { country: 'DE' })
  meter.createUpDownCounter('carts').add(-2)
  meter.createGauge('temperature', { unit: 'Cel' }).record(21.5)
  for (const ms of [1, 30, 700, 12_345]) meter.createHistogram('latency', { unit: 'ms' }).record(ms)
  for (const size of [0, 1, 1000]) meter.createHistogram('sizes').record(size)
  const { resourceMetrics } = await reader.collect()
  return ProtobufMetricsSerializer.serializeRequest(resourceMetrics)!
}

/** Two log records: text, and a map with every type. */
export async function sdkLogs(): Promise<Uint8Array> {
  const exporter = new InMemoryLogRecordExporter()
  const processors = [new SimpleLogRecordProcessor({ exporter })]
  const provider = new LoggerProvider({ resource, processors })
  const logger = provider.getLogger('shop-log')
  logger.emit({ body: 'hello', severityNumber: 9, severityText: 'INFO', timestamp: [1_700_000_000, 5] })
  const body = { text: 'x', list: [1, 'two', null], bytes: Uint8Array.of(1, 2), inner: { deep: true } }
  logger.emit({ body, eventName: 'happened', attributes: { a: 1 } })
  await provider.forceFlush()
  return ProtobufLogsSerializer.serializeRequest(exporter.getFinishedLogRecords())!
}
