import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdjustedCount } from '../../../connectors/spanmetrics/adjusted-count.ts'
import { boundsOf, config, DELTA } from '../../../connectors/spanmetrics/config.ts'
import { Glob } from '../../../connectors/spanmetrics/glob.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

function said(plain: unknown): string {
  return tryConfig(config, plain).problems.join('\n')
}

// Scenario: dimensions that are there already, twice, nameless, both name and glob, with globs that match too much.
// Guarantees: each is refused where it stands, in words that say which one it is.
test('wrong dimensions are refused', () => {
  const dimensions = (...list: unknown[]): string => said({ dimensions: list })
  assert.match(dimensions({ name: 'a' }, { name: 'a' }), /dimensions: has "a" twice; take it out/)
  assert.match(dimensions({ name: 'span.name' }), /dimensions: has "span.name", which is there in any case/)
  assert.match(dimensions({}), /has a dimension without a name; write name: or glob:/)
  assert.match(
    dimensions({ name: 'a', glob: 'b' }),
    /has the name "a" and the glob "b"|with the name "a" and the glob "b"/,
  )
  assert.match(dimensions({ glob: 'a.*', default: 'x' }), /has a default for the glob "a\.\*"/)
  assert.match(dimensions({ glob: '*.name' }), /glob "\*\.name", which matches "service.name"/)
  assert.match(dimensions({ glob: 'a[' }), /has the glob "a\[": a \[ is not closed/)
  assert.match(dimensions({ glob: 'a[b-' }), /a \[ is not closed/)
  assert.match(dimensions({ glob: '[]' }), /there is nothing in \[\]/)
  assert.match(dimensions({ glob: '[z-a]' }), /goes backwards/)
  assert.match(dimensions({ glob: '[a-cx]' }), /has to be the only thing there/)
  assert.match(said({ calls_dimensions: [{}] }), /calls_dimensions: has/)
  assert.match(said({ histogram: { dimensions: [{}] } }), /histogram: has/)
  assert.match(said({ events: { enabled: true } }), /events::dimensions: is empty/)
  assert.equal(said({ events: { enabled: false, dimensions: [{}] } }), '')
  assert.match(said({ aggregation_temporality: 'delta' }), /"delta" is not known, so metrics are cumulative/)
  assert.match(said({ dimensions_cache_size: 5 }), /has no effect here/)
})

// Scenario: keys that may be left out, with nothing behind them.
// Guarantees: they mean what they mean when they are left out, as in the Collector.
test('keys with nothing behind them', () => {
  const delta = { aggregation_temporality: DELTA, metric_timestamp_cache_size: null }
  assert.equal(said(delta), '')
  assert.equal(readConfig(config, delta).metric_timestamp_cache_size, undefined)
  const [dimension] = readConfig(config, { dimensions: [{ name: 'a', default: null }] }).dimensions
  assert.equal(dimension!.default, undefined)
  assert.match(said({ ...delta, metric_timestamp_cache_size: 0 }), /write 1 or more/)
})

// Scenario: bounds as durations, in both units, from the default and from a preset.
// Guarantees: they are the doubles nearest to what is written.
test('bounds in the unit of the metric', () => {
  const read = (plain: unknown) => readConfig(config, plain)
  const buckets = ['100us', '1400ms', '3s']
  const own = { histogram: { explicit: { buckets } } }
  assert.deepEqual([...boundsOf(read(own), 'ms')], [0.1, 1400, 3000])
  assert.deepEqual([...boundsOf(read(own), 's')], [0.0001, 1.4, 3])
  assert.deepEqual([...boundsOf(read({}), 's')].slice(-2), [10, 15])
  assert.deepEqual([...boundsOf(read({ histogram: { explicit: {} } }), 's')], [])
  assert.equal(boundsOf(read({ preset: 'tempo' }), 's').at(-1), 16.384)
})

// Scenario: globs against keys.
// Guarantees: one star and the question mark stop at dots, two stars do not; classes, alternatives and escapes work; letters
// that mean something in patterns mean themselves.
test('globs', () => {
  const cases: Readonly<Record<string, readonly [yes: readonly string[], no: readonly string[]]>> = {
    'http.*': [
      ['http.', 'http.route'],
      ['http', 'http.a.b', 'xhttp.a'],
    ],
    'http.**': [['http.a.b'], ['http']],
    '**': [['', 'a.b'], []],
    'a?c': [['abc'], ['a.c', 'ac']],
    '[a-c]x': [['bx'], ['dx', '[a-c]x']],
    '[!a]x': [['bx'], ['ax']],
    '[!a-c]': [['d'], ['b']],
    '[xa-c]': [
      ['x', 'a', '-', 'c'],
      ['b', ''],
    ],
    '[\\]^]': [[']', '^'], ['\\']],
    '[ü-ý]': [['ü'], ['u']],
    '{http,db}.*': [
      ['http.a', 'db.b'],
      ['rpc.a', '{http,db}.a'],
    ],
    'a\\*': [['a*'], ['ab']],
    'a+(b)|c^$': [['a+(b)|c^$'], ['aab']],
    'a,b': [['a,b'], ['a']],
    'ü*\n': [['üx\n'], ['ü']],
  }
  for (const [glob, [yes, no]] of Object.entries(cases)) {
    const compiled = new Glob(glob)
    for (const key of yes) assert.ok(compiled.matches(key), `${glob} should match ${key}`)
    for (const key of no) assert.ok(!compiled.matches(key), `${glob} should not match ${key}`)
  }
})

// Scenario: tracestates with thresholds that stand for whole and for broken numbers of spans, and without.
// Guarantees: whole ones are exact, broken ones are rounded by chance so that their mean is right; what cannot be read counts
// as one; spans that follow each other with the same tracestate share the lot.
test('spans that stand for several', () => {
  let lot = 0
  const counter = new AdjustedCount(() => lot)
  const of = (state: string): [number, boolean] => {
    const bytes = Buffer.from(state)
    return [counter.of(bytes, 0, bytes.length), counter.extrapolated]
  }
  assert.deepEqual(of(''), [1, false])
  assert.deepEqual(of('ot=th:8'), [2, true])
  assert.deepEqual(of('ot=th:0'), [1, true])
  assert.deepEqual(of('a=b,ot=rv:976837c4f25a25;th:c'), [4, true])
  assert.deepEqual(of('a=b'), [1, false])
  assert.deepEqual(of('ot=th:zz'), [1, false])
  // 1 / (1 - 0.25): 4/3.
  assert.deepEqual(of('ot=th:4'), [2, true])
  lot = 0.34
  assert.deepEqual(of('ot=th:4'), [2, true], 'the same as the span before')
  counter.forget()
  assert.deepEqual(of('ot=th:4'), [1, true])
  lot = 0.33
  counter.forget()
  assert.deepEqual(of('ot=th:4'), [2, true])
})
