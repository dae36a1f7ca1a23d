import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ESCAPINGS, escapeName, isLegacyName } from '../../../../core/formats/prometheus/escape.ts'

/** Each name as model.EscapeMetricFamily of common v0.69 writes it, in the order of ESCAPINGS. */
const NAMES: readonly (readonly string[])[] = [
  ['plain_name:x', 'plain_name:x', 'plain_name:x', 'plain_name:x'],
  ['http.status_code', 'http_status_code', 'http_dot_status__code', 'U__http_2e_status__code'],
  ['1st', '_st', '__st', 'U___31_st'],
  ['a b', 'a_b', 'a__b', 'U__a_20_b'],
  ['ü.日', '___', '___dot___', 'U___fc__2e__65e5_'],
  ['😀', '_', '__', 'U___1f600_'],
]

// Scenario: names in the four escapings.
// Guarantees: common's spelling; names that every reader knows are left alone.
test('names are escaped as common does', () => {
  for (const row of NAMES) {
    assert.deepEqual(
      ESCAPINGS.map(escaping => escapeName(row[0]!, escaping)),
      row,
    )
  }
  assert.ok(isLegacyName('a:b_1') && !isLegacyName('1a') && !isLegacyName('') && !isLegacyName('a.b'))
})
