/** Expected values were read from what the Collector 0.155 prints for the same texts, unless a line says otherwise. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/node.ts'
import { plainValue } from '../../config/schema.ts'
import { expanded } from '../kit/config-text.ts'

const ENV = {
  OCT: '0123',
  QUOTED: '"abc"',
  BAD_YAML: '{a: b',
  A_x: 'hello',
  B: 'x',
  REC: 'r-${env:B}-$$-${env:OCT}',
  EMPTY: '',
  MAP: '{a: "${env:B}"}',
  LIST: '[1, a]',
  TRUE: 'true',
  DATE: '2020-01-01',
  BIG: '9007199254740993',
  SELF: 'a${env:SELF}',
  GROW: '${env:GROW}${env:GROW}',
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-expand-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'secret.txt'), 'abc\n')
writeFileSync(join(folder, 'part.yaml'), '# a part\nb: ${env:OCT}\nc: [1, 1_000]\n')
writeFileSync(join(folder, 'self.yaml'), 'a: ${file:self.yaml}\n')
writeFileSync(join(folder, 'bytes'), Buffer.from([0x61, 0xff]))

const WHOLE: readonly (readonly [written: string, value: unknown, text: string])[] = [
  ['${env:OCT}', 83, '0123'],
  ['${OCT}', 83, '0123'],
  ['"${env:OCT}"', 83, '0123'],
  ["'${env:OCT}'", 83, '0123'],
  ['${env:TRUE}', true, 'true'],
  ['${env:BIG}', 9007199254740993n, '9007199254740993'],
  ['${env:DATE}', '2020-01-01', '2020-01-01'],
  ['${env:QUOTED}', '"abc"', '"abc"'],
  ['${env:BAD_YAML}', '{a: b', '{a: b'],
  ['${env:EMPTY}', null, ''],
  ['${env:NOPE:-}', null, ''],
  ['${env:NOPE:-dflt}', 'dflt', 'dflt'],
  ['${env:NOPE:-a:-b}', 'a:-b', 'a:-b'],
  // The Collector wants env: here; everybody forgets it.
  ['${NOPE:-7}', 7, '7'],
  ['${env:MAP}', { a: 'x' }, '{a: "x"}'],
  ['${env:LIST}', [1, 'a'], '[1, a]'],
  ['${yaml:[1, 2]}', [1, 2], '[1, 2]'],
  ['"${env:A_${env:B}}"', 'hello', 'hello'],
  ['"${env:NOPE:-${env:B}}"', 'x', 'x'],
  ['${env:REC}', 'r-x-$-0123', 'r-x-$-0123'],
  ['${file:secret.txt}', 'abc\n', 'abc\n'],
  ['${file:part.yaml}', { b: 83, c: [1, 1000] }, '# a part\nb: 0123\nc: [1, 1_000]\n'],
]

// Scenario: a value that is one expansion and nothing else.
// Guarantees: it is read as YAML, keeps its characters for settings that want a text, and nothing is said of it.
test('a whole value is typed and keeps its text', () => {
  for (const [written, value, text] of WHOLE) {
    assert.deepEqual(expanded(written, ENV, folder), { value, text, said: [] }, written)
  }
})

const PARTIAL: readonly (readonly [written: string, value: string])[] = [
  ['x-${env:OCT}', 'x-0123'],
  ['${env:OCT}${env:OCT}', '01230123'],
  ['${env:B}, ${env:B}', 'x, x'],
  ['a${env:MAP}', 'a{a: "x"}'],
  ['x${file:secret.txt}', 'xabc\n'],
  ['$', '$'],
  ['a$b', 'a$b'],
  ['$$', '$'],
  ['$$$$', '$$'],
  ['$${env:OCT}', '${env:OCT}'],
  ['$$${env:OCT}', '$0123'],
  ['$$$${env:OCT}', '$${env:OCT}'],
  ['"$ {env:B}"', '$ {env:B}'],
  ['${env:B:-a}b}', 'xb}'],
  ['"${env:${env:B}"', '${env:x'],
  ['"}${env:B}"', '}x'],
]

// Scenario: expansions inside longer texts, and every way to write a dollar sign.
// Guarantees: the result is a text, whatever it looks like.
test('inside a text an expansion is put in as it is', () => {
  for (const [written, value] of PARTIAL) {
    assert.deepEqual(expanded(written, ENV, folder), { value, text: undefined, said: [] }, written)
  }
})

const BAD: readonly (readonly [written: string, said: string])[] = [
  [
    '${env:A-B}',
    '"A-B" cannot be the name of an environment variable; names have letters, digits and _ and do not begin with a digit; a literal ${ is written $${',
  ],
  [
    '${}',
    '"" cannot be the name of an environment variable; names have letters, digits and _ and do not begin with a digit; a literal ${ is written $${',
  ],
  [
    '"${env: B}"',
    '" B" cannot be the name of an environment variable; names have letters, digits and _ and do not begin with a digit; a literal ${ is written $${',
  ],
  ['${http://x/y}', 'configs are not fetched over http; download it first, then give the path of the file'],
  ['${vault:x}', '"vault:" is not a kind of source; known here: env, file, yaml'],
  ['${fille:x}', '"fille:" is not a kind of source; did you mean "file"?'],
  ['${env:a$b}', '"env:a$b" has a "$" inside ${...}; remove it; inside ${...} it cannot be written'],
  [
    '${file:nope}',
    'nope: there is no such file; check the path; relative ones start where the gateway was started',
  ],
  ['${file:.}', '.: is a directory; name a file in it'],
  ['${file:bytes}', 'bytes: is not UTF-8 text; save it as UTF-8'],
  ['${env:SELF}', 'this can be expanded for ever; does it contain itself?'],
  ['${env:GROW}', 'this grows without end; does it contain itself?'],
]

// Scenario: references to what is not there, cannot be, or contains itself.
// Guarantees: one sentence each, at the place of the reference.
test('bad references are explained', () => {
  for (const [written, said] of BAD) {
    assert.deepEqual(expanded(written, ENV, folder).said, [`yaml:v:1:4: v: ${said}`], written)
  }
})

// Scenario: a reference that is not closed, a variable in the shell's way, and dollars that are meant.
// Guarantees: the value stays as it is written; the first two are warned of without a word of the value.
test('dollars that expand nothing are warned of', () => {
  const unclosed =
    'yaml:v:1:4: warning: v: a ${ is never closed, so nothing is expanded; write the }, or $$ for a plain $'
  const bare =
    'yaml:v:1:4: warning: v: a $ with a name behind it is not expanded, as in the Collector; ' +
    'write ${env:NAME} for a variable, or $$ for a plain $'
  assert.deepEqual(expanded('${env:B', ENV), { value: '${env:B', text: undefined, said: [unclosed] })
  assert.deepEqual(expanded('http://$BACKEND:4318', ENV).said, [bare])
  for (const meant of ['cost$', 'a$$BACKEND', '^x$|y', '$1'])
    assert.deepEqual(expanded(meant, ENV).said, [], meant)
})

// Scenario: variables that are not set, and a text behind an escape.
// Guarantees: the value is the Collector's, and a warning says what happened.
test('what is hardly meant is warned of', () => {
  assert.deepEqual(expanded('${env:NOPE}', ENV), {
    value: null,
    text: '',
    said: [
      'yaml:v:1:4: warning: v: the environment variable NOPE is not set, so this is empty; set it, or write ${env:NOPE:-default}',
    ],
  })
  assert.deepEqual(expanded('$${A} ${env:OCT}', ENV), {
    value: '${A} ${env:OCT}',
    text: undefined,
    said: [
      'yaml:v:1:4: warning: v: nothing is expanded behind a literal $${...}, as in the Collector; ' +
        'build the text the other way round, or put it into one environment variable',
    ],
  })
})

// Scenario: a config that includes a file, and one that includes itself.
// Guarantees: places lead into the included file; the circle is found without reading for ever.
test('values from a file have their place in it', () => {
  const load = (text: string) => loadConfig([`yaml:${text}`], [], { env: ENV, cwd: folder })
  const { root } = load('v: ${file:part.yaml}')
  const v = root.entries.get('v')!.node
  assert.ok(v.kind === 'map')
  assert.deepEqual(v.entries.get('c')!.node.at, { file: 'part.yaml', line: 3, column: 4 })
  assert.deepEqual(v.entries.get('b')!.keyAt, { file: 'part.yaml', line: 2, column: 1 })

  const circle = load('v: ${file:self.yaml}')
  assert.equal(circle.check.problems.length, 1)
  assert.match(
    formatProblem(circle.check.problems[0]!),
    /^self.yaml:1:4: v(::a)+: more than 32 files are in each other here; does a file contain itself\?$/,
  )
})

// Scenario: keys with dollar signs.
// Guarantees: keys are left alone, as the Collector leaves them.
test('keys are not expanded', () => {
  const { root } = loadConfig(['yaml:"${env:B}$$": 1'], [], { env: ENV, cwd: folder })
  assert.deepEqual(plainValue(root), { '${env:B}$$': 1 })
})
