import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as time from '../../../core/formats/nanos.ts'
import {
  divide,
  durationText,
  parseDuration,
  parseTime,
  splitDuration,
  splitTime,
  timeText,
} from '../../../core/formats/nanos.ts'

const MASK = 0xffff_ffffn
const low = (value: bigint): number => Number(value & MASK)
const high = (value: bigint): number => Number(value >> 32n)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

// Scenario: any 64-bit value is divided by what the formats divide by.
// Guarantees: quotient and remainder are exact.
test('64 bits are divided exactly', () => {
  fc.assert(
    fc.property(uint64, fc.constantFrom(1000, 1_000_000, 1_000_000_000), (value, by) => {
      divide(low(value), high(value), by)
      const quotient = value / BigInt(by)
      if (quotient < 2n ** 53n) assert.equal(BigInt(time.quotient), quotient)
      assert.equal(BigInt(time.remainder), value % BigInt(by))
    }),
  )
})

// Scenario: any 64 bits as a time, and the difference of any two.
// Guarantees: as Go has it: signed, nanoseconds of a time never negative, a duration of one sign and at most 292 years.
test('times and durations are split as in Go', () => {
  fc.assert(
    fc.property(int64, int64, (from, to) => {
      const split = (value: bigint): [number, number] => {
        const bits = BigInt.asUintN(64, value)
        splitTime(low(bits), high(bits))
        assert.equal(BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos), value)
        assert.ok(time.nanos >= 0 && time.nanos < 1e9)
        return [time.seconds, time.nanos]
      }
      splitDuration(...split(from), ...split(to))
      const most = 2n ** 63n - 1n
      const exact = to - from
      const clamped = exact > most ? most : exact < -most - 1n ? -most - 1n : exact
      assert.equal(BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos), clamped)
      assert.ok(time.seconds === 0 || time.nanos === 0 || time.seconds > 0 === time.nanos > 0)
    }),
  )
})

// Scenario: any time and duration as text and back, and texts that other writers use.
// Guarantees: nothing is lost, other spellings are read, what is no time is refused.
test('times and durations have texts', () => {
  fc.assert(
    fc.property(int64, value => {
      const bits = BigInt.asUintN(64, value)
      splitTime(low(bits), high(bits))
      assert.equal(parseTime(timeText(time.seconds, time.nanos)), value)
      const sign = value < 0n ? -1n : 1n
      const size = value * sign
      const text = durationText(
        Number((size / 1_000_000_000n) * sign),
        Number((size % 1_000_000_000n) * sign),
      )
      assert.equal(parseDuration(text), value)
    }),
  )
  assert.equal(timeText(1, 500_000_000), '1970-01-01T00:00:01.500Z')
  assert.equal(timeText(1, 1), '1970-01-01T00:00:01.000000001Z')
  assert.equal(durationText(0, -1000), '-0.000001s')
  assert.equal(parseTime('1970-01-01T01:00:01.5+01:00'), 1_500_000_000n)
  assert.equal(parseTime('1970-01-01t00:00:00z'), 0n)
  for (const wrong of ['', 'now', '1970-02-30T00:00:00Z', '1970-01-01', '1970-01-01T24:00:00Z'])
    assert.equal(parseTime(wrong), undefined, wrong)
  for (const wrong of ['', '1', '1.s', 's', '1ms', '1.0000000001s'])
    assert.equal(parseDuration(wrong), undefined, wrong)
})
