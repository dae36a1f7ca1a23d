import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadMessage } from '../../../../core/formats/bad-message.ts'
import { decodeZipkinJson } from '../../../../core/formats/zipkin/decode-json.ts'
import { decodeZipkinProto } from '../../../../core/formats/zipkin/decode-proto.ts'
import { decodeZipkinThrift } from '../../../../core/formats/zipkin/decode-thrift.ts'
import { comparableSpans, encode, type Plain, ZipkinList } from '../formats.ts'
import { body, i32, i64, list, listOf, string } from '../thrift-writer.ts'

interface Around {
  readonly resource: Plain
  readonly scope: Plain
  readonly item: Plain
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const read = (...spans: Plain[]): Around[] =>
  comparableSpans(decodeZipkinJson(json(spans.map(span => ({ traceId: '1', id: '2', ...span }))))) as Around[]

// Scenario: two spans of one service on two hosts, and one of no service.
// Guarantees: each keeps its own resource; the Collector gives the first host to both and drops the third's.
test('spans keep their own resources', () => {
  const localEndpoint = { serviceName: 'shop' }
  const spans = read(
    { id: 'a', localEndpoint, tags: { 'host.name': 'one', k: 'v' } },
    { id: 'b', localEndpoint, tags: { 'host.name': 'two', 'otel.library.name': 'lib' } },
    { id: 'c', tags: { 'host.name': 'three', 'otel.library.version': '1' } },
  )
  const resources = spans.map(one => (one.resource['attributes'] as string[]).join())
  assert.deepEqual(resources.sort(), [
    'host.name = {"stringValue":"one"},service.name = {"stringValue":"shop"}',
    'host.name = {"stringValue":"three"}',
    'host.name = {"stringValue":"two"},service.name = {"stringValue":"shop"}',
  ])
  assert.deepEqual(spans.map(one => JSON.stringify(one.scope ?? {})).sort(), [
    '{"name":"lib"}',
    '{"version":"1"}',
    '{}',
  ])
})

// Scenario: annotations and links that only look like those with JSON in them, and JSON with lists, maps and large
// integers.
// Guarantees: a name or tag as it is, where the Collector refuses the message; nothing in the JSON is lost or rounded.
test('JSON in annotations and links', () => {
  const value = (text: string): Plain => ({ timestamp: 1, value: text })
  const [{ item }] = read({
    annotations: [
      'a|b',
      'GET|/x|y',
      'a|{b}|c',
      '|{"k":}|1',
      'e|{"n":9007199254740993,"l":[1,{"x":null}]}|7',
    ].map(value),
    tags: { 'otlp.link.0': 'x|y|z|{}|0', 'otlp.link.1': '|||{}|4' },
  }) as [Around]
  const events = item['events'] as Plain[]
  assert.deepEqual(
    events.map(one => one['name']),
    ['a|b', 'GET|/x|y', 'a|{b}|c', '|{"k":}|1', 'e'],
  )
  assert.deepEqual(events.at(-1), {
    timeUnixNano: '1000',
    name: 'e',
    attributes: [
      'l = {"arrayValue":{"values":[{"intValue":"1"},{"kvlistValue":{"values":[{"key":"x","value":{}}]}}]}}',
      'n = {"intValue":"9007199254740993"}',
    ],
    droppedAttributesCount: 7,
  })
  assert.equal((item['attributes'] as string[]).includes('otlp.link.0 = {"stringValue":"x|y|z|{}|0"}'), true)
  assert.deepEqual(item['links'], [{ droppedAttributesCount: 4 }])
})

// Scenario: JSON as clients spell it.
// Guarantees: short ids are padded, names may be in any case, tags may be numbers, times are exact, null is absent.
test('JSON in other spellings', () => {
  const text = `[null,{"TraceID":"1","Id":"2","parentID":null,"timestamp":9007199254740993,"duration":1,
    "tags":{"n":9007199254740993,"b":true,"nothing":null},"localEndpoint":null,"annotations":null}]`
  const [{ item }] = comparableSpans(decodeZipkinJson(Buffer.from(text))) as [Around]
  assert.equal(item['traceId'], 'AAAAAAAAAAAAAAAAAAAAAQ==')
  assert.equal(item['spanId'], 'AAAAAAAAAAI=')
  assert.equal(item['startTimeUnixNano'], '9007199254740993000')
  assert.equal(item['endTimeUnixNano'], '9007199254740994000')
  assert.deepEqual(item['attributes'], [
    'b = {"stringValue":"true"}',
    'n = {"stringValue":"9007199254740993"}',
    'nothing = {"stringValue":""}',
  ])
})

// Scenario: 16 and 32-bit integers below zero in Zipkin v1, ports above 32767, bytes that are no address.
// Guarantees: their sign; the Collector reads them as unsigned.
test('thrift integers keep their sign', () => {
  const tag = (key: string, type: number, value: Uint8Array): Buffer =>
    body([string(1, key), string(2, value), i32(3, type)])
  const span = body([
    i64(1, 1n),
    i64(4, 2n),
    list(8, [tag('a', 2, Buffer.of(0xff, 0xfe)), tag('b', 3, Buffer.of(0xff, 0xff, 0xff, 0xfd))]),
  ])
  const [{ item, resource }] = comparableSpans(decodeZipkinThrift(listOf([span]))) as [Around]
  assert.deepEqual(item['attributes'], ['a = {"intValue":"-2"}', 'b = {"intValue":"-3"}'])
  assert.deepEqual(resource['attributes'], ['service.name = {"stringValue":"unknown-service"}'])
})

// Scenario: messages that are broken in ways that matter.
// Guarantees: a BadMessage that names the format and says what is wrong.
test('broken messages are refused with a reason', () => {
  const span = (more: Plain): Uint8Array => json([{ traceId: '1', id: '2', ...more }])
  const id16 = new Uint8Array(16)
  const id8 = new Uint8Array(8)
  const cases: [RegExp, () => unknown][] = [
    [/not zipkin_json: expected a value/, () => decodeZipkinJson(Buffer.from(''))],
    [/it is not an array of spans/, () => decodeZipkinJson(Buffer.from('{}'))],
    [/a span is not an object/, () => decodeZipkinJson(Buffer.from('[1]'))],
    [/a span has no id/, () => decodeZipkinJson(json([{ traceId: '1' }]))],
    [/traceId is not up to 32 hex digits/, () => decodeZipkinJson(span({ traceId: 'x' }))],
    [/id is not up to 16 hex digits/, () => decodeZipkinJson(span({ id: '11112222333344445' }))],
    [/timestamp is not a whole number/, () => decodeZipkinJson(span({ timestamp: 1.5 }))],
    [/duration is not a whole number/, () => decodeZipkinJson(span({ duration: -1 }))],
    [/ipv4 is not an IP address/, () => decodeZipkinJson(span({ localEndpoint: { ipv4: 'here' } }))],
    [/the port of localEndpoint/, () => decodeZipkinJson(span({ localEndpoint: { port: 65536 } }))],
    [/an annotation has no timestamp/, () => decodeZipkinJson(span({ annotations: [{ value: 'x' }] }))],
    [/the tag k is not a text/, () => decodeZipkinJson(span({ tags: { k: [] } }))],
    [/a span has no trace id/, () => decodeZipkinProto(encode(ZipkinList, { spans: [{ id: id8 }] }))],
    [/a span has no id/, () => decodeZipkinProto(encode(ZipkinList, { spans: [{ traceId: id16 }] }))],
    [
      /a trace id of 8 bytes|a trace id of 7 bytes/,
      () => decodeZipkinProto(encode(ZipkinList, { spans: [{ traceId: id8.subarray(1) }] })),
    ],
    [
      /an IP address of 5 bytes/,
      () =>
        decodeZipkinProto(
          encode(ZipkinList, {
            spans: [{ traceId: id16, id: id8, localEndpoint: { ipv4: id8.subarray(3) } }],
          }),
        ),
    ],
    [/not zipkin_proto: field 1 runs past/, () => decodeZipkinProto(Uint8Array.of(0x0a, 5))],
    [/not zipkin_thrift: the bytes end/, () => decodeZipkinThrift(Uint8Array.of(12, 0, 0))],
    [/a list of type 11 instead of 12/, () => decodeZipkinThrift(Uint8Array.of(11, 0, 0, 0, 1, 0))],
  ]
  for (const [reason, run] of cases)
    assert.throws(
      run,
      (error: Error) => error instanceof BadMessage && reason.test(error.message),
      String(reason),
    )
})
