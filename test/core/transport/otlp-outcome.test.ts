import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneLine, retryAfterMs } from '../../../core/transport/otlp-outcome.ts'

const NOW = Date.UTC(1994, 10, 6, 8, 49, 0)

// Scenario: Retry-After in seconds, in the three date forms of RFC 9110, and in forms it does not have.
// Guarantees: ms from now for the first four, never negative, whatever the local zone; undefined for the others.
test('Retry-After forms', () => {
  const rows: [value: string, ms: number | undefined][] = [
    ['0', 0],
    [' 120 ', 120_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Sun, 06 Nov 1994 08:48:00 GMT', 0],
    ['Sun, 06 Nov 1994 99:99:99 GMT', undefined],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['99999999999', undefined],
    ['1994-11-06', undefined],
    ['soon', undefined],
  ]
  for (const [value, ms] of rows) assert.equal(retryAfterMs(value, NOW), ms, value)
})

// Scenario: a server's words with line breaks, control characters, and too many of them.
// Guarantees: one line, bounded.
test("a server's words on one line", () => {
  assert.equal(oneLine(' a\r\n\tb\u0000c \u001b[31m'), 'a b c [31m')
  assert.equal(oneLine('x'.repeat(600)).length, 515)
})
