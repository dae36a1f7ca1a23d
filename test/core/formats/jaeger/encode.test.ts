import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJaegerJson } from '../../../../core/formats/jaeger/decode-json.ts'
import { decodeJaegerProto } from '../../../../core/formats/jaeger/decode-proto.ts'
import { jaegerJsonRecords } from '../../../../core/formats/jaeger/encode-json.ts'
import { jaegerProtoRecords } from '../../../../core/formats/jaeger/encode-proto.ts'
import { traceKey } from '../../../../core/formats/jaeger/from-otlp.ts'
import { validate } from '../../../../core/otlp/validate.ts'
import { anyRequest, realisticTraces } from '../../../kit/generate.ts'
import { encodeRequest } from '../../../kit/proto.ts'
import { comparableSpans, decode, JaegerSpan, type Plain, withoutDefaults } from '../formats.ts'

const ENCODINGS = [
  ['jaeger_proto', jaegerProtoRecords, decodeJaegerProto],
  ['jaeger_json', jaegerJsonRecords, decodeJaegerJson],
] as const

const plainSpan = (value: Uint8Array): Plain => withoutDefaults(decode(JaegerSpan, value)) as Plain

function request(resource: Plain, ...spans: Plain[]): Uint8Array {
  return encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })
}

// Scenario: trace ids with and without an upper half.
// Guarantees: Jaeger's keys: 32 hex digits, or 16 when the upper half is zero.
test('records are keyed by the trace id as Jaeger writes it', () => {
  const id = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
  const short = Uint8Array.from(id, (byte, i) => (i < 8 ? 0 : byte))
  assert.equal(traceKey(id).toString(), '0102030405060708090a0b0c0d0e0f10')
  assert.equal(traceKey(short).toString(), '090a0b0c0d0e0f10')
  for (const [, encode] of ENCODINGS) {
    const records = [...encode([request({}, { traceId: id }, { traceId: short }, { traceId: id }, {})])]
    assert.deepEqual(
      records.map(({ key }) => Buffer.from(key!).toString()),
      [
        '0102030405060708090a0b0c0d0e0f10',
        '090a0b0c0d0e0f10',
        '0102030405060708090a0b0c0d0e0f10',
        '0'.repeat(16),
      ],
    )
  }
})

// Scenario: a batch of two requests with different resources and scopes, read by two generators at a time.
// Guarantees: each span has the process and the scope that are around it, and generators do not disturb each other.
test('spans keep their surroundings', () => {
  const named = (name: string): Uint8Array =>
    encodeRequest('traces', {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: name } }] },
          scopeSpans: [
            { scope: { name: `${name}-lib` }, spans: [{ name: `${name}-1` }] },
            { spans: [{ name: `${name}-2` }] },
          ],
        },
        { scopeSpans: [{ spans: [{ name: `${name}-3` }] }] },
      ],
    })
  const chunks = [named('a'), named('b'), named('b')]
  const [one, other] = [jaegerProtoRecords(chunks), jaegerProtoRecords(chunks)]
  const first = [one.next().value!, other.next().value!, ...other].slice(1)
  const values = first.map(({ value }) => plainSpan(value))
  assert.deepEqual(
    values.map(span => [
      span['operationName'],
      (span['process'] as Plain)['serviceName'],
      (span['tags'] as Plain[] | undefined)?.map(tag => tag['vStr']),
    ]),
    ['a', 'b', 'b'].flatMap(name => [
      [`${name}-1`, name, [`${name}-lib`]],
      [`${name}-2`, name, undefined],
      [`${name}-3`, 'OTLPResourceNoServiceName', undefined],
    ]),
  )
  assert.equal([...one].length, 8)
})

// Scenario: a batch that is asked for one record at a time, whose resource is as large as the batch may be.
// Guarantees: no more is made than is asked for, and a record taken stays as it was.
test('records are made as they are asked for', () => {
  const spans = Array.from({ length: 2000 }, (_, i) => ({ name: `span ${i}` }))
  const large = { attributes: [{ key: 'large', value: { stringValue: 'x'.repeat(1_000_000) } }] }
  const records = jaegerProtoRecords([request(large, ...spans)])
  const taken = [records.next().value!, records.next().value!, records.next().value!]
  assert.deepEqual(
    taken.map(({ value }) => plainSpan(value)['operationName']),
    ['span 0', 'span 1', 'span 2'],
  )
})

// Scenario: one span with everything in it.
// Guarantees: the fields that the documentation of the formats names.
test('a span in both encodings', () => {
  const text = (key: string, stringValue: string): Plain => ({ key, value: { stringValue } })
  const traceId = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex')
  const parentSpanId = Buffer.from('0000000000000007', 'hex')
  const bytes = encodeRequest('traces', {
    resourceSpans: [
      {
        resource: {
          attributes: [text('service.name', 'shop'), { key: 'pid', value: { intValue: '9007199254740993' } }],
        },
        scopeSpans: [
          {
            scope: { name: 'lib', version: '1.0' },
            spans: [
              {
                traceId,
                spanId: Buffer.from('0000000000000008', 'hex'),
                parentSpanId,
                traceState: 'a=b',
                name: 'GET /',
                kind: 3,
                startTimeUnixNano: '1700000000123456789',
                endTimeUnixNano: '1700000001123456789',
                attributes: [{ key: 'raw', value: { bytesValue: Uint8Array.of(1, 2) } }],
                events: [
                  { timeUnixNano: '1700000000500000000', name: 'retry', attributes: [text('n', '1')] },
                ],
                links: [
                  {
                    traceId,
                    spanId: parentSpanId,
                    attributes: [text('opentracing.ref_type', 'follows_from')],
                  },
                ],
                status: { code: 2, message: 'broken' },
              },
            ],
          },
        ],
      },
    ],
  })
  const [proto] = jaegerProtoRecords([bytes])
  const [json] = jaegerJsonRecords([bytes])
  const common = {
    traceId: 'AQIDBAUGBwgJCgsMDQ4PEA==',
    spanId: 'AAAAAAAAAAg=',
    operationName: 'GET /',
    references: [{ traceId: 'AQIDBAUGBwgJCgsMDQ4PEA==', spanId: 'AAAAAAAAAAc=', refType: 'FOLLOWS_FROM' }],
    tags: [
      { key: 'otel.scope.name', vStr: 'lib' },
      { key: 'otel.scope.version', vStr: '1.0' },
      { key: 'raw', vType: 'BINARY', vBinary: 'AQI=' },
      { key: 'span.kind', vStr: 'client' },
      { key: 'otel.status_code', vStr: 'ERROR' },
      { key: 'error', vType: 'BOOL', vBool: true },
      { key: 'otel.status_description', vStr: 'broken' },
      { key: 'w3c.tracestate', vStr: 'a=b' },
    ],
    process: { serviceName: 'shop', tags: [{ key: 'pid', vType: 'INT64', vInt64: '9007199254740993' }] },
  }
  const fields = [
    { key: 'event', vStr: 'retry' },
    { key: 'n', vStr: '1' },
  ]
  assert.deepEqual(plainSpan(proto!.value), {
    ...common,
    startTime: { seconds: '1700000000', nanos: 123456789 },
    duration: { seconds: '1' },
    logs: [{ timestamp: { seconds: '1700000000', nanos: 500000000 }, fields }],
  })
  assert.deepEqual(JSON.parse(Buffer.from(json!.value).toString()), {
    ...common,
    startTime: '2023-11-14T22:13:20.123456789Z',
    duration: '1s',
    logs: [{ timestamp: '2023-11-14T22:13:20.500Z', fields }],
  })
})

/** A parent that was only followed stands first after the second way. */
function withSortedLinks(spans: unknown[]): unknown[] {
  return (spans as { item: Plain }[]).map(({ item, ...around }) => {
    const links = ((item['links'] ?? []) as Plain[]).map(one => JSON.stringify(one)).sort()
    return { ...around, item: { ...item, links } }
  })
}

// Scenario: any request, in Jaeger's form and back, twice.
// Guarantees: both encodings say the same, and what Jaeger's form can carry comes back: a second way changes nothing.
test('what Jaeger can carry comes back', () => {
  const there = (bytes: Uint8Array, [, encode, decodeOne]: (typeof ENCODINGS)[number]): Uint8Array[] =>
    [...encode([bytes])].map(({ value }) => decodeOne(value))
  fc.assert(
    fc.property(anyRequest('traces', 6), ({ bytes, untidy }) => {
      const once = there(bytes, ENCODINGS[0])
      const spans = once.map(one => comparableSpans(one))
      assert.deepEqual(
        there(bytes, ENCODINGS[1]).map(one => comparableSpans(one)),
        spans,
      )
      assert.deepEqual(
        there(untidy, ENCODINGS[0]).map(one => comparableSpans(one)),
        spans,
      )
      for (const [i, one] of once.entries()) {
        assert.equal(validate(one, 'traces'), 1)
        const [again] = there(one, ENCODINGS[0])
        assert.deepEqual(withSortedLinks(comparableSpans(again!)), withSortedLinks(spans[i]!))
      }
    }),
    { numRuns: 60 },
  )
  const realistic = realisticTraces(5)
  const back = there(realistic, ENCODINGS[0]).flatMap(one => comparableSpans(one))
  const sent = comparableSpans(realistic).map(one => JSON.stringify(one))
  // Flags are the one field of these that Jaeger's translation drops.
  assert.deepEqual(
    back.map(one => JSON.stringify(one)).sort(),
    sent.map(one => one.replace(/,"flags":1|"flags":1,/, '')).sort(),
  )
})
