import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainLabelName, explainMetricName } from '../../../../core/formats/prometheus/explain.ts'
import { metricName, type NamedAs, rulesOf, STRATEGIES } from '../../../../core/formats/prometheus/names.ts'
import { conventions } from '../../../../gateway/conventions.ts'

const KINDS: readonly NamedAs[] = ['counter', 'gauge', 'other']
const HARD = [
  '1.2',
  '...',
  '_',
  '',
  'a b',
  'requests.total.count',
  'mem.bytes.used',
  'cpu.ratio',
  'größe',
  'a__b_',
  ':a:',
]

// Scenario: every metric of the conventions and hard names, as every kind, in each strategy, with a namespace and without.
// Guarantees: the explanation ends at the name that is really made, and each of its steps says why.
test('explanations end where the translator ends', () => {
  const metrics = [
    ...conventions().map(({ name, unit }) => [name, unit] as const),
    ...HARD.flatMap(name =>
      ['', '1', 'By', '{x}', 'By/s', '%', 'furlongs'].map(unit => [name, unit] as const),
    ),
  ]
  for (const strategy of STRATEGIES) {
    for (const namespace of ['', 'ns']) {
      const rules = rulesOf(strategy, namespace)
      for (const [name, unit] of metrics) {
        for (const kind of KINDS) {
          const explained = explainMetricName(name, unit, kind, rules)
          assert.equal(explained.name, metricName(name, unit, kind, rules))
          const last = explained.steps.at(-1)?.name ?? name
          assert.equal(last, explained.name ?? '', `${name} ${unit} ${kind} ${strategy}`)
          for (const { why } of explained.steps) assert.notEqual(why, '')
        }
      }
    }
  }
})

// Scenario: names at which each rule does something.
// Guarantees: the words say which rule it was.
test('what the steps say', () => {
  const why = (
    name: string,
    unit: string,
    kind: NamedAs,
    strategy = STRATEGIES[0] as (typeof STRATEGIES)[number],
  ) => explainMetricName(name, unit, kind, rulesOf(strategy)).steps.map(step => step.why)
  assert.deepEqual(why('mem.bytes.used', 'By', 'gauge'), [
    'characters other than letters, digits and : become _',
    'unit "By" is part of the name already',
  ])
  assert.deepEqual(why('requests', '{request}', 'counter'), [
    'unit "{request}" counts things, and is not said',
    'a counter ends in _total',
  ])
  assert.deepEqual(why('cpu', '1', 'gauge'), ['unit "1" is no unit', 'a gauge of unit 1 ends in _ratio'])
  assert.deepEqual(why('1a', '', 'other'), ['a digit does not stand at the beginning'])
  assert.deepEqual(why('a', 's', 'counter', 'NoTranslation'), [
    'unit "s" is not appended: this strategy adds no suffixes',
    '_total is not appended: this strategy adds no suffixes',
  ])
  assert.deepEqual(why('...', '', 'other'), ['nothing but underscores is left, which is no name'])
  assert.deepEqual(
    explainLabelName('a.b', false).steps[0]!.why,
    'characters other than letters and digits become _',
  )
  assert.deepEqual(explainLabelName('1', false), {
    name: 'key_1',
    steps: [{ name: 'key_1', why: 'key_ stands in front of a digit' }],
  })
  assert.deepEqual(explainLabelName('a.b', true), { name: 'a.b', steps: [] })
  assert.equal(explainLabelName('__a', true).name, undefined)
})
