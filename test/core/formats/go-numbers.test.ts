import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatDouble,
  formatPlain,
  goInt,
  parseGoFloat,
  parseGoInt,
} from '../../../core/formats/go-numbers.ts'

// Printed by a Go 1.26 program; null is an error there.
const FLOATS: Readonly<Record<string, number | null>> = {
  '': null,
  ' 1': null,
  '+5': 5,
  '+Inf': Infinity,
  '+nan': null,
  '-0': -0,
  '-1.5e3': -1500,
  '-1e400': null,
  '-infinity': -Infinity,
  '.5': 0.5,
  '0X1P+3': 8,
  '0b1': null,
  '0o7': null,
  '0x': null,
  '0x.p1': null,
  '0x1': null,
  '0x1.000000000000081p0': 1.0000000000000002,
  '0x1.00000000000008p0': 1,
  '0x1.8p1': 3,
  '0x1.fffffffffffff8p1023': null,
  '0x1_0p0': 16,
  '0x1p': null,
  '0x1p-1074': 5e-324,
  '0x1p-2': 0.25,
  '0x1p1024': null,
  '0x_1_2.3_4p+1_2': 74560,
  '1': 1,
  '1 ': null,
  '1.5': 1.5,
  '1.7976931348623159e308': null,
  '1_': null,
  '1_000': 1000,
  '1_000.5': 1000.5,
  '1__0': null,
  '1d': null,
  '1e': null,
  '1e+': null,
  '1e-400': 0,
  '1e1_0': 1e10,
  '1e400': null,
  '5.': 5,
  Infinit: null,
  NaN: NaN,
  _1: null,
  e5: null,
  inf: Infinity,
  nan: NaN,
  '\u0661': null,
}

// Scenario: texts with signs, underscores, hex, infinities, overflow and rubbish.
// Guarantees: the same texts are numbers as in Go, with the same value to the last bit.
test('floats are read as strconv.ParseFloat reads them', () => {
  for (const [text, expected] of Object.entries(FLOATS))
    assert.ok(Object.is(parseGoFloat(text) ?? null, expected), `${text}: ${parseGoFloat(text)}`)
})

// Scenario: decimal texts at the edges of 64 bits.
// Guarantees: exact values inside, undefined outside and for anything that is not plain digits.
test('integers are read as strconv.ParseInt reads them', () => {
  assert.equal(parseGoInt('9223372036854775807'), 9223372036854775807n)
  assert.equal(parseGoInt('-9223372036854775808'), -9223372036854775808n)
  assert.equal(parseGoInt('+1'), 1n)
  assert.equal(parseGoInt('007'), 7n)
  for (const bad of [
    '9223372036854775808',
    '-9223372036854775809',
    '1_0',
    '0x1',
    '',
    ' 1',
    '1.0',
    '--1',
    '+',
  ])
    assert.equal(parseGoInt(bad), undefined, bad)
})

// Scenario: doubles become integers and texts.
// Guarantees: truncation, the amd64 value for what does not fit, and both of Go's formats.
test('doubles are converted and printed as in Go', () => {
  assert.deepEqual([1.9, -1.9, 9.3e18, -9.3e18, NaN, Infinity, 2 ** 62].map(goInt), [
    1n,
    -1n,
    ...Array(4).fill(-9223372036854775808n),
    2n ** 62n,
  ])
  assert.deepEqual(
    [1, 1.5, 1e21, 123456789012345680000, 1e-7, 1.5e-9, -0.1, 0.000001, -0, NaN, -Infinity].map(formatPlain),
    [
      '1',
      '1.5',
      '1000000000000000000000',
      '123456789012345680000',
      '0.0000001',
      '0.0000000015',
      '-0.1',
      '0.000001',
      '-0',
      'NaN',
      '-Inf',
    ],
  )
  assert.equal(formatPlain(1.7976931348623157e308).length, 309)
  assert.deepEqual([1e21, 1e-7, -0, 100].map(formatDouble), ['1e+21', '1e-7', '-0', '100'])
})
