import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentsOf } from '../../../kit/mode-documents.ts'
import { anyValue, array, attributes, LOG, logsOf, map, SPAN, spansOf } from './samples.ts'

const TRACE = 'a1'.repeat(16)
const SPAN_ID = 'b2'.repeat(8)
const LINK =
  '[{"attribute":{"why":"retry"},"spanID":"e5e5e5e5e5e5e5e5","traceID":"d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"}]'

const AROUND = {
  'Resource.service.name': 'till',
  'Resource.service.instance.id': 'till-7',
  'Resource.deployment.environment.name': 'test',
  'Resource.host.name': 'box',
  'Resource.host.arch': 'arm64',
  'Resource.os.type': 'darwin',
  'Resource.k8s.pod.name': 'till-pod',
  'Resource.telemetry.sdk.name': 'opentelemetry',
  'Resource.telemetry.sdk.language': 'rust',
  'Resource.telemetry.sdk.version': '0.30.1',
  'Scope.lib.kind': 'core',
  'Scope.name': 'shop.lib',
  'Scope.version': '3.1',
}

const stream = (type: string) => ({ type, dataset: 'generic', namespace: 'default' })

function under(prefix: string, fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [`${prefix}${key}`, value]))
}

// Scenario: the same span and log record in modes none and raw.
// Guarantees: the fields of the Collector's documents, sorted; raw leaves the prefixes out; events are part of the span.
test('modes none and raw', () => {
  for (const [mode, prefix, events] of [
    ['none', 'Attributes.', 'Events.'],
    ['raw', '', ''],
  ] as const) {
    const spans = documentsOf('traces', spansOf(SPAN), { mode })
    assert.deepEqual(spans.actions, [{ create: { _index: 'traces-generic-default' } }])
    assert.deepEqual(spans.documents, [
      {
        '@timestamp': '2025-03-04T05:06:07.000000089Z',
        EndTimestamp: '2025-03-04T05:06:07.025000089Z',
        TraceId: TRACE,
        SpanId: SPAN_ID,
        ParentSpanId: 'c3'.repeat(8),
        Name: 'pay',
        Kind: 'SPAN_KIND_CLIENT',
        TraceStatus: 2,
        TraceStatusDescription: 'card refused',
        Link: LINK,
        Duration: 25_000,
        ...AROUND,
        ...under(prefix, {
          'http.request.method': 'POST',
          'http.response.body.size': 512,
          'db.system': 'mysql',
          'db.query.text': 'SELECT 1',
          ratio: 2.5,
          ok: true,
          'basket.size': 3,
          'basket.top.item': 'tea',
          tags: ['a', 1, { x: 1 }],
          raw: '01ff',
        }),
        ...under(`${prefix}data_stream.`, stream('traces')),
        ...under(`${events}charged.`, {
          time: '2025-03-04T05:06:07.010000000Z',
          amount: 9.75,
          'event.name': 'other',
        }),
      },
    ])
    const keys = Object.keys(spans.documents[0]!)
    assert.deepEqual(keys, [...keys].sort())
    const logs = documentsOf('logs', logsOf(LOG, { ...LOG, body: map({ a: map({ b: 1 }) }) }), { mode })
    assert.deepEqual(logs.documents[0], {
      '@timestamp': '2025-03-04T05:06:07.000000089Z',
      TraceId: TRACE,
      SpanId: SPAN_ID,
      TraceFlags: 1,
      SeverityText: 'ERROR',
      SeverityNumber: 17,
      Body: 'card refused',
      ...AROUND,
      ...under(prefix, { 'exception.type': 'CardError', 'event.name': 'pay.failed', attempt: 2 }),
      ...under(`${prefix}data_stream.`, stream('logs')),
    })
    assert.equal(logs.documents[1]['Body.a.b'], 1)
  }
})

// Scenario: the same in mode ecs; the host under both of its names; every code and kind.
// Guarantees: attributes under the names that ECS has for them, objects in objects; what has no name keeps its own.
test('mode ecs', () => {
  const around = {
    service: {
      name: 'till',
      node: { name: 'till-7' },
      environment: 'test',
      language: { name: 'rust', version: '0.30.1' },
    },
    host: { name: 'box', hostname: 'box', architecture: 'arm64', os: { platform: 'darwin' } },
    kubernetes: { pod: { name: 'till-pod' } },
    lib: { kind: 'core' },
  }
  const spans = documentsOf('traces', spansOf(SPAN), { mode: 'ecs' })
  assert.deepEqual(spans.documents, [
    {
      '@timestamp': '2025-03-04T05:06:07.000000089Z',
      ...around,
      trace: { id: TRACE },
      parent: { id: 'c3'.repeat(8) },
      span: {
        id: SPAN_ID,
        name: 'pay',
        kind: 'CLIENT',
        db: { type: 'mysql', statement: 'SELECT 1' },
        links: [{ trace: { id: 'd4'.repeat(16) }, span: { id: 'e5'.repeat(8) } }],
      },
      event: { outcome: 'failure' },
      http: { request: { method: 'POST' }, response: { encoded_body_size: 512 } },
      ratio: 2.5,
      ok: true,
      basket: { size: 3, top: { item: 'tea' } },
      tags: ['a', 1, { x: 1 }],
      raw: '01ff',
      data_stream: stream('traces'),
    },
  ])
  const logs = documentsOf('logs', logsOf(LOG, { ...LOG, body: anyValue(3) }), { mode: 'ecs' })
  const log = {
    '@timestamp': '2025-03-04T05:06:07.000000089Z',
    ...around,
    trace: { id: TRACE },
    span: { id: SPAN_ID },
    log: { level: 'ERROR' },
    event: { severity: 17, action: 'pay.failed' },
    error: { type: 'CardError' },
    message: 'card refused',
    attempt: 2,
    data_stream: stream('logs'),
  }
  assert.deepEqual(logs.documents[0], log)
  assert.equal(logs.documents[1].message, undefined)
  const both = { attributes: attributes({ 'host.name': 'a', 'host.hostname': 'b' }) }
  const named = documentsOf(
    'logs',
    { resourceLogs: [{ resource: both, scopeLogs: [{ logRecords: [LOG] }] }] },
    { mode: 'ecs' },
  )
  assert.deepEqual(named.documents[0].host, { name: 'a', hostname: 'b' })
})

// Scenario: metrics in mode ecs, of all kinds.
// Guarantees: values beside the attributes; the unit does not keep points apart.
test('metrics in mode ecs', () => {
  const at = { timeUnixNano: '1741064767000000089', attributes: attributes({ 'http.method': 'GET' }) }
  const metrics = [
    { name: 'a.b', unit: 's', gauge: { dataPoints: [{ ...at, asDouble: 2 }] } },
    { name: 'a.c', unit: 'ms', gauge: { dataPoints: [{ ...at, asInt: '3' }] } },
    { name: 'h', histogram: { aggregationTemporality: 1, dataPoints: [{ ...at, count: '2', sum: 4 }] } },
    { name: 'none', histogram: { aggregationTemporality: 1, dataPoints: [{ ...at }] } },
    { name: 's', summary: { dataPoints: [{ ...at, count: '2', sum: 4 }] } },
  ]
  const resource = { attributes: attributes({ 'service.name': 'till', 'os.name': 'Android' }) }
  const made = documentsOf(
    'metrics',
    { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'x' }, metrics }] }] },
    { mode: 'ecs' },
  )
  assert.equal(made.items, 5)
  assert.deepEqual(made.actions, [{ create: { _index: 'metrics-generic-default' } }])
  assert.deepEqual(made.documents, [
    {
      '@timestamp': '2025-03-04T05:06:07.000000089Z',
      service: { name: 'till' },
      host: { os: { name: 'Android' } },
      http: { method: 'GET' },
      data_stream: stream('metrics'),
      a: { b: 2, c: 3 },
      h: { counts: [2], values: [2] },
      s: { sum: 4, value_count: 2 },
    },
  ])
})

// Scenario: values where objects are, with other keys sorted between them; equal keys; fields that the schema has as values;
// empty maps and arrays, also in arrays; a deep chain of such conflicts.
// Guarantees: no document has a key twice or a value where an object is; the last of equal keys counts; the schema's
// values stay.
test("fields that are in each other's way", () => {
  const made = (values: Parameters<typeof attributes>[0], mode: string, more: object[] = []) => {
    const record = { attributes: [...attributes(values), ...more] }
    return documentsOf('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }, { mode })
  }
  const conflict = { a: 1, 'a-b': 2, 'a.c': 3, empty: map({}), none: array(), deep: array(map({}), array()) }
  const flat = made(conflict, 'raw').documents[0]
  assert.deepEqual(
    [flat['a.value'], flat['a-b'], flat['a.c'], flat.a, flat.empty, flat.none],
    [1, 2, 3, undefined, undefined, undefined],
  )
  assert.deepEqual(flat.deep, [null, []])
  const ecs = made(conflict, 'ecs').documents[0]
  assert.deepEqual([ecs.a, ecs['a-b']], [{ value: 1, c: 3 }, 2])
  const chain = made({ a: 1, 'a.value': 2, 'a.value.value': 3, 'a.value.value.x': 4 }, 'ecs')
  const keys = chain.texts[0]!.match(/"value"/g)!.length
  assert.ok(keys <= 3, chain.texts[0]!)
  const twice = made({ 'a.b': 1, a: map({ b: 2 }) }, 'raw', attributes({ 'a.b': 3 }))
  assert.equal(twice.documents[0]['a.b'], 3)
  assert.equal(twice.texts[0]!.match(/"a\.b"/g)!.length, 1)
  const alike = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => ['k'.repeat(i + 1), i]))
  const many = made({ ...alike, 'k.x': 1, [`${'k'.repeat(50)}.y`]: 2 }, 'raw').documents[0]
  assert.deepEqual([many['k.value'], many['k.x'], many[`${'k'.repeat(50)}.value`]], [0, 1, 49])
  const kept = made({ 'exception.type': 'T', 'error.type.x': 1 }, 'ecs').documents[0]
  assert.deepEqual(kept.error, { type: 'T' })
})
