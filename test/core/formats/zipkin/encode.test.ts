import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeZipkinJson } from '../../../../core/formats/zipkin/decode-json.ts'
import { decodeZipkinProto } from '../../../../core/formats/zipkin/decode-proto.ts'
import { zipkinJsonRecords } from '../../../../core/formats/zipkin/encode-json.ts'
import { zipkinProtoRecords } from '../../../../core/formats/zipkin/encode-proto.ts'
import { realisticTraces } from '../../../kit/generate.ts'
import { encodeRequest } from '../../../kit/proto.ts'
import { comparableSpans, decode, type Plain, ZipkinList } from '../formats.ts'

const ENCODINGS = [
  [
    zipkinJsonRecords,
    (value: Uint8Array) => JSON.parse(Buffer.from(value).toString()) as Plain[],
    decodeZipkinJson,
  ],
  [
    zipkinProtoRecords,
    (value: Uint8Array) => (decode(ZipkinList, value)['spans'] ?? []) as Plain[],
    decodeZipkinProto,
  ],
] as const

const traceId = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex')
const spanId = Buffer.from('1112131415161718', 'hex')
const text = (key: string, stringValue: string): Plain => ({ key, value: { stringValue } })
const fail = (reason: string): void => assert.fail(reason)

function request(...spans: Plain[]): Uint8Array {
  const resource = { attributes: [text('service.name', 'shop')] }
  return encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })
}

function jsonOf(...spans: Plain[]): Plain[] {
  const full = spans.map(span => ({ traceId, spanId, ...span }))
  const [record] = zipkinJsonRecords([request(...full)], Infinity, fail)
  return JSON.parse(Buffer.from(record!.value).toString())
}

// Scenario: a batch of requests that fit into one message, into several, and of which each span is too large.
// Guarantees: no message is larger than allowed unless it is one span, none is empty, all spans are there in order.
test('messages are cut at the limit', () => {
  const chunks = [realisticTraces(20, 1), realisticTraces(20, 2)]
  for (const [encode, read] of ENCODINGS) {
    const [all, ...none] = encode(chunks, Infinity, fail)
    assert.deepEqual([all!.items, all!.key, none.length], [40, undefined, 0])
    const spans = read(all!.value)
    assert.equal(spans.length, 40)
    for (const limit of [5000, 1500, 1, all!.value.length, all!.value.length - 1]) {
      const records = [...encode(chunks, limit, fail)]
      for (const { value, items } of records) assert.ok(items === 1 || value.length <= limit)
      if (limit === 5000) assert.ok(records.length < 15)
      assert.deepEqual(
        records.map(({ items }) => items).reduce((a, b) => a + b),
        40,
      )
      assert.deepEqual(
        records.flatMap(({ value }) => read(value)),
        spans,
      )
      assert.equal(records.length === 1, limit >= all!.value.length)
    }
    assert.deepEqual([...encode([request()], Infinity, fail)], [])
  }
})

// Scenario: spans without a trace id or span id among others.
// Guarantees: they are told with a reason, the others are written; the Collector fails the whole batch.
test('spans that Zipkin cannot have are rejected one by one', () => {
  for (const [encode, read] of ENCODINGS) {
    const reasons: string[] = []
    const spans = [
      { spanId },
      { traceId },
      { traceId, spanId, name: 'good' },
      { traceId: Buffer.alloc(16), spanId },
    ]
    const [record] = encode([request(...spans)], Infinity, reason => reasons.push(reason))
    assert.deepEqual(
      read(record!.value).map(one => one['name']),
      ['good'],
    )
    assert.deepEqual(reasons, [
      'zipkin needs a trace id',
      'zipkin needs a span id',
      'zipkin needs a trace id',
    ])
  }
})

// Scenario: two scopes, of which the first has attributes and a name.
// Guarantees: they do not leak into the second, as they do in the Collector.
test('scopes do not leak', () => {
  const bytes = encodeRequest('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          { scope: { name: 'lib', attributes: [text('k', 'v')] }, spans: [{ traceId, spanId }] },
          { spans: [{ traceId, spanId }] },
        ],
      },
    ],
  })
  const [record] = zipkinJsonRecords([bytes], Infinity, fail)
  const spans = JSON.parse(Buffer.from(record!.value).toString())
  assert.deepEqual(spans[0].tags, { k: 'v', 'otel.library.name': 'lib' })
  assert.equal(spans[1].tags, undefined)
})

// Scenario: addresses and ports that no endpoint can take.
// Guarantees: they stay tags, where the Collector drops them.
test('what does not fit into an endpoint stays a tag', () => {
  const tagged = (...attributes: Plain[]): Plain => jsonOf({ attributes })[0]!
  const socket = tagged(text('network.peer.address', '/tmp/socket'), text('net.peer.port', '80'))
  assert.deepEqual(socket['tags'], { 'network.peer.address': '/tmp/socket', 'net.peer.port': '80' })
  assert.equal(socket['remoteEndpoint'], undefined)
  const port = tagged(text('peer.service', 'Db'), text('net.peer.port', '70000'))
  assert.deepEqual(port['remoteEndpoint'], { serviceName: 'db' })
  assert.deepEqual(port['tags'], { 'net.peer.port': '70000' })
  const mapped = tagged(text('network.peer.address', '::ffff:10.0.0.1'))
  assert.deepEqual(mapped['remoteEndpoint'], { ipv4: '10.0.0.1' })
})

// Scenario: spans that end before they begin, and times that only 64 bits hold.
// Guarantees: no duration, where the Collector fails the batch; exact digits.
test('times at the edge', () => {
  const start = '1700000000000000000'
  const [backwards, late] = jsonOf(
    { startTimeUnixNano: start, endTimeUnixNano: '1600000000000000000' },
    { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '0' },
  )
  assert.equal(backwards!['duration'], undefined)
  assert.equal(backwards!['timestamp'], 1700000000000000)
  const [record] = zipkinJsonRecords(
    [request({ traceId, spanId, startTimeUnixNano: '18446744073709551615' })],
    Infinity,
    fail,
  )
  assert.match(Buffer.from(record!.value).toString(), /"timestamp":18446744073709552,/)
  assert.ok(late)
})

// Scenario: an event whose attributes have a NaN, nested values and letters that HTML knows.
// Guarantees: JSON that can be read back; the Collector fails the batch at the NaN.
test('events with anything in them', () => {
  const attributes = [
    { key: 'nan', value: { doubleValue: NaN } },
    { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
    text('html', '<&>'),
  ]
  const [span] = jsonOf({ events: [{ timeUnixNano: '1700000000000000000', name: 'e', attributes }] })
  const [{ value }] = span!['annotations'] as [{ value: string }]
  assert.equal(value, 'e|{"html":"\\u003c\\u0026\\u003e","list":[1,null],"nan":"NaN"}|0')
})

// Scenario: requests as services send them, with events and links, in Zipkin's form and back.
// Guarantees: all that Zipkin's form can carry comes back: ids, times to the microsecond, kind, status, tags as texts.
test('what Zipkin can carry comes back', () => {
  const span = {
    traceId,
    spanId,
    parentSpanId: Buffer.alloc(8, 3),
    traceState: 'a=b',
    name: 'get /',
    startTimeUnixNano: '1700000000123456000',
    endTimeUnixNano: '1700000000123556000',
    status: { code: 2, message: 'broken' },
    attributes: [
      text('k', 'v'),
      text('network.peer.address', '2001:db8::1'),
      text('service.peer.name', 'db'),
    ],
    events: [
      { timeUnixNano: '1700000000123457000', name: 'plain' },
      {
        timeUnixNano: '1700000000123458000',
        name: 'a|b',
        droppedAttributesCount: 2,
        attributes: [text('t', 'x|{y}|3')],
      },
    ],
    links: [
      {
        traceId,
        spanId: Buffer.alloc(8, 4),
        traceState: 'c=d',
        droppedAttributesCount: 1,
        attributes: [text('l', '|')],
      },
    ],
  }
  const bytes = encodeRequest('traces', {
    resourceSpans: [
      {
        resource: { attributes: [text('service.name', 'shop'), text('host.name', 'h')] },
        scopeSpans: [
          { scope: { name: 'lib', version: '1' }, spans: [1, 2, 3, 4, 5].map(kind => ({ ...span, kind })) },
        ],
      },
    ],
  })
  for (const [encode, , decodeOne] of ENCODINGS) {
    const [record] = encode([bytes], Infinity, fail)
    assert.deepEqual(comparableSpans(decodeOne(record!.value)), comparableSpans(bytes))
  }
})
