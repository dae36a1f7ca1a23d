/** Merge rules as the Collector 0.155 shows them with `print-config`. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type LoadOptions, loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/node.ts'
import { plainValue } from '../../config/schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(
  join(folder, 'base.yaml'),
  'processors:\n  batch:\n    timeout: 1s\n    metadata_keys: [a, b]\n',
)
writeFileSync(join(folder, 'empty.yaml'), '')
writeFileSync(join(folder, 'list.yaml'), '- a\n')
writeFileSync(join(folder, 'big.yaml'), `a: ${'x'.repeat(10 * 1024 * 1024)}`)

function load(sources: readonly string[], sets: readonly string[] = [], options: Partial<LoadOptions> = {}) {
  const { root, complete, check } = loadConfig(sources, sets, { env: {}, cwd: folder, ...options })
  return { value: plainValue(root), complete, said: check.problems.map(formatProblem) }
}

const BATCH = { timeout: '1s', metadata_keys: ['a', 'b'] }

const MERGES: readonly (readonly [over: string, value: unknown])[] = [
  ['processors::batch::timeout: 2s', { processors: { batch: { ...BATCH, timeout: '2s' } } }],
  ['processors: {batch: {timeout: 2s}}', { processors: { batch: { ...BATCH, timeout: '2s' } } }],
  ['processors::batch::metadata_keys: [c]', { processors: { batch: { ...BATCH, metadata_keys: ['c'] } } }],
  ['processors::batch/2: {}', { processors: { batch: BATCH, 'batch/2': {} } }],
  ['processors: {}', { processors: { batch: BATCH } }],
  // Null is a value, and it replaces.
  ['processors::batch:', { processors: { batch: null } }],
  ['processors:', { processors: null }],
  ['processors: 5', { processors: 5 }],
  ['processors::batch::timeout: {a: b}', { processors: { batch: { ...BATCH, timeout: { a: 'b' } } } }],
  ['{a::b: 1, a: {c: 2}}', { processors: { batch: BATCH }, a: { b: 1, c: 2 } }],
  ['a: [{b::c: 1}]', { processors: { batch: BATCH }, a: [{ b: { c: 1 } }] }],
]

// Scenario: a second config over a first, in every combination of map, list, scalar and null.
// Guarantees: maps are joined deep, everything else replaces, "::" in a key goes down a level.
test('later configs go over earlier ones', () => {
  for (const [over, value] of MERGES) {
    assert.deepEqual(load(['base.yaml', `yaml:${over}`]), { value, complete: true, said: [] }, over)
  }
})

// Scenario: every form of --config and --set.
// Guarantees: they reach the same tree, sets last.
test('sources are paths, file:, env: and yaml:, and sets go over them', () => {
  const env = { CONFIG: 'processors: {batch: {timeout: 3s}}' }
  const batch = (timeout: unknown) => ({ processors: { batch: { ...BATCH, timeout } } })
  assert.deepEqual(load(['file:base.yaml']).value, batch('1s'))
  assert.deepEqual(load([join(folder, 'base.yaml'), 'env:CONFIG'], [], { env }).value, batch('3s'))
  assert.deepEqual(load(['base.yaml', 'empty.yaml', 'env:NOPE:-{}']).said, [])
  assert.deepEqual(load(['base.yaml'], ['processors.batch.timeout = 4s']).value, batch('4s'))
  assert.deepEqual(load(['base.yaml'], ['processors::batch::timeout=4']).value, batch(4))
  assert.deepEqual(load(['base.yaml'], ['processors.batch.timeout=']).value, batch(null))
  assert.deepEqual(load(['base.yaml'], ['a.b=[x, "=y"]']).value, { ...batch('1s'), a: { b: ['x', '=y'] } })
  assert.deepEqual(
    load(['base.yaml'], ['processors.batch.timeout=${env:T}'], { env: { T: '9s' } }).value,
    batch('9s'),
  )
})

// Scenario: an expansion in the first config and a map for the same key in the second.
// Guarantees: configs are merged before they are expanded, so the map replaces the expansion.
test('merging comes before expanding', () => {
  const env = { ALL: '{a: 1, b: 2}' }
  assert.deepEqual(load(['yaml:v: ${env:ALL}', 'yaml:v: {c: 3}'], [], { env }).value, { v: { c: 3 } })
  assert.deepEqual(load(['yaml:v: {c: 3}', 'yaml:v: ${env:ALL}'], [], { env }).value, { v: { a: 1, b: 2 } })
})

// Scenario: the gate confmap.enableMergeAppendOption.
// Guarantees: only lists of receivers, exporters and extensions are joined, without doubles.
test('lists of components can be joined', () => {
  const first =
    'yaml:service: {extensions: [a], pipelines: {traces: {receivers: [a, b], processors: [a], exporters: [a]}}}'
  const second =
    'yaml:service: {extensions: [b], pipelines: {traces: {receivers: [b, c], processors: [b], exporters: [b]}}}'
  assert.deepEqual(load([first, second], [], { append: true }).value, {
    service: {
      extensions: ['a', 'b'],
      pipelines: { traces: { receivers: ['a', 'b', 'c'], processors: ['b'], exporters: ['a', 'b'] } },
    },
  })
  assert.deepEqual(load([first, second]).value, {
    service: {
      extensions: ['b'],
      pipelines: { traces: { receivers: ['b', 'c'], processors: ['b'], exporters: ['b'] } },
    },
  })
})

const UNREADABLE: readonly (readonly [source: string, said: string])[] = [
  [
    'nope.yaml',
    'nope.yaml:1:1: nope.yaml: there is no such file; check the path; relative ones start where the gateway was started',
  ],
  ['list.yaml', 'list.yaml:1:1: a config is a map; begin with receivers:, exporters: and service:'],
  ['yaml:5', 'yaml:5:1:1: a config is a map; begin with receivers:, exporters: and service:'],
  ['big.yaml', 'big.yaml:1:1: big.yaml: is larger than 10485760 bytes; is this the right file?'],
  [
    'https://x/y.yaml',
    'https://x/y.yaml:1:1: configs are not fetched over https; download it first, then give the path of the file',
  ],
  ['/dev/zero', '/dev/zero:1:1: /dev/zero: is larger than 10485760 bytes; is this the right file?'],
]

// Scenario: sources that cannot be read, beside one that can.
// Guarantees: each is explained, the good one is still read, and the result says that it is not complete.
test('sources that cannot be read are explained', () => {
  for (const [source, said] of UNREADABLE) {
    const { value, complete, said: all } = load(['base.yaml', source])
    assert.deepEqual(
      { value, complete, all },
      { value: { processors: { batch: BATCH } }, complete: false, all: [said] },
      source,
    )
  }
})

// Scenario: values given on the command line are wrong.
// Guarantees: the place says which flag, and a value that may be secret is not part of the name.
test('places on the command line name the flag', () => {
  assert.deepEqual(load([], ['a.b=[1']).said, [
    '--set a.b:1:1: a bracket that was opened is not closed; close it, and indent what is between',
  ])
  const { root } = loadConfig(['yaml:exporters::otlp::headers::key: hunter2'], [], { env: {}, cwd: folder })
  assert.equal(root.entries.get('exporters')!.keyAt.file, 'yaml:exporters::otlp::headers::key')
})

// Scenario: a key of two hundred levels.
// Guarantees: it is refused before it becomes a tree that nobody can walk.
test('keys cannot nest without end', () => {
  const { said } = load([`yaml:${'a::'.repeat(200)}b: 1`])
  assert.equal(said.length, 1)
  assert.match(said[0]!, /a key is nested too deeply; write "::" at most 64 times in it$/)
})

// Scenario: a config that pulls in a file is loaded; both files change; it is loaded again with the texts of before, and
// without them.
// Guarantees: every file's text is told; texts that are given win over the disk; without them the disk counts.
test('a config can be read again as it was', () => {
  const [main, part] = [join(folder, 'kept.yaml'), join(folder, 'kept-part.yaml')]
  writeFileSync(main, `a: 1\nb: \${file:${part}}\n`)
  writeFileSync(part, 'x: old')
  const texts = new Map<string, string>()
  const before = load([main], [], { onText: (path, text) => void texts.set(path, text) })
  assert.deepEqual([...texts.keys()], [main, part])
  writeFileSync(main, 'a: [')
  writeFileSync(part, 'x: new')
  assert.deepEqual(load([main], [], { texts }), before)
  assert.notDeepEqual(load([main]), before)
})
