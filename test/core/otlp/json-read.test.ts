import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonToRequest, OtlpJsonError } from '../../../core/otlp/json.ts'
import type { Signal } from '../../../core/otlp/signals.ts'
import { NESTING_MAX, validate } from '../../../core/otlp/validate.ts'
import { decodeRequest } from '../../kit/proto.ts'

function read(text: string | Uint8Array, signal: Signal = 'traces'): Record<string, unknown> {
  const bytes = jsonToRequest(Buffer.from(text as string), signal)
  validate(bytes, signal)
  return decodeRequest(signal, bytes)
}

/** The one span in `{"resourceSpans":[{"scopeSpans":[{"spans":[HERE]}]}]}`. */
function readSpan(span: string): Record<string, unknown> {
  const { resourceSpans } = read(`{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`) as {
    resourceSpans: [{ scopeSpans: [{ spans: [Record<string, unknown>] }] }]
  }
  return resourceSpans[0].scopeSpans[0].spans[0]
}

/** The value of the one attribute of a span. */
function readValue(value: string): unknown {
  const { attributes } = readSpan(`{"attributes":[{"key":"k","value":${value}}]}`) as {
    attributes: [{ value: unknown }]
  }
  return attributes[0].value
}

function readPoint(point: string, kind = 'gauge'): Record<string, unknown> {
  const text = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"${kind}":{"dataPoints":[${point}]}}]}]}]}`
  const { resourceMetrics } = read(text, 'metrics') as {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [Record<string, { dataPoints: [Record<string, unknown>] }>] }] },
    ]
  }
  return resourceMetrics[0].scopeMetrics[0].metrics[0][kind]!.dataPoints[0]
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

// Scenario: a span as a hand-written request has it, ids in mixed case, an enum by name, snake_case beside camelCase.
// Guarantees: every field arrives; this is what the Collector 0.155 accepts.
test('names in both spellings, ids in any case, enums by name', () => {
  const span = readSpan(`{
    "traceId": "5B8EFFF798038103D269B633813FC60C", "span_id": "eee19b7ec3c1b174", "parentSpanId": "EEE19B7EC3C1B173",
    "name": "I'm a server span", "start_time_unix_nano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
    "kind": "SPAN_KIND_SERVER", "status": {"code": "STATUS_CODE_ERROR"}, "dropped_attributes_count": "3"
  }`)
  assert.deepEqual(span, {
    traceId: base64('5b8efff798038103d269b633813fc60c'),
    spanId: base64('eee19b7ec3c1b174'),
    parentSpanId: base64('eee19b7ec3c1b173'),
    name: "I'm a server span",
    startTimeUnixNano: '1544712660000000000',
    endTimeUnixNano: '1544712661000000000',
    kind: 2,
    status: { code: 2 },
    droppedAttributesCount: 3,
  })
})

// Scenario: integers beyond 2^53, as strings and as bare numbers, at both ends of their range.
// Guarantees: no digit is lost.
test('64-bit integers are exact as strings and as numbers', () => {
  for (const digits of ['9007199254740993', '9223372036854775807', '-9223372036854775808', '-1', '0']) {
    assert.deepEqual(readValue(`{"intValue":"${digits}"}`), { intValue: digits })
    assert.deepEqual(readValue(`{"intValue":${digits}}`), { intValue: digits })
    assert.deepEqual(readPoint(`{"asInt":${digits}}`), { asInt: digits })
  }
  assert.deepEqual(readSpan('{"startTimeUnixNano":18446744073709551615}'), {
    startTimeUnixNano: '18446744073709551615',
  })
  assert.deepEqual(readValue('{"intValue":1e3}'), { intValue: '1000' })
  assert.deepEqual(readValue('{"intValue":-5.0}'), { intValue: '-5' })
})

// Scenario: every kind of value, the empty one and null among them.
// Guarantees: the empty value stays a value, null is absence, an empty list in a value stays a list.
test('values of all kinds', () => {
  assert.deepEqual(readValue('{}'), {})
  assert.deepEqual(readValue('{"stringValue":null}'), {})
  assert.deepEqual(readValue('{"stringValue":""}'), { stringValue: '' })
  assert.deepEqual(readValue('{"boolValue":false}'), { boolValue: false })
  assert.deepEqual(readValue('{"doubleValue":1}'), { doubleValue: 1 })
  assert.deepEqual(readValue('{"doubleValue":"-1.5e3"}'), { doubleValue: -1500 })
  assert.deepEqual(readValue('{"doubleValue":"NaN"}'), { doubleValue: Number.NaN })
  assert.deepEqual(readValue('{"doubleValue":"Infinity"}'), { doubleValue: Infinity })
  assert.deepEqual(readValue('{"doubleValue":"-Infinity"}'), { doubleValue: -Infinity })
  assert.ok(Object.is((readValue('{"doubleValue":-0}') as { doubleValue: number }).doubleValue, -0))
  assert.deepEqual(readValue('{"arrayValue":{}}'), { arrayValue: {} })
  assert.deepEqual(readValue('{"arrayValue":{"values":[{"intValue":1},null,{}]}}'), {
    arrayValue: { values: [{ intValue: '1' }, {}, {}] },
  })
  assert.deepEqual(readValue('{"kvlistValue":{"values":[{"key":"a","value":{"boolValue":true}}]}}'), {
    kvlistValue: { values: [{ key: 'a', value: { boolValue: true } }] },
  })
  for (const text of ['aGk_-w==', 'aGk/+w==', 'aGk_-w', 'aGk\\/+w==']) {
    assert.deepEqual(readValue(`{"bytesValue":"${text}"}`), { bytesValue: 'aGk/+w==' }, text)
  }
})

// Scenario: numbers of all widths, signed by zigzag and packed.
// Guarantees: they arrive, with the signs they had.
test('numbers of all widths', () => {
  const point = readPoint(
    '{"count":"7","scale":-3,"positive":{"offset":-2147483648,"bucketCounts":["1",2,"18446744073709551615"]},' +
      '"zeroThreshold":1e-300,"sum":0,"flags":4294967295}',
    'exponentialHistogram',
  )
  assert.deepEqual(point, {
    count: '7',
    sum: 0,
    scale: -3,
    positive: { offset: -2147483648, bucketCounts: ['1', '2', '18446744073709551615'] },
    flags: 4294967295,
    zeroThreshold: 1e-300,
  })
  assert.deepEqual(readPoint('{"explicitBounds":[0,-0.5,"Infinity"],"bucketCounts":[]}', 'histogram'), {
    explicitBounds: [0, -0.5, Infinity],
  })
})

// Scenario: escapes of all sorts in a name, whole and broken surrogate pairs, and bytes that are no UTF-8.
// Guarantees: the text is what JSON.parse makes of it, with U+FFFD for what no UTF-8 can hold.
test('strings with escapes', () => {
  const cases: [string, string][] = [
    ['\\"\\\\\\/\\b\\f\\n\\r\\t', '"\\/\b\f\n\r\t'],
    ['\\u00e9\\u20AC\\uD83D\\uDE00 \\u0000', 'é€😀 \0'],
    ['a\\ud83dz', 'a\ufffdz'],
    ['a\\ude00z', 'a\ufffdz'],
    ['\\ud83d\\ud83d\\ude00', '\ufffd😀'],
    ['\\ud83d\\n', '\ufffd\n'],
    ['日本語', '日本語'],
  ]
  for (const [written, meant] of cases) assert.equal(readSpan(`{"name":"${written}"}`)['name'], meant)
  assert.equal(readSpan('{"n\\u0061me":"x"}')['name'], 'x')
  const broken = Buffer.concat([
    Buffer.from('{"resourceSpans":[{"schemaUrl":"'),
    Buffer.from([0xff, 0x41]),
    Buffer.from('"}]}'),
  ])
  assert.deepEqual(read(broken), { resourceSpans: [{ schemaUrl: '\ufffdA' }] })
})

// Scenario: what the request does not know, what says nothing, a byte order mark, white space, a name that comes twice.
// Guarantees: they change nothing; the last scalar wins and lists are appended.
test('unknown names, nulls, white space and repeated names', () => {
  assert.deepEqual(read('\ufeff {} \n'), {})
  assert.deepEqual(read('{"resourceSpans":null}'), {})
  assert.deepEqual(
    read(
      '{"what":[1,{"a":[true,false,null,"\\u0041"]},-1.5e-3],"" : {},"resourceSpans":[\n{ "resource" : {} }\t]}',
    ),
    { resourceSpans: [{ resource: {} }] },
  )
  assert.deepEqual(readSpan('{"name":"a","kind":1,"name":"b","kind":0,"kind":3}'), { name: 'b', kind: 3 })
  assert.equal((read('{"resourceSpans":[{}],"resourceSpans":[{}]}')['resourceSpans'] as unknown[]).length, 2)
})

// Scenario: values nested as deep as allowed, one deeper, and brackets without end where nobody reads.
// Guarantees: the bound is that of the door for protobuf, and too deep is an error, not a stack overflow.
test('nesting is bounded', () => {
  const nested = (levels: number): string =>
    ['{"arrayValue":{"values":['.repeat(levels - 1), '{"intValue":"1"}', ']}}'.repeat(levels - 1)].join('')
  // The oracle has a smaller bound of its own, the door has not.
  const deepest = `{"resourceSpans":[{"resource":{"attributes":[{"value":${nested(NESTING_MAX)}}]}}]}`
  assert.equal(validate(jsonToRequest(Buffer.from(deepest), 'traces'), 'traces'), 0)
  assert.throws(() => readValue(nested(NESTING_MAX + 1)), /values nested deeper than 64 levels/)
  assert.throws(() => readValue(nested(100_000)), OtlpJsonError)
  assert.throws(() => read(`{"x":${'['.repeat(1_000_000)}`), /x: nested too deep/)
})

const span = (rest: string): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[{},{${rest}`
const SPAN = 'resourceSpans[0].scopeSpans[0].spans[1]'

const WRONG: readonly (readonly [text: string, message: string | RegExp])[] = [
  ['', 'expected an object, got the end of the body'],
  ['null', 'expected an object, got null at byte 0'],
  ['[]', 'expected an object, got [ at byte 0'],
  ['{} {}', 'expected the end of the body, got { at byte 3'],
  ['{', 'expected a name in quotes, got the end of the body'],
  ['{"resourceSpans":[{}', 'resourceSpans[0]: expected "," or "]", got the end of the body'],
  [
    '{"resourceSpans":[{"scopeS',
    'resourceSpans[0]: expected the closing quote of a string, got the end of the body',
  ],
  ['{"resourceSpans":[{"a":1,}]}', 'resourceSpans[0]: expected a name in quotes, got } at byte 25'],
  ['{"resourceSpans":[{},]}', 'resourceSpans[1]: expected an object, got ] at byte 21'],
  ['{"resourceSpans":{}}', 'resourceSpans: expected an array, got { at byte 17'],
  ['{"a" 1}', 'a: expected ":", got 1 at byte 5'],
  ['{a:1}', 'expected a name in quotes, got a at byte 1'],
  ['{"a":nul}', 'a: expected the word null, got nul at byte 5'],
  ['{"a":01}', 'a: expected "," or "}", got 1 at byte 6'],
  ['{"a":1.}', 'a: expected a digit, got } at byte 7'],
  ['{"a":"\n"}', /^a: expected an escape \(a raw control character\)/],
  ['{"a":"\\x"}', 'a: expected one of " \\ / b f n r t u after a backslash, got x at byte 7'],
  ['{"a":"\\u12g4"}', 'a: expected four hex digits after \\u, got g4 at byte 10'],
  ['{"a":"abc', 'a: expected the closing quote of a string, got the end of the body'],
  ['{"a":"abc\\', 'a: expected the closing quote of a string, got the end of the body'],
  [span('"traceId":"abc"'), `${SPAN}.traceId: expected 32 hex digits, got "abc" at byte 57`],
  [
    span(`"spanId":"${'g'.repeat(16)}"`),
    /spans\[1\]\.spanId: expected 16 hex digits, got "gggggggggggggggg"/,
  ],
  [span('"spanId":5'), /spans\[1\]\.spanId: expected 16 hex digits, got 5/],
  [span('"name":5'), /spans\[1\]\.name: expected a string, got 5/],
  [span('"kind":"SERVER"'), /kind: expected a number or one of SPAN_KIND_UNSPECIFIED, .*, got "SERVER"/],
  [span('"kind":2147483648'), /kind: expected a number or one of/],
  [span('"flags":-1'), /flags: expected a 32-bit unsigned integer, got -1/],
  [span('"flags":1.5'), /flags: expected a 32-bit unsigned integer, got 1.5/],
  [span('"startTimeUnixNano":"-1"'), /expected a 64-bit unsigned integer, got "-1"/],
  [span('"startTimeUnixNano":""'), /expected a 64-bit unsigned integer, got ""/],
  [
    span('"startTimeUnixNano":18446744073709551616'),
    /expected a 64-bit unsigned integer, got 18446744073709551616/,
  ],
  [span('"startTimeUnixNano":true'), /expected a 64-bit unsigned integer, got true/],
  [
    span('"attributes":[{"value":{"intValue":9223372036854775808'),
    /attributes\[0\]\.value\.intValue: expected a 64-bit integer/,
  ],
  [span('"attributes":[{"value":{"boolValue":"true"'), /boolValue: expected true or false, got "true"/],
  [
    span('"attributes":[{"value":{"doubleValue":"12,5"'),
    /doubleValue: expected a number that fits a double, got "12,5"/,
  ],
  [
    span('"attributes":[{"value":{"doubleValue":1e999}'),
    /doubleValue: expected a number that fits a double, got 1e999/,
  ],
  [span('"attributes":[{"value":{"doubleValue":nan'), /doubleValue: expected the word null/],
  [span('"attributes":[{"value":{"bytesValue":"a"'), /bytesValue: expected base64 in quotes, got "a"/],
  [span('"attributes":[{"value":{"bytesValue":"ab!="'), /bytesValue: expected base64 in quotes, got "ab!="/],
  [span('"attributes":[{"value":"text"'), /attributes\[0\]\.value: expected an object, got "text"/],
  [span('"status":{},"status":{}'), /status: comes twice/],
]

// Scenario: every way to be wrong, one at a time.
// Guarantees: each is refused with the path to the place, what belongs there and what stands there.
test('errors say where and what', () => {
  for (const [text, message] of WRONG)
    assert.throws(() => read(text), { name: 'OtlpJsonError', message }, text)
  assert.throws(
    () => read('{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{},"sum":{}}]}]}]}', 'metrics'),
    /metrics\[0\]\.sum: comes twice, or beside another value that excludes it/,
  )
})

// Scenario: a request with one very long string and one with very many repeated names and elements.
// Guarantees: the work grows with the body, not with its square: 4 MB would take minutes otherwise.
test('big bodies are read in one pass', () => {
  const long = 'x\\n'.repeat(1_000_000)
  assert.equal((readSpan(`{"name":"${long}"}`)['name'] as string).length, 2_000_000)
  const names = '"name":"a",'.repeat(200_000)
  assert.equal(readSpan(`{${names}"kind":1}`)['name'], 'a')
  const values = `{"arrayValue":{"values":[${'{},'.repeat(300_000)}{}]}}`
  jsonToRequest(
    Buffer.from(`{"resourceSpans":[{"resource":{"attributes":[{"value":${values}}]}}]}`),
    'traces',
  )
})
