/** Expected values were read from what the Collector 0.155 prints for the same scalars. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainScalar } from '../../config/plain-scalar.ts'

const TABLE: readonly (readonly [written: string, value: unknown])[] = [
  ['', null],
  ['~', null],
  ['null', null],
  ['nULL', 'nULL'],
  ['true', true],
  ['TRUE', true],
  ['tRue', 'tRue'],
  ['False', false],
  ['yes', 'yes'],
  ['on', 'on'],
  ['off', 'off'],
  ['n', 'n'],
  ['0', 0],
  ['-0', 0],
  ['+12', 12],
  ['017', 15],
  ['0o17', 15],
  ['-017', -15],
  ['08', 8],
  ['0x1F', 31],
  ['-0x1F', -31],
  ['0b101', 5],
  ['1_000', 1000],
  ['_1', '_1'],
  ['0x', '0x'],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['9223372036854775807', 9223372036854775807n],
  ['-9223372036854775808', -9223372036854775808n],
  ['18446744073709551615', 18446744073709551615n],
  ['18446744073709551616', 2 ** 64],
  ['1e3', 1000],
  ['1.5', 1.5],
  ['.5', 0.5],
  ['-.5', -0.5],
  ['1.', 1],
  ['1e999', '1e999'],
  ['.inf', Number.POSITIVE_INFINITY],
  ['-.INF', Number.NEGATIVE_INFINITY],
  ['+.Inf', Number.POSITIVE_INFINITY],
  ['.nan', Number.NaN],
  ['nan', 'nan'],
  ['Infinity', 'Infinity'],
  ['1:30', '1:30'],
  ['2020-01-01', '2020-01-01'],
  ['5s', '5s'],
  ['-', '-'],
  ['.', '.'],
  ['1.2.3', '1.2.3'],
  ['0x1p4', '0x1p4'],
]

// Scenario: scalars as people write them in configs, each in the spellings where YAML versions differ.
// Guarantees: their values are those of the Collector's parser.
test('plain scalars mean what they mean to the Collector', () => {
  for (const [written, value] of TABLE) assert.deepEqual(plainScalar(written), value, written)
})

// Scenario: any 64-bit whole number in decimal and hex.
// Guarantees: no digit is lost.
test('64-bit integers are exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), value => {
      assert.equal(BigInt(plainScalar(String(value)) as number | bigint), value)
      const size = value < 0n ? -value : value
      const hex = `${value < 0n ? '-' : ''}0x${size.toString(16)}`
      assert.equal(BigInt(plainScalar(hex) as number | bigint), value)
    }),
  )
})

// Scenario: a million digits.
// Guarantees: reading them takes no time to speak of and gives a float or a text, never a hang.
test('very long numbers are no trap', () => {
  assert.equal(plainScalar('9'.repeat(1_000_000)), '9'.repeat(1_000_000))
})
