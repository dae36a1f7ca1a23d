/**
 * Names against a table that the Collector's translator filled (github.com/prometheus/otlptranslator v1.0.0): the
 * metrics of the semantic conventions 1.43, those of JVM, CPython and Node.js among them, and names that ask for
 * trouble. null is where it refuses.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  labelName,
  metricName,
  type NamedAs,
  namespaceName,
  rulesOf,
  STRATEGIES,
  unitName,
  writtenLabelName,
} from '../../../../core/formats/prometheus/names.ts'

type Answer = string | null
interface Table {
  readonly families: Record<
    string,
    [name: string, unit: string, kind: string, full: Answer, plain: Answer, utf8: Answer][]
  >
  readonly namespaces: [namespace: string, name: string, unit: string, kind: string, ...Answer[]][]
  readonly labels: [key: string, escaped: Answer, utf8: Answer][]
}

const table: Table = JSON.parse(readFileSync(new URL('names.json', import.meta.url), 'utf8'))

const namedAs = (kind: string): NamedAs => (kind === 'counter' || kind === 'gauge' ? kind : 'other')
/** No name at all is a name there, and no metric's. */
const answer = (said: Answer): string | undefined => said || undefined

for (const [family, rows] of Object.entries(table.families)) {
  // Scenario: each metric of the family, with its unit and kind, in each strategy.
  // Guarantees: the name is the one the Collector's translator gives, or it is refused where that refuses.
  test(`metric names: ${family}`, () => {
    assert.ok(rows.length > 0)
    for (const [name, unit, kind, full, plain, utf8] of rows) {
      const expected = [full, plain, utf8, name].map(answer)
      const made = STRATEGIES.map(strategy => metricName(name, unit, namedAs(kind), rulesOf(strategy)))
      assert.deepEqual(made, expected, `${name} ${unit} ${kind}`)
    }
  })
}

// Scenario: namespaces that are names and namespaces that are not, in each strategy.
// Guarantees: as the translator does it, its uncleaned namespace in front of full names included.
test('metric names with a namespace', () => {
  for (const [namespace, name, unit, kind, ...expected] of table.namespaces) {
    const made = STRATEGIES.map(strategy =>
      metricName(name, unit, namedAs(kind), rulesOf(strategy, namespace)),
    )
    assert.deepEqual(made, expected.map(answer), `${namespace} ${name}`)
  }
  assert.deepEqual(
    [
      namespaceName('', false),
      namespaceName('a-b', false),
      namespaceName('a-b', true),
      namespaceName('_', true),
    ],
    ['', 'a_b', 'a-b', ''],
  )
})

// Scenario: attribute keys.
// Guarantees: the translator's labels; what it lets through and Prometheus then refuses (two underscores in front) is
// refused at once.
test('label names', () => {
  for (const [key, escaped, utf8] of table.labels) {
    const usable = (said: Answer): string | undefined => (said?.startsWith('__') ? undefined : answer(said))
    assert.equal(labelName(key, false), usable(escaped), key)
    assert.equal(labelName(key, true), usable(utf8), key)
  }
})

// Scenario: attribute keys as labels of series that are written (otlptranslator's LabelNamer with
// UnderscoreLabelSanitization and without PreserveMultipleUnderscores), and units as metadata has them.
// Guarantees: what the Collector's remote write makes of them.
test('labels and units of remote write', () => {
  const labels: Readonly<Record<string, string | undefined>> = {
    'a.b': 'a_b',
    'a..b': 'a_b',
    'a-_.b_': 'a_b_',
    '1st': 'key_1st',
    _a: 'key_a',
    '.a': 'key_a',
    __a: 'key_a',
    __a__: '__a__',
    '__a.b__': '__a_b__',
    ü: 'key_',
    _: 'key_',
    ____: undefined,
    '': undefined,
  }
  for (const [key, label] of Object.entries(labels)) assert.equal(writtenLabelName(key, false), label, key)
  assert.deepEqual(
    ['a..b', '__a', '', '__'].map(key => writtenLabelName(key, true)),
    ['a..b', '__a', undefined, undefined],
  )
  const units = {
    s: 'seconds',
    'By/s': 'bytes_per_second',
    '1': '',
    '{x}': '',
    '{x}/s': 'per_second',
    '_a b': 'a_b',
    '%': 'percent',
  }
  for (const [unit, name] of Object.entries(units)) assert.equal(unitName(unit, false), name, unit)
})
