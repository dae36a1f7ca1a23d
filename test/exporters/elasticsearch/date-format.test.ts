import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dateFormatProblem, formatDate } from '../../../exporters/elasticsearch/date-format.ts'

// Scenario: every part of a date, at an afternoon and on days at the edge of years.
// Guarantees: what strftime gives in UTC; other letters are an error that shows them.
test('parts of a date', () => {
  const at = new Date(Date.UTC(2026, 10, 6, 15, 4, 9))
  assert.equal(
    formatDate('%Y %y %C %m %d %e %H %I %M %S %p %j %A %a %B %b %h %u %w %V %U %Z %z %%', at),
    '2026 26 20 11 06  6 15 03 04 09 PM 310 Friday Fri November Nov Nov 5 5 45 44 UTC +0000 %',
  )
  assert.equal(formatDate('%F %T %R %D', at), '2026-11-06 15:04:09 15:04 11/06/26')
  assert.equal(formatDate('%I %p %u', new Date(Date.UTC(2026, 10, 8))), '12 AM 7')
  const weeks = [
    [2024, 11, 30, '01'],
    [2027, 0, 1, '53'],
    [2026, 0, 1, '01'],
  ] as const
  for (const [year, month, day, week] of weeks)
    assert.equal(formatDate('%V', new Date(Date.UTC(year, month, day))), week)
  assert.equal(dateFormatProblem('%Y.%m.%d'), undefined)
  assert.match(dateFormatProblem('%Y %Q')![0], /"%Q"/)
  assert.match(dateFormatProblem('%')![0], /"%"/)
})
