import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadMessage } from '../../../core/formats/bad-message.ts'
import { decodeJsonLog, decodeRawLog, rawLogRecords, textLogDecoder } from '../../../core/formats/logs.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'

type Plain = Record<string, unknown>

function rawOf(...bodies: (Plain | undefined)[]): { values: string[]; skipped: number } {
  const logRecords = bodies.map(body => (body === undefined ? {} : { body }))
  const request = encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  let skipped = 0
  const records = [...rawLogRecords([request], () => skipped++)]
  assert.ok(records.every(one => one.key === undefined && one.items === 1))
  return { values: records.map(one => Buffer.from(one.value).toString('latin1')), skipped }
}

function recordOf(request: Uint8Array): Plain {
  assert.equal(validate(request, 'logs'), 1)
  const { resourceLogs } = decodeRequest('logs', request) as {
    resourceLogs: { scopeLogs: { logRecords: Plain[] }[] }[]
  }
  return resourceLogs[0]!.scopeLogs[0]!.logRecords[0]!
}

// Scenario: bodies of every kind; expected are the values of the Collector's own test of its raw marshaler and what
// Go's json.Marshal makes of the rest.
// Guarantees: bytes pass as they are, a text has quotes, empty bodies make no record and are told.
test('raw: the body of a log record', () => {
  const map = (...entries: [string, Plain][]): Plain => ({
    kvlistValue: { values: entries.map(([key, value]) => ({ key, value })) },
  })
  const { values, skipped } = rawOf(
    { stringValue: 'foo' },
    { stringValue: '<a href="x">&\u2028' },
    { bytesValue: Uint8Array.of(0, 255) },
    { doubleValue: 1.64 },
    { intValue: '9007199254740993' },
    { boolValue: false },
    { arrayValue: { values: [{ stringValue: 'foo' }, { boolValue: false }, {}] } },
    map(['foo', { stringValue: 'foo' }], ['bar', { bytesValue: Uint8Array.of(1) }]),
    { doubleValue: NaN },
    {},
    undefined,
    { bytesValue: new Uint8Array() },
    { stringValueStrindex: 1 },
  )
  assert.deepEqual(values, [
    '"foo"',
    '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028"',
    '\0\xff',
    '1.64',
    '9007199254740993',
    'false',
    '["foo",false,null]',
    '{"bar":"AQ==","foo":"foo"}',
    '"NaN"',
  ])
  assert.equal(skipped, 4)
})

// Scenario: any bytes.
// Guarantees: they are the body.
test('raw: a message becomes a body', () => {
  assert.deepEqual(recordOf(decodeRawLog(Uint8Array.of(0, 255))), { body: { bytesValue: 'AP8=' } })
})

// Scenario: text in encodings that the Collector knows.
// Guarantees: the right characters, also where the Web and IANA mean different things; unknown names are told.
test('text: a message in a character encoding', () => {
  const read = (encoding: string, ...bytes: number[]): unknown => {
    const record = recordOf(textLogDecoder(encoding)!(Uint8Array.from(bytes), 5n))
    assert.equal(record['observedTimeUnixNano'], '5')
    return (record['body'] as Plain)['stringValue']
  }
  assert.equal(read('', 0xc3, 0xbc), 'ü')
  assert.equal(read('UTF-8', 0xc3, 0xbc, 0xff), 'ü\ufffd')
  assert.equal(read('utf8', 0xef, 0xbb, 0xbf, 0x61), '\ufeffa')
  assert.equal(read('utf-16', 0x61, 0x00), 'a')
  assert.equal(read('utf-16be', 0x00, 0x61), 'a')
  assert.equal(read('us-ascii', 0x61), 'a')
  assert.equal(read('ISO-8859-1', 0x80, 0xfc), '\u0080ü')
  assert.equal(read('windows-1252', 0x80), '€')
  assert.equal(read('iso-8859-15', 0xa4), '€')
  assert.equal(read('euc-jp', 0xc0, 0xa4, 0xb3, 0xa6), '世界')
  assert.equal(read('shift_jis', 0x83, 0x65), 'テ')
  assert.equal(read('gbk', 0xd6, 0xd0), '中')
  assert.equal(read('gb18030', 0xd6, 0xd0), '中')
  assert.equal(read('big5', 0xa4, 0xa4), '中')
  assert.equal(read('euc-kr', 0xc7, 0xd1), '한')
  assert.equal(read('koi8-r', 0xc1), 'а')
  assert.equal(textLogDecoder('klingon'), undefined)
})

// Scenario: a JSON object, and texts that are none.
// Guarantees: a map with the Collector's types, integers that a double cannot hold exactly; anything else is refused.
test('json: a message becomes a map', () => {
  const text = '{"s":"x","n":1,"big":9007199254740993,"f":1.5,"huge":1e400,"a":[true,null,{"__proto__":"p"}]}'
  assert.deepEqual(recordOf(decodeJsonLog(Buffer.from(text), 7n)), {
    observedTimeUnixNano: '7',
    body: {
      kvlistValue: {
        values: [
          { key: 's', value: { stringValue: 'x' } },
          { key: 'n', value: { doubleValue: 1 } },
          { key: 'big', value: { intValue: '9007199254740993' } },
          { key: 'f', value: { doubleValue: 1.5 } },
          { key: 'huge', value: { doubleValue: Infinity } },
          {
            key: 'a',
            value: {
              arrayValue: {
                values: [
                  { boolValue: true },
                  {},
                  { kvlistValue: { values: [{ key: '__proto__', value: { stringValue: 'p' } }] } },
                ],
              },
            },
          },
        ],
      },
    },
  })
  assert.deepEqual(recordOf(decodeJsonLog(Buffer.from('{}'), 0n)), { body: { kvlistValue: {} } })
  for (const wrong of ['[]', '1', '"x"', '{', ''])
    assert.throws(() => decodeJsonLog(Buffer.from(wrong), 0n), BadMessage, wrong)
  const deep = `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`
  validate(decodeJsonLog(Buffer.from(deep), 0n), 'logs')
})
