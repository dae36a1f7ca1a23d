import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTracestate, parseTracestate } from '../../../core/formats/tracestate.ts'

// What else is accepted, refused and written is tested with the processor probabilistic_sampler, against the Collector.

// Scenario: several vendors, spaces around entries, and keys we do not know in the ot entry.
// Guarantees: everything is found, and written back with ot first and all else as it was.
test('a tracestate is read and written', () => {
  const state = parseTracestate('rojo=1, ot=x:1;th:c;rv:0123456789abcd;y:2 ,congo@t=2')
  assert.equal(state.broken, false)
  assert.deepEqual([state.th, state.rv], ['c', '0123456789abcd'])
  assert.equal(formatTracestate(state, state.rv, 'e'), 'ot=rv:0123456789abcd;th:e;x:1;y:2,rojo=1,congo@t=2')
  assert.equal(formatTracestate(state, '', ''), 'ot=x:1;y:2,rojo=1,congo@t=2')
  assert.equal(formatTracestate(parseTracestate(''), '', ''), '')
})

// Scenario: texts that break a rule of W3C or of OpenTelemetry.
// Guarantees: each is broken, and what could be read beside the mistake is kept.
test('broken tracestates are told from others', () => {
  for (const bad of [
    'bad',
    'A=b',
    '=b',
    'a=',
    'a=b c=d,',
    'a=\u00fc',
    '@t=1',
    'ot=th',
    'ot=th:1;',
    'ot=TH:1',
  ])
    assert.equal(parseTracestate(bad).broken, true, bad)
  const half = parseTracestate('a=b,ot=th:8;rv:zz')
  assert.deepEqual([half.broken, half.th, half.rv, half.others], [true, '8', '', 'a=b'])
})

// Scenario: entries and texts at the limits.
// Guarantees: inside they are read, outside they are broken.
test('limits hold', () => {
  const entries = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',')
  assert.equal(parseTracestate(entries(31)).broken, false)
  assert.equal(parseTracestate(entries(32)).broken, true)
  assert.equal(parseTracestate(`a=${'v'.repeat(256)}`).broken, false)
  assert.equal(parseTracestate(`a=${'v'.repeat(257)}`).broken, true)
  assert.equal(parseTracestate(`t@${'s'.repeat(14)}=1`).broken, false)
  assert.equal(parseTracestate(`t@${'s'.repeat(15)}=1`).broken, true)
})
