import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { Malformed, NESTING_MAX, validate } from '../../../core/otlp/validate.ts'
import { anyRequest } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { decodeRequest } from '../../kit/proto.ts'
import { field, lyingField, nestedValue, requestOfMetric, requestOfSpan, tagged } from '../../kit/wire.ts'

const SPAN = 'resourceSpans[0].scopeSpans[0].spans[0]'
const METRIC = 'resourceMetrics[0].scopeMetrics[0].metrics[0]'

// Scenario: every request that was captured from a real client.
// Guarantees: it is accepted and its items are counted as its capture says.
test('accepts what real clients send', () => {
  for (const { name, plain, signal, about } of goldenRequests()) {
    const expect = about['expect'] as Record<string, number>
    const items = expect['spans'] ?? expect['data_points'] ?? expect['log_records']
    assert.equal(validate(plain, signal), items, name)
  }
})

for (const signal of SIGNALS) {
  // Scenario: random requests with every field, as protobufjs writes them and in an encoding that nobody writes.
  // Guarantees: both are accepted, with the right number of items.
  test(`accepts any valid request of ${signal}`, () => {
    fc.assert(
      fc.property(anyRequest(signal), ({ bytes, untidy, items }) => {
        assert.equal(validate(bytes, signal), items)
        assert.equal(validate(untidy, signal), items)
      }),
      { numRuns: 30 },
    )
  })
}

// Scenario: an empty request; entries without anything; empty ids, values and strings; invalid UTF-8.
// Guarantees: they are accepted, as the Collector accepts them.
test('accepts what is empty or no UTF-8', () => {
  assert.equal(validate(new Uint8Array(), 'traces'), 0)
  assert.equal(validate(field(1, field(1), field(2, field(1), field(2))), 'traces'), 1)
  assert.equal(
    validate(requestOfSpan(field(1), field(2), field(5), field(9), field(9, field(2))), 'traces'),
    1,
  )
  assert.equal(validate(requestOfSpan(field(5, Uint8Array.of(0xff, 0xc0))), 'traces'), 1)
})

// Scenario: lengths and tags as varints longer than they need be, up to ten bytes.
// Guarantees: accepted, as protobuf says.
test('accepts non-minimal varints', () => {
  const name = Buffer.of(0x2a, 0x81, 0x80, 0x00, 0x61)
  const kind = Buffer.of(0xb0, 0x80, 0x00, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)
  assert.equal(validate(requestOfSpan(name, kind), 'traces'), 1)
})

/** name, signal, bytes, the path and a part of the message, and the offset when it tells something. */
const MALFORMED: readonly [
  string,
  'traces' | 'metrics' | 'logs' | 'profiles',
  Uint8Array,
  string,
  RegExp,
  number?,
][] = [
  ['text instead of protobuf', 'traces', Buffer.from('{"resourceSpans":[]}'), '', /a group|wire type/],
  [
    'a length past the request',
    'traces',
    lyingField(1, 900, 'abc'),
    'resourceSpans[0]',
    /length 900 runs past/,
    0,
  ],
  [
    'a length past its parent',
    'traces',
    requestOfSpan(lyingField(5, 4, 'abc')),
    `${SPAN}.name`,
    /length 4 runs/,
    6,
  ],
  [
    'a length of 2^64 - 1',
    'traces',
    requestOfSpan(tagged(5, 2, ...new Array(9).fill(255), 1)),
    `${SPAN}.name`,
    /runs past/,
  ],
  [
    'a length of eleven bytes',
    'traces',
    requestOfSpan(tagged(5, 2, ...new Array(11).fill(128))),
    `${SPAN}.name`,
    /10 bytes/,
  ],
  ['a tag of eleven bytes', 'traces', requestOfSpan(new Uint8Array(11).fill(0x80)), SPAN, /10 bytes/],
  [
    'a number of eleven bytes',
    'traces',
    requestOfSpan(tagged(6, 0, ...new Array(11).fill(128))),
    `${SPAN}.kind`,
    /10 bytes/,
  ],
  [
    'a field number too large',
    'traces',
    requestOfSpan(Buffer.of(0xf8, 0xff, 0xff, 0xff, 0x7f, 0)),
    SPAN,
    /out of range/,
  ],
  ['field number 0', 'traces', requestOfSpan(tagged(0, 0, 1)), SPAN, /field number 0/, 6],
  ['a group', 'traces', requestOfSpan(tagged(100, 3), tagged(100, 4)), SPAN, /wire type 3 \(a group\)/],
  ['the end of a group', 'traces', requestOfSpan(tagged(100, 4)), SPAN, /wire type 4 \(a group\)/],
  ['wire type 6', 'traces', requestOfSpan(tagged(100, 6)), SPAN, /wire type 6/],
  ['a name as a number', 'traces', requestOfSpan(tagged(5, 0, 1)), `${SPAN}.name`, /wire type 0 is wrong/],
  ['a kind as text', 'traces', requestOfSpan(field(6, 'x')), `${SPAN}.kind`, /wire type 2 is wrong/],
  ['flags as a varint', 'traces', requestOfSpan(tagged(16, 0, 1)), `${SPAN}.flags`, /wire type 0 is wrong/],
  [
    'a time cut off',
    'traces',
    requestOfSpan(tagged(7, 1, 1, 2, 3)),
    `${SPAN}.startTimeUnixNano`,
    /runs past/,
  ],
  ['flags cut off', 'traces', requestOfSpan(tagged(16, 5, 1, 2)), `${SPAN}.flags`, /runs past/],
  ['a number cut off', 'traces', requestOfSpan(tagged(6, 0, 128)), `${SPAN}.kind`, /runs past/],
  ['a tag cut off', 'traces', requestOfSpan(Buffer.of(0x80)), SPAN, /end inside a tag/],
  ['no length', 'traces', requestOfSpan(tagged(5, 2)), `${SPAN}.name`, /end before the length/],
  [
    'a trace id of 15 bytes',
    'traces',
    requestOfSpan(field(1, 'x'.repeat(15))),
    `${SPAN}.traceId`,
    /15 bytes instead of 16/,
  ],
  [
    'a span id of 16 bytes',
    'traces',
    requestOfSpan(field(2, 'x'.repeat(16))),
    `${SPAN}.spanId`,
    /16 bytes instead of 8/,
  ],
  ['a parent id of 1 byte', 'traces', requestOfSpan(field(4, 'x')), `${SPAN}.parentSpanId`, /instead of 8/],
  [
    'a link with a bad id',
    'traces',
    requestOfSpan(field(13), field(13, field(1, 'x'))),
    `${SPAN}.links[1].traceId`,
    /id of 1 byte/,
  ],
  [
    'an unknown field cut off',
    'traces',
    requestOfSpan(lyingField(100, 5, 'abc')),
    SPAN,
    /length 5 runs past/,
  ],
  [
    'an attribute value past its parent',
    'traces',
    requestOfSpan(field(9, field(1, 'k')), field(9, field(1, 'k'), field(2, lyingField(1, 9, 'abc')))),
    `${SPAN}.attributes[1].value.stringValue`,
    /length 9/,
  ],
  [
    'an int value cut off',
    'traces',
    requestOfSpan(field(9, field(1, 'k'), field(2, tagged(3, 0, 128)))),
    `${SPAN}.attributes[0].value.intValue`,
    /runs past/,
  ],
  [
    'a double value of 7 bytes',
    'traces',
    requestOfSpan(field(9, field(1, 'k'), field(2, tagged(4, 1, 1, 2, 3, 4, 5, 6, 7)))),
    `${SPAN}.attributes[0].value.doubleValue`,
    /runs past/,
  ],
  [
    'a bool value of eleven bytes',
    'traces',
    requestOfSpan(field(9, field(1, 'k'), field(2, tagged(2, 0, ...new Array(10).fill(128), 0)))),
    `${SPAN}.attributes[0].value.boolValue`,
    /10 bytes/,
  ],
  ['a second resource', 'traces', field(1, field(1), field(1)), 'resourceSpans[0].resource', /second/, 4],
  [
    'a second scope',
    'logs',
    field(1, field(2, field(1), field(1))),
    'resourceLogs[0].scopeLogs[0].scope',
    /second/,
  ],
  ['a gauge and a sum', 'metrics', requestOfMetric(field(5), field(7)), `${METRIC}.sum`, /second/],
  ['two gauges', 'metrics', requestOfMetric(field(5), field(5)), `${METRIC}.gauge`, /second/],
  [
    'packed counts of 9 bytes',
    'metrics',
    requestOfMetric(field(9, field(1, field(6, '123456789')))),
    `${METRIC}.histogram.dataPoints[0].bucketCounts[0]`,
    /9 bytes of packed/,
  ],
  [
    'packed varints cut off',
    'metrics',
    requestOfMetric(field(10, field(1, field(8, field(2, Buffer.of(1, 128)))))),
    `${METRIC}.exponentialHistogram.dataPoints[0].positive.bucketCounts[0]`,
    /runs past/,
  ],
  [
    'an exemplar with a bad id',
    'metrics',
    requestOfMetric(field(5, field(1, field(5, field(4, '123'))))),
    `${METRIC}.gauge.dataPoints[0].exemplars[0].spanId`,
    /3 bytes/,
  ],
  [
    'a log with a bad id',
    'logs',
    field(1, field(2, field(2), field(2, field(9, '123')))),
    'resourceLogs[0].scopeLogs[0].logRecords[1].traceId',
    /3 bytes/,
  ],
  [
    'a profile with a bad id',
    'profiles',
    field(1, field(2, field(2, field(7, '123')))),
    'resourceProfiles[0].scopeProfiles[0].profiles[0].profileId',
    /3 bytes/,
  ],
]

for (const [name, signal, bytes, path, message, offset] of MALFORMED) {
  // Scenario: a request that is wrong in one place.
  // Guarantees: it is refused, and the error says where and why.
  test(`refuses ${name}`, () => {
    assert.throws(
      () => validate(bytes, signal),
      (error: unknown) => {
        assert.ok(error instanceof Malformed)
        assert.equal(error.path, path)
        assert.match(error.message, message)
        assert.ok(error.message.startsWith(`${path === '' ? 'request' : path}: `))
        if (offset !== undefined) assert.equal(error.offset, offset)
        return true
      },
    )
  })
}

// Scenario: values of exactly the allowed depth, one more, and so deep that recursion would overflow the stack.
// Guarantees: the limit is where it is said to be, in attributes and in log bodies, and depth costs nothing.
test('bounds nesting', () => {
  const attribute = (levels: number) => requestOfSpan(field(9, field(1, 'k'), field(2, nestedValue(levels))))
  const body = (levels: number) => field(1, field(2, field(2, field(5, nestedValue(levels)))))
  const tooDeep = /deeper than 64 levels/
  assert.equal(validate(attribute(NESTING_MAX), 'traces'), 1)
  assert.equal(validate(body(NESTING_MAX), 'logs'), 1)
  for (const levels of [NESTING_MAX + 1, 3000]) {
    assert.throws(() => validate(attribute(levels), 'traces'), tooDeep)
    assert.throws(() => validate(body(levels), 'logs'), tooDeep)
  }
})

// Scenario: every prefix of captured requests.
// Guarantees: what is accepted ends between two fields, so the oracle decodes it too; the rest is Malformed, not a crash.
test('a cut request is refused unless it is whole', () => {
  for (const { plain, signal } of goldenRequests().filter(one => one.plain.length < 3000)) {
    for (let length = 0; length < plain.length; length++) {
      const cut = plain.subarray(0, length)
      try {
        validate(cut, signal)
      } catch (error) {
        assert.ok(error instanceof Malformed)
        continue
      }
      decodeRequest(signal, cut)
    }
  }
})
