import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Check } from '../../config/node.ts'
import { plainValue } from '../../config/schema.ts'
import { DEPTH_MAX, parseYaml, printYaml, VALUES_MAX } from '../../config/yaml.ts'
import { readYaml } from '../kit/config-text.ts'

const GOOD: readonly (readonly [text: string, value: unknown])[] = [
  ['', null],
  ['# nothing', null],
  ['a:', { a: null }],
  ['a: 1\nb: [x, "1", \'2\']', { a: 1, b: ['x', '1', '2'] }],
  ['a: !!str 12', { a: '12' }],
  ['a: !!int "12"', { a: 12 }],
  ['a: !!float 1', { a: 1 }],
  ['a: !!binary aGk=', { a: 'hi' }],
  ['a: !own 12', { a: '12' }],
  ['a: ! 12', { a: '12' }],
  ['a: |\n  x\n  y\n', { a: 'x\ny\n' }],
  ['a: x\n  y', { a: 'x y' }],
  ['{a: 1, b}', { a: 1, b: null }],
  ['1: a\ntrue: b\n0x10: c', { 1: 'a', true: 'b', 16: 'c' }],
  ['a: &x [1]\nb: *x', { a: [1], b: [1] }],
  ['a: &k z\n*k : 1', { a: 'z', z: 1 }],
  ['a: &x {m: 1, n: 2}\nb:\n  n: 3\n  <<: *x', { a: { m: 1, n: 2 }, b: { n: 3, m: 1 } }],
  [
    'a: &x {m: 1}\nb: &y {m: 2, o: 3}\nc: {<<: [*x, *y]}',
    { a: { m: 1 }, b: { m: 2, o: 3 }, c: { m: 1, o: 3 } },
  ],
  ['a: {"<<": 1}', { a: { '<<': 1 } }],
  ['\uFEFFa: 1', { a: 1 }],
  ['%YAML 1.1\n---\na: yes', { a: 'yes' }],
  ['__proto__: 1\nconstructor: 2', JSON.parse('{"__proto__": 1, "constructor": 2}')],
]

// Scenario: what a config may be written in: tags, anchors, merge keys, every kind of scalar.
// Guarantees: the values are those the Collector's parser gives.
test('YAML is read', () => {
  for (const [text, value] of GOOD) assert.deepEqual(readYaml(text), { value, said: [] }, text)
})

const BAD: readonly (readonly [text: string, ...said: string[]])[] = [
  ['a:\n\tb: 1', 'test.yaml:2:1: a tab stands where only spaces may; indent with spaces'],
  [
    'a: 1\nb: 2\na: 3',
    'test.yaml:3:1: a: is written twice, first at line 1, column 1; keep one of the two, or join them',
  ],
  [
    'x:\n  a: 1\n  a: 3\ny: {b: 1, b: 2}',
    'test.yaml:3:3: x::a: is written twice, first at line 2, column 3; keep one of the two, or join them',
    'test.yaml:4:11: y::b: is written twice, first at line 4, column 5; keep one of the two, or join them',
  ],
  [
    'a: 1\n---\nb: 2',
    'test.yaml:2:1: a second YAML document begins here; keep one document in a file, without "---" between',
  ],
  [
    'a: b: c',
    'test.yaml:1:4: a second "key:" stands on one line, or this line is indented too far; ' +
      'put it on a line of its own, or quote a text that has ": " in it',
  ],
  [
    'a: [1, 2\nb: 3',
    'test.yaml:2:1: a bracket that was opened is not closed; close it, and indent what is between',
  ],
  [
    'a: @x\nb: `y`',
    'test.yaml:1:4: a text may not begin with this character; put the text in quotes',
    'test.yaml:2:4: a text may not begin with this character; put the text in quotes',
  ],
  ['a: *nope', 'test.yaml:1:4: a: *nope stands for nothing above it; write &nope before the value it means'],
  ['a: &x [*x]', 'test.yaml:1:8: a::0: &x contains itself; remove this *x'],
  ['? [a]\n: 1', 'test.yaml:1:3: a key must be a text; write the key before the colon'],
  ['a: !!int x', 'test.yaml:1:10: a: "x" is not what its tag !!int says; remove the tag'],
  ['a: {<<: 5}', 'test.yaml:1:5: a::<<: merges a map or a list of maps; write <<: *anchor'],
  [
    'a: {b: ${env:X}, c: 1}\nd: @x',
    'test.yaml:1:9: a ${..} between { } or [ ] is not in quotes; write "${..}"',
  ],
  [
    'a: 1\n\u00a0b: 2',
    'test.yaml:2:1: the key "b" has an invisible character beside it, such as a no-break space; type the spaces of this line anew',
  ],
  [
    'a: "x" y',
    'test.yaml:1:8: text follows a value that is complete; put the whole value in quotes, or start a new line',
  ],
]

// Scenario: the mistakes people make in YAML, several in one text where the parser can go on.
// Guarantees: each is reported once, where it is, in words; nothing is returned.
test('mistakes in YAML are explained with their places', () => {
  for (const [text, ...said] of BAD) assert.deepEqual(readYaml(text), { value: undefined, said }, text)
})

// Scenario: a text made to use up memory or stack: aliases of aliases, deep nesting, closed and not.
// Guarantees: it is refused with one sentence, quickly.
test('YAML bombs are refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `a${i}: &a${i} [${Array(10).fill(i === 0 ? 'x' : `*a${i - 1}`)}]`,
  )
  const texts: [string, RegExp][] = [
    [
      levels.join('\n'),
      new RegExp(`^test.yaml:6:\\d+: a5::0: the config has more than ${VALUES_MAX} values;`),
    ],
    [
      `a: ${'['.repeat(200)}${']'.repeat(200)}`,
      new RegExp(`is nested too deeply; nest at most ${DEPTH_MAX} levels$`),
    ],
    [`a: ${'['.repeat(50_000)}`, /is nested too deeply; is this a config\?$/],
  ]
  for (const [text, expected] of texts) {
    const { value, said } = readYaml(text)
    assert.equal(value, undefined)
    assert.equal(said.length, 1)
    assert.match(said[0]!, expected)
  }
})

// Scenario: any texts, numbers and flags, in lists and maps, printed and read again.
// Guarantees: print-config never prints a text that reads back as something else (`0123`, `yes`, `1_000`, `~`).
test('what is printed reads back as it was', () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '0123',
      '0o17',
      '1_000',
      'yes',
      '~',
      '',
      '.inf',
      '0x1F',
      '1e3',
      ' a',
      'a: b',
      '#',
      '2020-01-01',
    ),
    fc.integer(),
    fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map(value => value + 0),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  )
  const value = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(scalar, fc.array(scalar)))
  fc.assert(
    fc.property(value, plain => {
      const check = new Check()
      const node = parseYaml(printYaml(plain), { file: '' }, check)
      assert.deepEqual(check.problems, [])
      assert.deepEqual({ ...(plainValue(node!) as object) }, { ...plain })
    }),
    { numRuns: 300 },
  )
})
