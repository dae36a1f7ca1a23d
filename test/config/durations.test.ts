import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../config/durations.ts'

const TABLE: readonly (readonly [written: string, ms: number | undefined])[] = [
  ['0', 0],
  ['0s', 0],
  ['-0', 0],
  ['5s', 5000],
  ['+5s', 5000],
  ['-1.5s', -1500],
  ['1h30m', 5_400_000],
  ['1h0m0.5s', 3_600_500],
  ['200ms', 200],
  ['.5s', 500],
  ['5.s', 5000],
  ['1us', 0.001],
  ['1\u00b5s', 0.001],
  ['1ns', 0.000001],
  ['', undefined],
  ['5', undefined],
  ['s', undefined],
  ['.s', undefined],
  ['5 s', undefined],
  ['5s ', undefined],
  ['1h-5m', undefined],
  ['5d', undefined],
  ['5S', undefined],
  ['--5s', undefined],
  ['300000000h', undefined],
]

// Scenario: durations in every form that Go has, and near misses.
// Guarantees: the same are taken and refused as by Go's time.ParseDuration.
test('durations are read as Go reads them', () => {
  for (const [written, ms] of TABLE) assert.equal(parseDuration(written), ms, written)
})

// Scenario: durations of all sizes, as Go's Duration.String writes them.
// Guarantees: print-config shows what people write.
test('durations are printed as Go prints them', () => {
  const printed: [number, string][] = [
    [0, '0s'],
    [5000, '5s'],
    [90_000, '1m30s'],
    [300_000, '5m0s'],
    [3_600_000, '1h0m0s'],
    [5_400_500, '1h30m0.5s'],
    [1.5, '1.5ms'],
    [0.25, '250us'],
    [0.000001, '1ns'],
    [-90_000, '-1m30s'],
    [-0.5, '-500us'],
  ]
  for (const [ms, text] of printed) assert.equal(formatDuration(ms), text)
})

// Scenario: any duration up to a century, in whole microseconds.
// Guarantees: printing and reading gives the same length.
test('what is printed reads back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -3e15, max: 3e15 }), us => {
      const ms = us / 1000
      const back = parseDuration(formatDuration(ms))!
      assert.ok(Math.abs(back - ms) <= Math.abs(ms) * 1e-11, `${ms} -> ${formatDuration(ms)} -> ${back}`)
    }),
  )
})
