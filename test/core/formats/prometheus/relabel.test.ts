import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { anchored, type RelabelRule, relabel } from '../../../../core/formats/prometheus/relabel.ts'

const rule = ({ regex = '(.*)', ...rest }: Partial<RelabelRule> & { regex?: string }): RelabelRule => ({
  action: 'replace',
  sourceLabels: [],
  separator: ';',
  pattern: anchored(regex),
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
  utf8: true,
  ...rest,
})

/** The labels after the rule, or `dropped`. */
function after(labels: Record<string, string>, one: Parameters<typeof rule>[0]): unknown {
  const map = new Map(Object.entries(labels))
  return relabel(map, [rule(one)]) ? Object.fromEntries(map) : 'dropped'
}

// Scenario: each action on labels of which some match.
// Guarantees: what Prometheus' relabelling does, empty results and unknown groups included.
test('every action', () => {
  const abc = { a: 'foo', b: 'bar', c: 'baz' }
  const ab = ['a', 'b']
  assert.deepEqual(
    after(abc, { sourceLabels: ['a'], regex: 'f(.*)', targetLabel: 'd', replacement: 'ch${1}-ch${1}' }),
    { ...abc, d: 'choo-choo' },
  )
  assert.deepEqual(
    after(abc, {
      sourceLabels: ab,
      separator: '',
      regex: '(f).*(?P<last>r)',
      targetLabel: 'd',
      replacement: '$last$1$$$0$nobody',
    }),
    { ...abc, d: 'rf$foobar' },
  )
  assert.deepEqual(after(abc, { sourceLabels: ['a'], regex: 'oo', targetLabel: 'd' }), abc)
  assert.deepEqual(after(abc, { sourceLabels: ['a'], targetLabel: 'a', replacement: '' }), {
    b: 'bar',
    c: 'baz',
  })
  assert.deepEqual(after({}, { targetLabel: 'd', replacement: 'x' }), { d: 'x' })
  assert.deepEqual(
    after(abc, { sourceLabels: ['a'], regex: '(f)oo', targetLabel: '${1}_$1', replacement: 'x' }),
    { ...abc, f_f: 'x' },
  )
  assert.deepEqual(
    after({ a: 'x\ny' }, { sourceLabels: ['a'], regex: 'x.y', targetLabel: 'a', replacement: 'z' }),
    { a: 'z' },
  )
  assert.equal(after(abc, { action: 'drop', sourceLabels: ab, regex: 'foo;bar' }), 'dropped')
  assert.deepEqual(after(abc, { action: 'drop', sourceLabels: ['a'], regex: 'fo|oo' }), abc)
  assert.equal(after(abc, { action: 'keep', sourceLabels: ['a'], regex: 'fo' }), 'dropped')
  assert.deepEqual(after(abc, { action: 'keep', sourceLabels: ['nobody'], regex: '' }), abc)
  assert.equal(
    after({ a: '1', b: '1' }, { action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }),
    'dropped',
  )
  assert.equal(after({ a: '1' }, { action: 'keepequal', sourceLabels: ['a'], targetLabel: 'b' }), 'dropped')
  assert.deepEqual(after({ a: 'Ab' }, { action: 'lowercase', sourceLabels: ['a'], targetLabel: 'l' }), {
    a: 'Ab',
    l: 'ab',
  })
  assert.deepEqual(after({ a: 'Ab' }, { action: 'uppercase', sourceLabels: ['a', 'z'], targetLabel: 'a' }), {
    a: 'AB;',
  })
  assert.deepEqual(after(abc, { action: 'hashmod', sourceLabels: ab, targetLabel: 'd', modulus: 1000 }), {
    ...abc,
    d: hashOf('foo;bar', 1000n),
  })
  assert.deepEqual(after({ m_a: '1', m_: '2', n: '3' }, { action: 'labelmap', regex: 'm_(.*)' }), {
    m_a: '1',
    m_: '2',
    n: '3',
    a: '1',
    '': '2',
  })
  assert.deepEqual(after(abc, { action: 'labeldrop', regex: '[ab]' }), { c: 'baz' })
  assert.deepEqual(after(abc, { action: 'labelkeep', regex: '[ab]' }), { a: 'foo', b: 'bar' })
})

function hashOf(text: string, modulus: bigint): string {
  const hex = createHash('md5').update(text).digest('hex').slice(16)
  return String(BigInt(`0x${hex}`) % modulus)
}

// Scenario: target labels that are no names, in both validation schemes; several rules in a row.
// Guarantees: such a rule changes nothing; rules see what those before them made, and a drop ends it.
test('names and order', () => {
  const named = { sourceLabels: ['a'], targetLabel: '$1', replacement: 'x' }
  assert.deepEqual(after({ a: 'x.y' }, { ...named, utf8: false }), { a: 'x.y' })
  assert.deepEqual(after({ a: 'x.y' }, named), { a: 'x.y', 'x.y': 'x' })
  assert.deepEqual(after({}, named), {})
  const labels = new Map([['a', '1']])
  const rules = [
    rule({ targetLabel: 'b', replacement: 'made' }),
    rule({ action: 'drop', sourceLabels: ['b'], regex: 'made' }),
    rule({ targetLabel: 'c', replacement: 'never' }),
  ]
  assert.equal(relabel(labels, rules), false)
  assert.equal(labels.has('c'), false)
})
