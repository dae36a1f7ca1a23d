import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestToJson } from '../../../core/otlp/json.ts'
import { Writer } from '../../../core/otlp/writer.ts'
import { encodeRequest } from '../../kit/proto.ts'

const value = (any: unknown): string => {
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: any }] }] }] }
  const [, found] = /"body":(.*)\}\]\}\]\}\]\}$/s.exec(requestToJson(encodeRequest('logs', request), 'logs'))!
  return found!
}

// Scenario: a span with fields at their defaults and without them, as the Collector's file exporter prints it.
// Guarantees: defaults are left out, single messages are always there, fields come in the order of the .proto file.
test('what is left out and what is always written', () => {
  const request = encodeRequest('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex'),
                spanId: Buffer.alloc(8),
                name: 'x',
                kind: 0,
                flags: 257,
                startTimeUnixNano: '1700000000123456789',
                attributes: [{ key: 'a' }, { key: 'b', value: { intValue: 0 } }],
              },
            ],
          },
        ],
      },
    ],
  })
  assert.equal(
    requestToJson(request, 'traces'),
    '{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[' +
      '{"traceId":"0af7651916cd43dd8448eb211c80319c","flags":257,"name":"x","startTimeUnixNano":"1700000000123456789",' +
      '"attributes":[{"key":"a","value":{}},{"key":"b","value":{"intValue":"0"}}],"status":{}}]}]}]}',
  )
  assert.equal(requestToJson(new Uint8Array(0), 'logs'), '{}')
})

// Scenario: values of each kind at their edges.
// Guarantees: the spelling is the Collector's: 64-bit in quotes, doubles shortest, the three that are no number as text.
test('single values', () => {
  assert.equal(value({ stringValue: '' }), '{"stringValue":""}')
  assert.equal(
    value({ stringValue: '"\\\n\r\t\b\u001f é \u2028😀' }),
    '{"stringValue":"\\"\\\\\\n\\r\\t\\u0008\\u001f é \u2028😀"}',
  )
  assert.equal(value({ boolValue: true }), '{"boolValue":true}')
  assert.equal(value({ intValue: '-9223372036854775808' }), '{"intValue":"-9223372036854775808"}')
  assert.equal(value({ bytesValue: Buffer.from([0xfb, 0xff]) }), '{"bytesValue":"+/8="}')
  assert.equal(value({ arrayValue: {} }), '{"arrayValue":{}}')
  assert.equal(
    value({ kvlistValue: { values: [{ key: 'k' }] } }),
    '{"kvlistValue":{"values":[{"key":"k","value":{}}]}}',
  )
  const doubles: [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [0.1, '0.1'],
    [1e-6, '0.000001'],
    [1e-7, '1e-07'],
    [-2.5e-10, '-2.5e-10'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [Number.NaN, '"NaN"'],
    [Infinity, '"Infinity"'],
    [-Infinity, '"-Infinity"'],
  ]
  for (const [double, text] of doubles)
    assert.equal(value({ doubleValue: double }), `{"doubleValue":${text}}`)
})

// Scenario: a name and an attribute whose bytes are no UTF-8.
// Guarantees: the text is valid JSON in UTF-8, with U+FFFD in their place.
test('invalid UTF-8 is replaced', () => {
  const out = new Writer()
  const resource = out.open(1)
  out.lengthDelimited(3, Buffer.from([0x61, 0xff, 0x62]))
  out.close(resource)
  assert.equal(
    requestToJson(out.take(), 'traces'),
    '{"resourceSpans":[{"resource":{},"schemaUrl":"a\ufffdb"}]}',
  )
})

// Scenario: a status in two pieces and attributes on both sides of it, as protobuf allows.
// Guarantees: the pieces are merged and the attributes gathered into one list, in order.
test('scattered fields are gathered', () => {
  const out = new Writer()
  const marks = [out.open(1), out.open(2), out.open(2)]
  const attribute = (key: string): void => {
    const mark = out.open(9)
    out.string(1, key)
    out.close(mark)
  }
  attribute('a')
  for (const write of [() => out.string(2, 'boom'), () => out.raw(Buffer.from([0x18, 2]))]) {
    const mark = out.open(15)
    write()
    out.close(mark)
    attribute('b')
  }
  for (const mark of marks.reverse()) out.close(mark)
  const attributes = ['a', 'b', 'b'].map(key => ({ key, value: {} }))
  assert.deepEqual(JSON.parse(requestToJson(out.take(), 'traces')).resourceSpans[0].scopeSpans[0].spans, [
    { attributes, status: { message: 'boom', code: 2 } },
  ])
})
