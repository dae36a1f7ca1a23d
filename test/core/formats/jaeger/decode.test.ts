import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadMessage } from '../../../../core/formats/bad-message.ts'
import { decodeJaegerJson } from '../../../../core/formats/jaeger/decode-json.ts'
import { decodeJaegerBatch, decodeJaegerProto } from '../../../../core/formats/jaeger/decode-proto.ts'
import { comparableSpans, encode, JaegerBatch, JaegerSpan, type Plain } from '../formats.ts'

const ID = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) }

function read(span: Plain): Plain {
  return comparableSpans(decodeJaegerProto(encode(JaegerSpan, { ...ID, ...span })))[0] as Plain
}

// Scenario: tags whose names promise something that their values do not keep.
// Guarantees: they stay attributes, where the Collector drops them.
test('no tag is lost', () => {
  const tags = [
    { key: 'span.kind', vStr: 'sideways' },
    { key: 'w3c.tracestate', vType: 'INT64', vInt64: '5' },
  ]
  const { item } = read({ tags, logs: [{ fields: [{ key: 'event', vType: 'INT64', vInt64: '3' }] }] }) as {
    item: Plain
  }
  assert.deepEqual(item['attributes'], [
    'span.kind = {"stringValue":"sideways"}',
    'w3c.tracestate = {"intValue":"5"}',
  ])
  assert.deepEqual(item['events'], [{ attributes: ['event = {"intValue":"3"}'] }])
  assert.equal(item['kind'], undefined)
})

// Scenario: a process without a name, but with tags.
// Guarantees: the tags are the resource.
test('a process without a name keeps its tags', () => {
  const process = { serviceName: 'OTLPResourceNoServiceName', tags: [{ key: 'k', vStr: 'v' }] }
  assert.deepEqual(read({ process })['resource'], { attributes: ['k = {"stringValue":"v"}'] })
})

// Scenario: ids of 8 bytes, as clients before 128-bit ids sent them, in both encodings.
// Guarantees: they are the lower half.
test('short trace ids are padded', () => {
  const proto = decodeJaegerProto(
    encode(JaegerSpan, { traceId: Buffer.alloc(8, 1), spanId: Buffer.alloc(8, 2) }),
  )
  const json = decodeJaegerJson(Buffer.from('{"traceId":"AQEBAQEBAQE=","spanId":"AgICAgICAgI="}'))
  for (const bytes of [proto, json]) {
    const [one] = comparableSpans(bytes) as { item: Plain }[]
    assert.equal(
      Buffer.from(one!.item['traceId'] as string, 'base64').toString('hex'),
      `${'00'.repeat(8)}${'01'.repeat(8)}`,
    )
  }
})

// Scenario: a batch with a process of its own, of whose spans one has another.
// Guarantees: a span's own process counts; the batch's is for those without.
test('a batch lends its process', () => {
  const bytes = encode(JaegerBatch, {
    spans: [
      { ...ID, operationName: 'a' },
      { ...ID, operationName: 'b', process: { serviceName: 'other' } },
    ],
    process: { serviceName: 'shop' },
  })
  const spans = comparableSpans(decodeJaegerBatch(bytes)) as { resource: Plain; item: Plain }[]
  const names = spans.map(({ resource, item }) => `${item['name']}: ${resource['attributes']}`)
  assert.deepEqual(names.sort(), [
    'a: service.name = {"stringValue":"shop"}',
    'b: service.name = {"stringValue":"other"}',
  ])
})

// Scenario: JSON as other writers than gogo spell it.
// Guarantees: names of the .proto, numbers without quotes, enums as numbers, null and unknown members are taken.
test('JSON in other spellings', () => {
  const text = `{"trace_id":"AQEBAQEBAQEBAQEBAQEBAQ==","span_id":"AgICAgICAgI=","operation_name":"op","unknown":[{}],
    "start_time":"2023-11-14T23:13:20.5+01:00","duration":"0.000000001s","references":null,"process":null,
    "tags":[{"key":"i","v_type":2,"v_int64":9007199254740993},{"key":"f","vType":"FLOAT64","vFloat64":"-Infinity"},
    {"key":"b","vType":"BINARY","vBinary":"_w"}]}`
  const [{ item }] = comparableSpans(decodeJaegerJson(Buffer.from(text))) as [{ item: Plain }]
  assert.equal(item['startTimeUnixNano'], '1700000000500000000')
  assert.equal(item['endTimeUnixNano'], '1700000000500000001')
  assert.deepEqual(item['attributes'], [
    'b = {"bytesValue":"/w=="}',
    'f = {"doubleValue":"-Infinity"}',
    'i = {"intValue":"9007199254740993"}',
  ])
})

// Scenario: messages that are broken in ways that matter.
// Guarantees: a BadMessage that names the format and says what is wrong.
test('broken messages are refused with a reason', () => {
  const proto: [RegExp, number[]][] = [
    [/not jaeger_proto: field 1 runs past the end/, [0x0a, 0x10, 1]],
    [/a trace id of 1 bytes/, [0x0a, 0x01, 1]],
    [/a span id of 2 bytes/, [0x12, 0x02, 1, 1]],
    [/wire type 0 is wrong for field 3/, [0x18, 0x01]],
    [/wire type 3 is not supported/, [0x0b]],
    [/field number 0/, [0x00, 0x01]],
    [/varint of more than 10 bytes/, [0x28, ...Array(11).fill(0x80), 1]],
    [/field 5 runs past/, [0x28, 0x80]],
  ]
  for (const [reason, bytes] of proto)
    assert.throws(
      () => decodeJaegerProto(Uint8Array.from(bytes)),
      (error: Error) => error instanceof BadMessage && reason.test(error.message),
      String(reason),
    )
  const json: [RegExp, string][] = [
    [/not jaeger_json: expected a value/, ''],
    [/the span is not an object/, '[]'],
    [/traceId is not base64/, '{"traceId":"!"}'],
    [/traceId has 1 bytes/, '{"traceId":"AQ=="}'],
    [/startTime is not a time/, '{"startTime":"today"}'],
    [/duration is not seconds/, '{"duration":"1h"}'],
    [/vInt64 is not a 64-bit integer/, '{"tags":[{"vType":"INT64","vInt64":"9223372036854775808"}]}'],
    [/vType is none of STRING, BOOL/, '{"tags":[{"vType":"TEXT"}]}'],
    [/tags is not an array/, '{"tags":{}}'],
    [/operationName is not a text/, '{"operationName":1}'],
  ]
  for (const [reason, text] of json)
    assert.throws(
      () => decodeJaegerJson(Buffer.from(text)),
      (error: Error) => error instanceof BadMessage && reason.test(error.message),
      String(reason),
    )
})
