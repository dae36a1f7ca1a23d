import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeBool,
  encodeDouble,
  encodeInt,
  encodeList,
  encodeText,
  sameValue,
  valueText,
} from '../../../core/formats/any-value.ts'
import { messageType } from '../../kit/proto.ts'

const AnyValue = messageType('opentelemetry.proto.common.v1.AnyValue')
const plain = (bytes: Uint8Array) =>
  AnyValue.toObject(AnyValue.decode(bytes), { longs: String, bytes: String })
const encoded = (value: object) => AnyValue.encode(AnyValue.fromObject(value)).finish()
const textOf = (value: object) => {
  const bytes = encoded(value)
  return valueText(bytes, 0, bytes.length)
}
const same = (a: object, b: object) => {
  const [x, y] = [encoded(a), encoded(b)]
  return sameValue(x, 0, x.length, y, 0, y.length)
}
const map = (...entries: [string, object][]) => ({
  kvlistValue: { values: entries.map(([key, value]) => ({ key, value })) },
})

// Scenario: values of every kind are encoded, 64-bit ones at their edges, and nested ones.
// Guarantees: an independent decoder reads what was meant.
test('what is encoded can be read', () => {
  assert.deepEqual(plain(encodeText('ü')), { stringValue: 'ü' })
  assert.deepEqual(plain(encodeInt(-9223372036854775808n)), { intValue: '-9223372036854775808' })
  assert.deepEqual(plain(encodeInt(9007199254740993n)), { intValue: '9007199254740993' })
  assert.deepEqual(plain(encodeDouble(-0)), { doubleValue: -0 })
  assert.deepEqual(plain(encodeBool(true)), { boolValue: true })
  assert.deepEqual(plain(encodeList([encodeText('a'), new Uint8Array()])), {
    arrayValue: { values: [{ stringValue: 'a' }, {}] },
  })
  assert.deepEqual(plain(encodeList([encodeInt(1n)], ['k'])), map(['k', { intValue: '1' }]))
})

// Scenario: every kind as a text, with what Go's JSON does differently from JavaScript's.
// Guarantees: the Collector's AsString: exact integers, sorted keys, '' for a NaN inside, base64 for bytes.
test('values become texts as in the Collector', () => {
  assert.equal(textOf({}), '')
  assert.equal(textOf({ intValue: '9007199254740993' }), '9007199254740993')
  assert.equal(textOf({ doubleValue: 1e21 }), '1e+21')
  assert.equal(textOf({ doubleValue: -0 }), '-0')
  assert.equal(textOf({ boolValue: false }), 'false')
  assert.equal(textOf({ bytesValue: Uint8Array.of(1, 2, 255) }), 'AQL/')
  assert.equal(textOf({ arrayValue: { values: [{ doubleValue: NaN }] } }), '')
  assert.equal(textOf({ arrayValue: {} }), '[]')
  assert.equal(
    textOf(
      map(['b', { arrayValue: { values: [{}, { stringValue: '<\u2028"' }] } }], ['a', { intValue: '1' }]),
    ),
    '{"a":1,"b":[null,"<\\u2028\\""]}',
  )
  assert.equal(textOf(map(['k', { intValue: '1' }], ['k', { boolValue: true }])), '{"k":true}')
})

// Scenario: equal and unequal values of each kind.
// Guarantees: kinds never mix, order counts in arrays and not in maps, NaN equals nothing by itself.
test('values are compared by kind and content', () => {
  assert.equal(same({ intValue: '1' }, { intValue: '1' }), true)
  assert.equal(same({ intValue: '1' }, { doubleValue: 1 }), false)
  assert.equal(same({ intValue: '0' }, { boolValue: false }), false)
  assert.equal(same({ stringValue: '' }, {}), false)
  assert.equal(same({}, {}), true)
  assert.equal(same({ doubleValue: 0 }, { doubleValue: -0 }), true)
  assert.equal(same({ doubleValue: NaN }, { doubleValue: NaN }), false)
  assert.equal(same({ bytesValue: Uint8Array.of(1) }, { bytesValue: Uint8Array.of(1) }), true)
  const [one, two] = [{ intValue: '1' }, { stringValue: 'x' }]
  assert.equal(same({ arrayValue: { values: [one, two] } }, { arrayValue: { values: [two, one] } }), false)
  assert.equal(same(map(['a', one], ['b', two]), map(['b', two], ['a', one])), true)
  assert.equal(same(map(['a', one]), map(['a', two])), false)
  assert.equal(same(map(['a', map(['b', one])]), map(['a', map(['b', one])])), true)
})
