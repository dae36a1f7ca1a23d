import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatFloat,
  formatOpenFloat,
  formatSeconds,
  toMillis,
} from '../../../../core/formats/prometheus/numbers.ts'

/** What Go's `strconv.FormatFloat(value, 'g', -1, 64)` gives, and common's expfmt for zeros and ones. */
const WRITTEN: readonly (readonly [value: number, text: string, open: string])[] = [
  [0, '0', '0.0'],
  [-0, '0', '0.0'],
  [1, '1', '1.0'],
  [-1, '-1', '-1.0'],
  [0.1, '0.1', '0.1'],
  [-2.5, '-2.5', '-2.5'],
  [100_000, '100000', '100000.0'],
  [999_999, '999999', '999999.0'],
  [999_999.5, '999999.5', '999999.5'],
  [1e6, '1e+06', '1e+06'],
  [-1_234_567, '-1.234567e+06', '-1.234567e+06'],
  [123_456_789.25, '1.2345678925e+08', '1.2345678925e+08'],
  [1e21, '1e+21', '1e+21'],
  [1e100, '1e+100', '1e+100'],
  [Number.MAX_VALUE, '1.7976931348623157e+308', '1.7976931348623157e+308'],
  [1e-4, '0.0001', '0.0001'],
  [9.999e-5, '9.999e-05', '9.999e-05'],
  [5e-324, '5e-324', '5e-324'],
  [2 ** 53, '9.007199254740992e+15', '9.007199254740992e+15'],
  [Infinity, '+Inf', '+Inf'],
  [-Infinity, '-Inf', '-Inf'],
  [NaN, 'NaN', 'NaN'],
]

// Scenario: numbers around every place where notation changes.
// Guarantees: Go's spelling in both formats.
test('numbers are spelled as Go does', () => {
  for (const [value, text, open] of WRITTEN) {
    assert.equal(formatFloat(value), text)
    assert.equal(formatOpenFloat(value), open)
  }
})

// Scenario: any double.
// Guarantees: nothing is lost on the page, and OpenMetrics never sees a bare integer.
test('every number can be read back', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
      assert.equal(Number(formatFloat(value)), value === 0 ? 0 : value)
      assert.match(formatOpenFloat(value), /[.e]/)
      assert.doesNotMatch(formatFloat(value), /e[+-]?\d$/)
    }),
  )
})

// Scenario: times.
// Guarantees: seconds for OpenMetrics, whole milliseconds for the classic text.
test('times', () => {
  // Through a double of nanoseconds, as client_golang does it.
  assert.equal(formatSeconds(1_700_000_009_250_000_000n), '1.7000000092499998e+09')
  assert.equal(formatSeconds(1_500_000_000n), '1.5')
  assert.equal(formatSeconds(0n), '0.0')
  assert.equal(toMillis(1_700_000_009_250_999_999n), 1_700_000_009_250n)
})
