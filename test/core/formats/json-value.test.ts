import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BadMessage, PARTS_MAX } from '../../../core/formats/bad-message.ts'
import {
  isObject,
  JSON_DEPTH_MAX,
  type JsonObject,
  type JsonValue,
  parseJson,
} from '../../../core/formats/json-value.ts'

const parse = (text: string): JsonValue => parseJson(Buffer.from(text), 'json')

/** As JSON.parse makes it. */
function plain(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
  return typeof value === 'bigint' ? Number(value) : value
}

// Scenario: any JSON value.
// Guarantees: it is read as JSON.parse reads it.
test('JSON is read', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      assert.deepEqual(plain(parse(text)), JSON.parse(text))
      // One integer that would be rounded, and everything goes the exact way.
      const [exact] = parse(`[${text},9007199254740993]`) as JsonValue[]
      assert.deepEqual(plain(exact!), JSON.parse(text))
    }),
  )
})

// Scenario: integers above 2^53, names that objects have anyway, equal names, bytes that are no UTF-8.
// Guarantees: nothing is rounded, nothing reaches a prototype, the last of equal names counts.
test('JSON is read exactly', () => {
  assert.equal(parse('9007199254740993'), 9007199254740993n)
  assert.equal(parse('-18446744073709551617'), -18446744073709551617n)
  assert.equal(parse('1.0'), 1)
  assert.equal(parse('\ufeff1'), 1)
  for (const n of ['1', '9007199254740993']) {
    const object = parse(`{"__proto__":${n},"a":1,"a":2}`) as JsonObject
    assert.deepEqual(Object.keys(object), ['__proto__', 'a'])
    assert.equal(object['a'], 2)
    assert.equal(JSON.stringify(object['b']), undefined)
  }
  assert.equal(parseJson(Buffer.from([0x22, 0xff, 0x22]), 'json'), '\ufffd')
})

// Scenario: texts that are not JSON, or too much of it.
// Guarantees: a BadMessage that says what and where.
test('what is no JSON is refused', () => {
  for (const wrong of ['', '{', '[1,]', '{"a" 1}', '{1:2}', 'nul', '1 2', '"\n"', '01', '"\\x"'])
    assert.throws(() => parse(wrong), BadMessage, wrong)
  assert.throws(() => parse('[1,'), /not json: expected a value \(byte 3\)/)
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
  parse(nested(JSON_DEPTH_MAX))
  assert.throws(() => parse(nested(JSON_DEPTH_MAX + 1)), /nested deeper than/)
  assert.throws(() => parse(nested(500_000)), /nested deeper than/)
  assert.throws(() => parse('{"a":'.repeat(300_000)), /nested deeper than/)
  assert.throws(() => parse(`[${'1,'.repeat(PARTS_MAX)}1]`), /more than 1000000 parts/)
})
