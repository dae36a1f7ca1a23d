import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CacheBudget } from '../../../../core/formats/cache-budget.ts'
import { type SpanDocumentOptions, SpanDocuments } from '../../../../core/formats/jaeger-es/span-document.ts'
import { ItemWalker } from '../../../../core/otlp/walk.ts'
import { Writer } from '../../../../core/otlp/writer.ts'
import { anyRequest } from '../../../kit/generate.ts'
import { encodeRequest } from '../../../kit/proto.ts'
import { field, requestOfSpan } from '../../../kit/wire.ts'
import { comparable, type ExpectedOptions, expectedDocuments, type Loose, parseExact } from './expected.ts'

const budget = new CacheBudget(8 * 1024 * 1024)

function optionsOf({ all = false, include = [], dot = '@' }: ExpectedOptions = {}): SpanDocumentOptions {
  return {
    tagsAsFields: { all, include: new Set(include), dotReplacement: dot },
    maxValueBytes: 65_536,
    parentSpanId: false,
    timestamp: false,
  }
}

function documentsOf(request: Uint8Array, documents: SpanDocuments): Loose[] {
  const walker = new ItemWalker(request, 'traces')
  const out = new Writer(64)
  const found: Loose[] = []
  while (walker.next()) {
    out.rewind()
    documents.begin(walker)
    documents.write(out)
    found.push(parseExact(out.copy()))
  }
  return found
}

function one(request: Uint8Array, options = optionsOf()) {
  const documents = new SpanDocuments(options, budget)
  return { document: documentsOf(request, documents)[0], counts: documents.counts }
}

// Scenario: requests with every field of OTLP, in two encodings, with tags in lists and as fields.
// Guarantees: each document has what Jaeger's code makes of the span, to the last digit.
test('documents are those that Jaeger makes', () => {
  const ways: ExpectedOptions[] = [
    {},
    { all: true },
    { include: ['http.method', 'überall', ''], dot: '_' },
    { all: true, dot: '' },
  ]
  const documents = ways.map(way => new SpanDocuments(optionsOf(way), budget))
  fc.assert(
    fc.property(anyRequest('traces', 6), ({ bytes, untidy }) => {
      for (const [i, way] of ways.entries()) {
        const expected = comparable(expectedDocuments(bytes, way))
        assert.deepEqual(comparable(documentsOf(bytes, documents[i]!)), expected)
        assert.deepEqual(comparable(documentsOf(untidy, documents[i]!)), expected)
      }
    }),
    { numRuns: 150 },
  )
})

const START = 1_764_000_000_123_456_789n

function request(span: Record<string, unknown>, resource: Record<string, unknown> = {}): Uint8Array {
  const whole = {
    traceId: Buffer.alloc(16, 1),
    spanId: Buffer.alloc(8, 2),
    startTimeUnixNano: String(START),
    endTimeUnixNano: String(START + 1_999_999n),
    ...span,
  }
  return encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: [whole] }] }] })
}

const SERVICE = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }

// Scenario: a failed span with a parent, a link, an event and tags of every type, one of them an int64 that a double
// cannot hold.
// Guarantees: the document letter by letter.
test('a document as it stands in the index', () => {
  const bytes = encodeRequest('traces', {
    resourceSpans: [
      {
        resource: {
          attributes: [...SERVICE.attributes, { key: 'host.name', value: { stringValue: 'a"b' } }],
        },
        scopeSpans: [
          {
            scope: { name: 'lib', version: '1.2' },
            spans: [
              {
                traceId: Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
                spanId: Buffer.from('0102030405060708', 'hex'),
                parentSpanId: Buffer.from('0a0b0c0d0e0f1011', 'hex'),
                name: 'GET /',
                kind: 2,
                flags: 257,
                startTimeUnixNano: String(START),
                endTimeUnixNano: String(START + 1_999_999n),
                attributes: [
                  { key: 'n', value: { intValue: '9007199254740993' } },
                  { key: 'd', value: { doubleValue: Number.NaN } },
                  { key: 'b', value: { boolValue: true } },
                  { key: 'raw', value: { bytesValue: Buffer.from([0, 255]) } },
                  {
                    key: 'list',
                    value: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'x' }] } },
                  },
                  { key: 'none' },
                ],
                events: [{ name: 'boom', timeUnixNano: String(START), attributes: [] }],
                links: [{ traceId: Buffer.alloc(16, 9), spanId: Buffer.alloc(8, 8) }],
                status: { code: 2, message: 'no' },
                traceState: 'a=b',
              },
            ],
          },
        ],
      },
    ],
  })
  const out = new Writer(64)
  const documents = new SpanDocuments({ ...optionsOf(), parentSpanId: true, timestamp: true }, budget)
  const walker = new ItemWalker(bytes, 'traces')
  walker.next()
  documents.begin(walker)
  documents.write(out)
  const tag = (key: string, value: string, type: string) =>
    `{"key":"${key}","value":${value},"type":"${type}"}`
  assert.equal(documents.startMillis, 1_764_000_000_123)
  assert.equal(
    Buffer.from(out.take()).toString(),
    '{"traceID":"00112233445566778899aabbccddeeff","spanID":"0102030405060708","parentSpanID":"0a0b0c0d0e0f1011",' +
      '"flags":257,"operationName":"GET /","references":[{"refType":"CHILD_OF",' +
      '"traceID":"00112233445566778899aabbccddeeff","spanID":"0a0b0c0d0e0f1011"},{"refType":"FOLLOWS_FROM",' +
      '"traceID":"09090909090909090909090909090909","spanID":"0808080808080808"}],"startTime":1764000000123456,' +
      '"startTimeMillis":1764000000123,"duration":1999,"@timestamp":"2025-11-24T16:00:00.123456789Z","tags":[' +
      [
        tag('otel.scope.name', '"lib"', 'string'),
        tag('otel.scope.version', '"1.2"', 'string'),
        tag('n', '9007199254740993', 'int64'),
        tag('d', '"NaN"', 'float64'),
        tag('b', 'true', 'bool'),
        tag('raw', '"00ff"', 'binary'),
        tag('list', '"[1,\\"x\\"]"', 'string'),
        tag('none', 'null', 'string'),
        tag('span.kind', '"server"', 'string'),
        tag('error', 'true', 'bool'),
        tag('otel.status_description', '"no"', 'string'),
        tag('w3c.tracestate', '"a=b"', 'string'),
      ].join(',') +
      `],"logs":[{"timestamp":1764000000123456,"fields":[${tag('event', '"boom"', 'string')}]}],` +
      `"process":{"serviceName":"shop","tags":[${tag('host.name', '"a\\"b"', 'string')}]}}\n`,
  )
})

// Scenario: resources without a service name, with an empty one, with one that is a number, with one that is no UTF-8.
// Guarantees: the names of Jaeger's sanitizer, which its menus show.
test('a service without a proper name gets one', () => {
  const nameOf = (resource: Record<string, unknown>) =>
    one(request({}, resource)).document.process.serviceName
  const named = (value: Record<string, unknown>) => ({ attributes: [{ key: 'service.name', value }] })
  assert.equal(nameOf({}), 'missing-service-name')
  assert.equal(nameOf({ attributes: [{ key: 'a', value: { boolValue: true } }] }), 'missing-service-name')
  assert.equal(nameOf(named({ stringValue: '' })), 'empty-service-name')
  assert.equal(nameOf(named({ intValue: '7' })), 'service-name-wrong-type')
  const spans = field(2, field(2, field(5, 'op')))
  const broken = field(
    1,
    field(1, field(1, field(1, 'service.name'), field(2, field(1, Buffer.from([0xff]))))),
    spans,
  )
  assert.equal(one(broken).document.process.serviceName, '/w==')
  assert.deepEqual(one(request({}, SERVICE)).document.process, { serviceName: 'shop', tags: [] })
})

// Scenario: a name, a key and two values that are no UTF-8; names of a service, a scope and its version.
// Guarantees: what Jaeger's sanitizer makes of them, and a count of each.
test('texts that are no UTF-8 become bytes', () => {
  const bad = Buffer.from([0x61, 0xff])
  const attribute = (key: Buffer | string, value: Buffer | string) =>
    field(9, field(1, key), field(2, field(1, value)))
  const event = field(11, field(2, bad), field(3, field(1, bad), field(2, field(1, bad))))
  const { document, counts } = one(
    requestOfSpan(field(5, bad), attribute('ok', bad), attribute(bad, 'value'), attribute('k', 'v'), event),
  )
  assert.equal(document.operationName, 'invalid-span-name')
  assert.deepEqual(
    document.tags.filter(({ key }: { key: string }) => key !== '@jaeger@warnings'),
    [
      { key: 'ok', value: '61ff', type: 'binary' },
      {
        key: 'invalid-tag-key-1',
        value: Buffer.from([...bad, 0x3a, ...Buffer.from('value')]).toString('hex'),
        type: 'binary',
      },
      { key: 'k', value: 'v', type: 'string' },
      { key: 'invalid-span-name', value: '61ff', type: 'binary' },
    ],
  )
  // Events do not pass that sanitizer; there Go's JSON replaces what is wrong.
  assert.deepEqual(document.logs[0].fields, [
    { key: 'event', value: 'a\ufffd', type: 'string' },
    { key: 'a\ufffd', value: 'a\ufffd', type: 'string' },
  ])
  assert.equal(counts.invalidText, 6)
  const names = one(
    field(
      1,
      field(1, field(1, field(1, 'service.name'), field(2, field(1, bad)))),
      field(2, field(1, field(1, bad), field(2, bad)), field(2, field(5, 'op'))),
    ),
  )
  assert.equal(names.document.process.serviceName, 'Yf8=')
  assert.deepEqual(
    names.document.tags.slice(0, 2).map(({ value }: { value: string }) => value),
    ['a\ufffd', 'a\ufffd'],
  )
  assert.equal(names.counts.invalidText, 3)
})

// Scenario: a span that ends before it begins and has a warning already; times before 1970, at the end of 64 bits.
// Guarantees: no negative number reaches the index, and what was done is counted.
test('impossible times are put right', () => {
  const warned = one(
    request({
      endTimeUnixNano: String(START - 5n),
      attributes: [
        { key: '@jaeger@warnings', value: { arrayValue: { values: [{ stringValue: 'first' }] } } },
      ],
    }),
  )
  assert.equal(warned.document.duration, 0n)
  assert.deepEqual(JSON.parse(warned.document.tags[0].value), [
    'first',
    'Negative duration detected, sanitizing end timestamp. Original end timestamp: 2025-11-24 16:00:00.123456784 +0000 UTC, adjusted to: 2025-11-24 16:00:00.12345679 +0000 UTC',
  ])
  assert.equal(warned.document.tags.length, 1)
  assert.equal(warned.counts.fixedDurations, 1)
  const early = one(request({ startTimeUnixNano: String(2n ** 64n - 1n), endTimeUnixNano: '5000' }))
  assert.deepEqual([early.document.startTime, early.document.duration], [0n, 5n])
  assert.equal(early.counts.impossibleTimes, 1)
  const late = one(
    request({ startTimeUnixNano: String(2n ** 63n - 2n), endTimeUnixNano: String(2n ** 63n - 1n) }),
  )
  assert.equal(late.document.startTime, 9_223_372_036_854_775n)
  assert.equal(late.document.startTimeMillis, 9_223_372_036_854n)
})

// Scenario: values of a text, bytes and a list that are longer than the limit, and the names of the operation and the service;
// the limit falls into a character of three bytes.
// Guarantees: all are cut between characters, and counted.
test('long values are cut', () => {
  const { document, counts } = one(
    request(
      {
        name: '日本'.repeat(10),
        attributes: [
          { key: 't', value: { stringValue: '日本'.repeat(10) } },
          { key: 'b', value: { bytesValue: Buffer.alloc(50, 7) } },
          { key: 'l', value: { arrayValue: { values: [{ stringValue: 'x'.repeat(50) }] } } },
        ],
      },
      { attributes: [{ key: 'service.name', value: { stringValue: '日本'.repeat(10) } }] },
    ),
    { ...optionsOf(), maxValueBytes: 10 },
  )
  assert.equal(document.process.serviceName, '日本日')
  assert.equal(document.operationName, '日本日')
  assert.deepEqual(
    document.tags.map(({ value }: { value: string }) => value),
    ['日本日', '0707070707', '["xxxxxxxx'],
  )
  assert.equal(counts.cutValues, 5)
})

// Scenario: two keys that are the same once their dots are replaced, in a span and in its resource.
// Guarantees: one field, with the last value: Elasticsearch refuses a document that names a field twice.
test('fields are named once', () => {
  const attributes = [
    { key: 'a.b', value: { stringValue: '1' } },
    { key: 'a@b', value: { intValue: '2' } },
    { key: 'raw', value: { bytesValue: Buffer.from([1]) } },
  ]
  const { document } = one(request({ attributes }, { attributes }), optionsOf({ all: true }))
  assert.deepEqual(document.tag, { 'a@b': 2n })
  assert.deepEqual(document.process.tag, { 'a@b': 2n })
  assert.deepEqual(document.tags, [{ key: 'raw', value: '01', type: 'binary' }])
})
