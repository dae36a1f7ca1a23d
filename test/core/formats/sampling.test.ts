import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALWAYS,
  formatRandomness,
  formatThreshold,
  isLess,
  keeps,
  MOST_RANDOM,
  NEVER,
  parseRandomness,
  parseThreshold,
  probabilityOf,
  thresholdOf,
} from '../../../core/formats/sampling.ts'

const th = (probability: number, precision = 14) => formatThreshold(thresholdOf(probability, precision)!)

// Scenario: shares whose thresholds the specification and the Collector's tests name.
// Guarantees: all 56 bits are right, zeros at the end are left out, and rounding keeps the digits that matter.
test('shares become thresholds', () => {
  assert.deepEqual(
    [1, 0.5, 0.25, 2 ** -56, 1 / 3, 2 / 3, 1 - 0x54 / 256, 1 - 1 / 256].map(share => th(share)),
    ['0', '8', 'c', 'ffffffffffffff', 'aaaaaaaaaaaaac', '55555555555558', '54', '01'],
  )
  assert.deepEqual(
    [1 / 3, 0.01, 0.0001, 0.9999].map(share => th(share, 4)),
    ['aaab', 'fd70a', 'fff9724', '00068dc'],
  )
  for (const bad of [0, 2 ** -57, 1.1, NaN, -1]) assert.equal(thresholdOf(bad, 4), undefined)
})

// Scenario: texts of thresholds and randomness, good and bad.
// Guarantees: they are read exactly and written back as they were.
test('texts are read and written', () => {
  assert.equal(formatRandomness(parseRandomness('0123456789abcd')!), '0123456789abcd')
  assert.equal(formatThreshold(parseThreshold('04')!), '04')
  assert.equal(formatThreshold(NEVER), '')
  assert.deepEqual(parseThreshold('8'), parseThreshold('80000000000000'))
  for (const bad of ['', 'g', '123456789012345', '1 ']) assert.equal(parseThreshold(bad), undefined, bad)
  for (const bad of ['', '1234567890123', '123456789012345', 'abcdefgabcdefg'])
    assert.equal(parseRandomness(bad), undefined, bad)
  assert.equal(probabilityOf(parseThreshold('c')!), 0.25)
})

// Scenario: randomness just below, at and above a threshold, across the halves it is kept in.
// Guarantees: kept from the threshold on; the two extremes keep everything and nothing.
test('a threshold keeps what is not below it', () => {
  const half = parseThreshold('8')!
  assert.equal(keeps(half, parseRandomness('7fffffffffffff')!), false)
  assert.equal(keeps(half, parseRandomness('80000000000000')!), true)
  assert.equal(keeps(parseThreshold('80000000000001')!, parseRandomness('80000000000000')!), false)
  assert.equal(keeps(ALWAYS, parseRandomness('00000000000000')!), true)
  assert.equal(keeps(NEVER, MOST_RANDOM), false)
  assert.equal(isLess(parseThreshold('04')!, parseThreshold('4')!), true)
})
