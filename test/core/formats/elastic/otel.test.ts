import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentsOf } from '../../../kit/mode-documents.ts'
import { anyValue, array, attributes, LOG, logsOf, map, SPAN, START, spansOf } from './samples.ts'

const RESOURCE = {
  attributes: {
    'service.name': 'till',
    'service.instance.id': 'till-7',
    'deployment.environment.name': 'test',
    'host.name': 'box',
    'host.arch': 'arm64',
    'os.type': 'darwin',
    'k8s.pod.name': 'till-pod',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'rust',
    'telemetry.sdk.version': '0.30.1',
  },
  dropped_attributes_count: 2,
}
const SCOPE = { name: 'shop.lib', version: '3.1', attributes: { 'lib.kind': 'core' } }
const TRACE = 'a1'.repeat(16)
const SPAN_ID = 'b2'.repeat(8)

// Scenario: a span with every field.
// Guarantees: the document of the Collector's otel mode, field by field and in its order; the event is a document of its
// own among the logs, named by the event whatever an attribute says; times keep their nanoseconds.
test('spans and their events', () => {
  const { actions, documents, texts, items } = documentsOf('traces', spansOf(SPAN))
  assert.deepEqual(actions, [
    { create: { _index: 'traces-generic.otel-default', require_data_stream: true } },
    { create: { _index: 'logs-generic.otel-default', require_data_stream: true } },
  ])
  assert.equal(items, 1)
  const resource = { schema_url: 'https://schemas/1', ...RESOURCE }
  const scope = { schema_url: 'https://schemas/2', ...SCOPE }
  const span = {
    '@timestamp': '1741064767000.000089',
    data_stream: { type: 'traces', dataset: 'generic.otel', namespace: 'default' },
    trace_id: TRACE,
    span_id: SPAN_ID,
    trace_state: 'a=1',
    parent_span_id: 'c3'.repeat(8),
    name: 'pay',
    kind: 'Client',
    duration: 25_000_000,
    attributes: {
      'http.request.method': 'POST',
      'http.response.body.size': 512,
      'db.system': 'mysql',
      'db.query.text': 'SELECT 1',
      ratio: 2.5,
      ok: true,
      basket: { size: 3, 'top.item': 'tea' },
      tags: ['a', 1, { x: 1 }],
      raw: '01ff',
      nothing: null,
    },
    dropped_attributes_count: 4,
    dropped_events_count: 5,
    links: [
      {
        trace_id: 'd4'.repeat(16),
        span_id: 'e5'.repeat(8),
        trace_state: 'b=2',
        attributes: { why: 'retry' },
        dropped_attributes_count: 1,
      },
    ],
    dropped_links_count: 6,
    status: { message: 'card refused', code: 'Error' },
    resource,
    scope,
  }
  assert.deepEqual(documents[0], span)
  assert.equal(texts[0], JSON.stringify(span))
  assert.deepEqual(documents[1], {
    '@timestamp': '1741064767010.0',
    data_stream: { type: 'logs', dataset: 'generic.otel', namespace: 'default' },
    trace_id: TRACE,
    span_id: SPAN_ID,
    dropped_attributes_count: 8,
    event_name: 'charged',
    attributes: { amount: 9.75, 'event.name': 'charged' },
    resource,
    scope,
  })
})

// Scenario: a span with nothing in it; one that ends before it begins; kinds and statuses out of range.
// Guarantees: absent fields are absent; a duration is never beyond 64 bits.
test('spans with little or wrong in them', () => {
  const backwards = { startTimeUnixNano: START, endTimeUnixNano: '1', kind: 77, status: { code: 9 } }
  const { documents } = documentsOf('traces', {
    resourceSpans: [{ scopeSpans: [{ spans: [{}, backwards, { status: { code: 1 } }] }] }],
  })
  const stream = { type: 'traces', dataset: 'generic.otel', namespace: 'default' }
  const rest = { links: [], status: {}, resource: {}, scope: {} }
  assert.deepEqual(documents[0], {
    '@timestamp': '0.0',
    data_stream: stream,
    kind: 'Unspecified',
    duration: 0,
    ...rest,
  })
  assert.deepEqual(documents[1], {
    '@timestamp': '1741064767000.000089',
    data_stream: stream,
    duration: 0,
    ...rest,
  })
  assert.deepEqual(documents[2].status, { code: 'Ok' })
})

// Scenario: a log record with every field; bodies of every kind; no time; names of events by field and by attribute.
// Guarantees: the document of the Collector's otel mode; maps and arrays of maps are structured, other arrays wrapped.
test('logs', () => {
  const bodies = [
    map({ a: map({ b: 1 }) }),
    array(map({ a: 1 }), map({ a: 2 })),
    array('a', map({ a: 2 })),
    anyValue(3),
    anyValue(1.5),
    {},
  ]
  const { documents, items } = documentsOf(
    'logs',
    logsOf(LOG, ...bodies.map(body => ({ ...LOG, timeUnixNano: '0', body, eventName: 'named' }))),
  )
  assert.equal(items, 7)
  const log = {
    '@timestamp': '1741064767000.000089',
    observed_timestamp: '1741064768000.0',
    data_stream: { type: 'logs', dataset: 'generic.otel', namespace: 'default' },
    severity_text: 'ERROR',
    severity_number: 17,
    trace_id: TRACE,
    span_id: SPAN_ID,
    attributes: { 'exception.type': 'CardError', 'event.name': 'pay.failed', attempt: 2 },
    dropped_attributes_count: 3,
    event_name: 'pay.failed',
    resource: RESOURCE,
    scope: SCOPE,
    body: { text: 'card refused' },
  }
  assert.deepEqual(documents[0], log)
  assert.equal(documents[1]['@timestamp'], '1741064768000.0')
  assert.equal(documents[1].event_name, 'named')
  assert.deepEqual(
    documents.slice(1).map(({ body }) => body),
    [
      { structured: { a: { b: 1 } } },
      { structured: [{ a: 1 }, { a: 2 }] },
      { structured: { value: ['a', { a: 2 }] } },
      { text: 3 },
      { text: 1.5 },
      undefined,
    ],
  )
})

// Scenario: attributes that name places, data streams and what to do with the document; keys that come twice, also in a
// map; doubles of every size; texts that are no UTF-8; forty keys.
// Guarantees: places are points where both halves are there; what only says where to go is not in the document; the first
// of equal keys counts; doubles have a point; what is no number is null; every document is JSON.
test('attributes', () => {
  const twice = { kvlistValue: { values: [...attributes({ a: 1 }), ...attributes({ a: 2, b: 3 })] } }
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, i]))
  const values = {
    'geo.location.lat': 1.5,
    'geo.location.lon': 2.5,
    'from.geo.location.lon': 3.5,
    'geo.location.lonely': 4.5,
    'xgeo.location.lat': 5.5,
    'to.geo.location.lat': 'no double',
    'data_stream.dataset': 'd',
    'elasticsearch.mapping.hints': array('x'),
    'elastic.mapping.mode': 'otel',
    'elasticsearch.document_id': 'id',
    'elasticsearch.ingest_pipeline': 'p',
    twice,
    whole: { doubleValue: 7 },
    huge: { doubleValue: 1e300 },
    tiny: { doubleValue: -1e-9 },
    zero: { doubleValue: -0 },
    nan: { doubleValue: NaN },
    large: { intValue: '-9223372036854775808' },
    ...many,
  }
  const record = { attributes: [...attributes(values), ...attributes({ whole: 'again', key39: 'again' })] }
  const { texts, documents } = documentsOf('logs', logsOf(record))
  assert.deepEqual(documents[0].attributes, {
    'geo.location.lonely': 4.5,
    'xgeo.location.lat': 5.5,
    'to.geo.location.lat': 'no double',
    twice: { a: 1, b: 3 },
    whole: 7,
    huge: 1e300,
    tiny: -1e-9,
    zero: -0,
    nan: null,
    large: -(2 ** 63),
    ...many,
    'geo.location': [2.5, 1.5],
    'from.geo.location.lon': 3.5,
  })
  assert.match(texts[0]!, /"whole":7\.0,"huge":1\.0e\+300,"tiny":-1\.0e-9,"zero":-0\.0,"nan":null,/)
  assert.match(texts[0]!, /"large":-9223372036854775808,/)
  assert.equal(texts[0]!.match(/"key39"/g)!.length, 1)
})
