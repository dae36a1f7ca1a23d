import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  also,
  anything,
  choice,
  duration,
  flag,
  integer,
  list,
  map,
  optional,
  secret,
  section,
  text,
} from '../../config/schema.ts'
import { readAs } from '../kit/config-text.ts'

const server = section(
  {
    endpoint: text({ doc: 'Where.', required: true }),
    timeout: duration({ doc: 'How long.', default: '5s' }),
    retries: integer({ doc: 'How often.', default: 3 }),
    key: secret({ doc: 'Who.' }),
  },
  {
    doc: 'A server.',
    renamed: { address: 'endpoint' },
    ignored: { buffer: 'Node sizes its own' },
    check: ({ timeout, retries }, report) => {
      if (timeout === 0 && retries > 0) report.error('retries', 'retries without a timeout', 'set a timeout')
      if (!report.written('timeout')) report.warn('timeout', 'uses the default')
      if (retries === 7) report.error('', 'seven is too many', 'write less')
    },
  },
)

const said = (written: string): readonly string[] => readAs(server, written).said

// Scenario: sections with unknown, old, useless, missing and wrong keys.
// Guarantees: each mistake is reported at its key; rules across keys run only over sound values.
test('a section knows its keys', () => {
  const usual = 'v:1:4: warning: v::timeout: uses the default'
  assert.deepEqual(said('{endpoint: a, timeout: 1s}'), [])
  assert.deepEqual(said('{endpoint: a}'), [usual])
  assert.deepEqual(said('{endpoint: a, timout: 1s}'), [
    'v:1:18: v::timout: is not a known key; did you mean "timeout"?',
    usual,
  ])
  assert.deepEqual(said('{address: a, timeout: 1s}'), [
    'v:1:5: warning: v::address: is an old name; write endpoint',
  ])
  assert.deepEqual(said('{endpoint: a, timeout: 1s, buffer: 5}'), [
    'v:1:31: warning: v::buffer: has no effect here; Node sizes its own',
  ])
  assert.deepEqual(said(''), ['v:1:4: v::endpoint: is missing; write endpoint: below v'])
  assert.deepEqual(said('{timeout: 0s, retries: x}'), [
    'v:1:4: v::endpoint: is missing; write endpoint: below v',
    'v:1:27: v::retries: expected a whole number, at most 9007199254740991, got the text "x"; write digits only, such as 100',
  ])
  assert.deepEqual(said('{endpoint: a, timeout: 0s, retries: 1}'), [
    'v:1:40: v::retries: retries without a timeout; set a timeout',
  ])
  assert.deepEqual(said('{endpoint: a, timeout: 1s, retries: 7}'), [
    'v:1:4: v: seven is too many; write less',
  ])
  assert.deepEqual(said('5'), [
    'v:1:4: v: expected a section, got the number 5; write endpoint, timeout, retries: below it',
  ])
  assert.deepEqual(said('{Endpoint: a, endpoint: a, timeout: 1s}'), [
    'v:1:5: v::Endpoint: is not a known key; did you mean "endpoint"?',
  ])
  assert.deepEqual(said('{toString: a, endpoint: a, timeout: 1s}').length, 1)
})

// Scenario: a section is absent, null, and partly written.
// Guarantees: what is not written has its default, and the value prints as it could be written.
test('a section has defaults', () => {
  const { value } = readAs(server, '{endpoint: a, key: k}')
  assert.deepEqual(server.print(value, false), {
    endpoint: 'a',
    timeout: '5s',
    retries: 3,
    key: '[REDACTED]',
  })
  assert.deepEqual(server.print(value, true), { endpoint: 'a', timeout: '5s', retries: 3, key: 'k' })
  assert.equal(server.absent().timeout, 5000)
})

const inner = section({ size: integer({ doc: '', default: 1 }) }, { doc: '' })

// Scenario: a section that is off unless it is written, in both of the Collector's flavours.
// Guarantees: absent is off; {} is on; null is on or off; `enabled` decides, and is no key of the section.
test('optional sections', () => {
  const on = optional(inner)
  const off = optional(inner, { empty: 'off' })
  assert.equal(on.absent(), undefined)
  assert.deepEqual(readAs(on, '').value, { size: 1 })
  assert.deepEqual(readAs(on, '${env:NOPE}').value, { size: 1 })
  assert.equal(readAs(off, '').value, undefined)
  assert.deepEqual(readAs(off, '{}').value, { size: 1 })
  assert.deepEqual(readAs(on, '{enabled: true, size: 2}'), { value: { size: 2 }, said: [] })
  assert.deepEqual(readAs(on, '{enabled: false, size: 2}'), { value: undefined, said: [] })
  assert.deepEqual(readAs(on, '{enabled: no}').said, [
    'v:1:14: v::enabled: expected true or false, got the text "no"; write true or false, without quotes',
  ])
  const own = optional(section({ enabled: flag({ doc: '', default: true }) }, { doc: '' }))
  assert.deepEqual(readAs(own, '{enabled: false}').value, { enabled: false })
  const outer = section({ on }, { doc: '' })
  assert.deepEqual(outer.print({ on: undefined }, false), {})
})

// Scenario: lists of texts and sections, written as lists, with commas, wrongly, and from the environment.
// Guarantees: commas are for texts and words only; each item's mistake has the item's place.
test('lists', () => {
  const texts = list(text({ doc: '' }), { doc: '', default: ['d'] })
  assert.deepEqual(texts.absent(), ['d'])
  assert.deepEqual(readAs(texts, '[a, b]'), { value: ['a', 'b'], said: [] })
  assert.deepEqual(readAs(texts, 'a,b'), { value: ['a', 'b'], said: [] })
  assert.deepEqual(readAs(texts, '""'), { value: [], said: [] })
  assert.deepEqual(readAs(texts, '[]'), { value: [], said: [] })
  assert.deepEqual(readAs(texts, ''), { value: ['d'], said: [] })
  assert.deepEqual(readAs(texts, '[null]'), { value: [''], said: [] })
  assert.deepEqual(readAs(texts, '${env:L}', { L: 'a,b' }).value, ['a', 'b'])
  assert.deepEqual(readAs(texts, '${env:L}', { L: '[a, b]' }).value, ['a', 'b'])
  assert.deepEqual(readAs(texts, '["${env:L}"]', { L: '0123' }).value, ['0123'])
  assert.deepEqual(readAs(texts, '5').said, [
    'v:1:4: v: expected a list, got the number 5; write [a, b] or one "- " line for each',
  ])
  assert.deepEqual(readAs(texts, '[a, 5]').said, [
    'v:1:8: v::1: expected a text, got the number 5; write it in quotes',
  ])
  const words = list(choice(['', 'gzip', 'zstd'], { doc: '' }), { doc: '' })
  assert.deepEqual(readAs(words, 'gzip,zstd'), { value: ['gzip', 'zstd'], said: [] })
  const sections = list(inner, { doc: '' })
  assert.deepEqual(readAs(sections, '[{size: 2}, null]').value, [{ size: 2 }, { size: 1 }])
  assert.equal(readAs(sections, 'a,b').said.length, 1)
  const keys = list(secret({ doc: '' }), { doc: '' })
  assert.deepEqual(keys.print(readAs(keys, '[a, b]').value, false), ['[REDACTED]', '[REDACTED]'])
  assert.deepEqual(readAs(keys, 'hunter2').said, [
    'v:1:4: v: expected a list, got something else; write [a, b] or one "- " line for each',
  ])
})

// Scenario: maps with the user's own keys, of secrets too.
// Guarantees: keys such as __proto__ are keys like any other; values that are secret are not printed.
test('maps', () => {
  const headers = map(secret({ doc: '' }), { doc: '' })
  const { value, said } = readAs(headers, '{a: b, c: "${env:K}", __proto__: x}', { K: '0123' })
  assert.deepEqual(said, [])
  assert.deepEqual(
    [...value].map(([key, one]) => [key, one.reveal()]),
    [
      ['a', 'b'],
      ['c', '0123'],
      ['__proto__', 'x'],
    ],
  )
  assert.deepEqual(Object.entries(headers.print(value, false) as object).length, 3)
  assert.deepEqual(readAs(headers, '').value, new Map())
  assert.deepEqual(readAs(headers, '{a: 5}').said, [
    'v:1:8: v::a: expected a text, got something else; write it in quotes, or take it from the environment with ${env:NAME}',
  ])
  assert.deepEqual(readAs(headers, 'hunter2').said, [
    'v:1:4: v: expected a map, got something else; write "key: value" lines below it',
  ])
})

// Scenario: a key that takes any value, and a key that takes two forms.
// Guarantees: 64-bit numbers are exact; the second form is tried first.
test('anything, and two forms', () => {
  const any = anything({ doc: '' })
  assert.deepEqual(readAs(any, '{a: [1, 9007199254740993, yes, 1.5, null]}').value, {
    a: [1, 9007199254740993n, 'yes', 1.5, null],
  })
  assert.equal(readAs(any, '${env:X}', { X: '0123' }).value, 83)
  const both = also(inner, 'number', { type: 'integer' }, node =>
    node.kind === 'scalar' && typeof node.value === 'number' ? { size: node.value } : undefined,
  )
  assert.deepEqual(readAs(both, '5').value, { size: 5 })
  assert.deepEqual(readAs(both, '{size: 6}').value, { size: 6 })
  assert.equal(both.typeText, 'section, or number')
})
