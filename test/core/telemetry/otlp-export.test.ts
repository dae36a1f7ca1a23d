import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../config/schema.ts'
import { Metrics } from '../../../core/telemetry/metrics.ts'
import { OtlpEncoder } from '../../../core/telemetry/otlp-export.ts'
import { decodeRequest } from '../../kit/proto.ts'

/** Loosely typed on purpose: the assertions say what must be there. */
const decoded = (signal: 'traces' | 'metrics' | 'logs', bytes: Uint8Array) =>
  JSON.parse(JSON.stringify(decodeRequest(signal, bytes)))

const RESOURCE = { 'service.name': 'sluice' }
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'sluice' } }] }

// Scenario: a counter, a gauge and a histogram as OTLP metrics, judged by the official definitions.
// Guarantees: a counter is a monotonic cumulative sum since the start, counts are integers, values and buckets are exact, times are right.
test('metrics become sums, gauges and histograms', () => {
  const metrics = new Metrics()
  const declare = (kind: 'counter' | 'gauge' | 'histogram', name: string) =>
    ({ kind, name, unit: 's', help: 'h', labels: ['l'], buckets: [1, 2], level: 'basic' }) as const
  metrics.counter({ ...declare('counter', 'a'), unit: '{spans}' }).add(7, { l: 'x' })
  metrics.gauge(declare('gauge', 'b')).set(-0.5, { l: 'x' })
  const histogram = metrics.histogram(declare('histogram', 'c'))
  for (const value of [0.5, 1.5, 9]) histogram.record(value, { l: 'x' })
  const bytes = new OtlpEncoder(RESOURCE, false).metrics(metrics.snapshot(), 1000, 2500.25)
  const common = {
    attributes: [{ key: 'l', value: { stringValue: 'x' } }],
    startTimeUnixNano: '1000000000',
    timeUnixNano: '2500250000',
  }
  const { resourceMetrics } = decoded('metrics', bytes)
  assert.deepEqual(resourceMetrics[0].resource.attributes, resource.attributes)
  const [a, b, c] = resourceMetrics[0].scopeMetrics[0].metrics
  assert.deepEqual([a.name, a.unit, a.description], ['a', '{spans}', 'h'])
  assert.deepEqual(a.sum, {
    aggregationTemporality: 2,
    isMonotonic: true,
    dataPoints: [{ ...common, asInt: '7' }],
  })
  assert.equal(b.gauge.dataPoints[0].asDouble, -0.5)
  const { bucketCounts, explicitBounds, count, sum } = c.histogram.dataPoints[0]
  assert.deepEqual([bucketCounts, explicitBounds, count, sum], [['1', '1', '1'], [1, 2], '3', 11])
})

// Scenario: a root span that failed and a child of a remote parent.
// Guarantees: ids, kind, times, attributes and status arrive as they were.
test('spans keep ids and outcome', () => {
  const span = {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '0102030405060708',
    parentSpanId: '',
    name: 'receiver/otlp/TraceDataReceived',
    start: 1000,
    end: 1001.5,
    attributes: { transport: 'grpc', accepted_spans: 3 },
    error: 'busy',
  }
  const bytes = new OtlpEncoder(RESOURCE, false).spans([
    span,
    { ...span, spanId: '1111111111111111', parentSpanId: '2222222222222222', error: undefined },
  ])
  const { resourceSpans } = decoded('traces', bytes)
  const [root, child] = resourceSpans[0].scopeSpans[0].spans
  assert.equal(Buffer.from(root.traceId, 'base64').toString('hex'), span.traceId)
  assert.deepEqual(
    [
      root.name,
      root.kind,
      root.startTimeUnixNano,
      root.endTimeUnixNano,
      root.status.code,
      root.status.message,
    ],
    [span.name, 2, '1000000000', '1001500000', 2, 'busy'],
  )
  assert.equal(root.parentSpanId, undefined)
  assert.equal(Buffer.from(child.parentSpanId, 'base64').toString('hex'), '2222222222222222')
  assert.equal(child.status.code ?? 0, 0)
})

// Scenario: a log line with a secret, a nested value and a big integer, as protobuf and as JSON.
// Guarantees: severity and body are right, and the secret is not in either.
test('log lines carry no secrets', () => {
  const record = {
    level: 'warn' as const,
    message: 'Refused',
    fields: { token: new Secret('hunter2'), nested: { a: 1 }, big: 2n ** 63n, gone: undefined },
    time: 1500,
  }
  const bytes = new OtlpEncoder(RESOURCE, false).logs([record])
  const { resourceLogs } = decoded('logs', bytes)
  const [log] = resourceLogs[0].scopeLogs[0].logRecords
  assert.deepEqual(
    [log.severityNumber, log.severityText, log.body.stringValue, log.timeUnixNano],
    [13, 'warn', 'Refused', '1500000000'],
  )
  const json = Buffer.from(new OtlpEncoder(RESOURCE, true).logs([record])).toString()
  assert.equal(JSON.parse(json).resourceLogs[0].scopeLogs[0].logRecords[0].severityText, 'warn')
  for (const text of [Buffer.from(bytes).toString('latin1'), json])
    assert.equal(text.includes('hunter2'), false)
  assert.match(json, /9223372036854775808/)
})
