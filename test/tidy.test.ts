/**
 * Holds the house together: which room may import which, which file owns which npm package, how long files may get,
 * and that nothing lies about unused. The picture these rules make is in docs/architecture.md.
 */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

/** A room is the longest of these prefixes. It may import itself and the rooms listed. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  'core/otlp/': [],
  'core/telemetry/': ['config/'],
  'config/': [],
  'core/formats/': ['core/otlp/'],
  'core/ottl/': ['core/otlp/', 'core/formats/', 'config/'],
  'core/transport/': ['core/otlp/', 'core/formats/', 'core/component/', 'core/telemetry/', 'config/'],
  'core/component/': ['core/otlp/', 'core/formats/', 'core/telemetry/', 'config/'],
  'receivers/': ['core/', 'config/'],
  'processors/': ['core/', 'config/'],
  'connectors/': ['core/', 'config/'],
  'exporters/': ['core/', 'config/'],
  'extensions/': ['core/', 'config/'],
  'gateway/': ['core/', 'config/', 'receivers/', 'processors/', 'connectors/', 'exporters/', 'extensions/'],
  'bench/': [
    'core/',
    'config/',
    'gateway/',
    'processors/',
    'exporters/',
    'receivers/',
    'connectors/',
    'test/kit/',
    'test/services/',
  ],
  'tools/': ['core/', 'config/', 'gateway/'],
  'test/': [''],
}

/** Parts are neighbours that never meet: inside these rooms a file may import only from its own part. */
const PARTS = ['receivers/', 'processors/', 'connectors/', 'exporters/', 'extensions/']

/** npm package -> the files that may import it. Swapping a package touches these and nothing else. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['receivers/otlp/grpc-js.ts', 'core/transport/grpc/grpc-js.ts', 'bench/', 'test/'],
  '@elastic/elasticsearch': ['exporters/elasticsearch/client.ts'],
  '@opentelemetry/api': ['core/telemetry/otlp-export.ts', 'test/', 'bench/'],
  '@opentelemetry/otlp-transformer': ['core/telemetry/otlp-export.ts', 'test/', 'bench/'],
  '@opentelemetry/resources': ['core/telemetry/otlp-export.ts', 'test/', 'bench/'],
  '@opentelemetry/sdk-logs': ['core/telemetry/otlp-export.ts', 'test/', 'bench/'],
  '@opentelemetry/sdk-metrics': ['core/telemetry/otlp-export.ts', 'test/', 'bench/'],
  '@opentelemetry/sdk-trace': ['core/telemetry/otlp-export.ts', 'test/', 'bench/'],
  '@platformatic/kafka': [
    'core/transport/kafka/platformatic.ts',
    'core/transport/kafka/platformatic-codecs.ts',
    'core/transport/kafka/platformatic-pieces.ts',
    'core/transport/kafka/platformatic-consumer.ts',
    'core/transport/kafka/platformatic-fetcher.ts',
  ],
  '@platformatic/wasm-utils': ['core/formats/lz4.ts', 'core/formats/snappy.ts'],
  ajv: ['test/'],
  assemblyscript: ['tools/'],
  autocannon: ['bench/'],
  'fast-check': ['test/'],
  bcryptjs: ['extensions/basicauth/slow-password.ts', 'test/'],
  fastify: ['receivers/otlp/http.ts', 'bench/', 'test/'],
  kafkajs: ['core/transport/kafka/kafkajs.ts', 'core/transport/kafka/kafkajs-modules.ts'],
  pino: ['core/telemetry/log.ts'],
  'prom-client': ['core/telemetry/metrics.ts', 'core/telemetry/prom-client.d.ts'],
  protobufjs: ['test/', 'tools/', 'bench/'],
  re2js: ['core/formats/re2.ts'],
  undici: [
    'core/transport/http-client.ts',
    'core/transport/http-answer.ts',
    'core/transport/cookies.ts',
    'test/',
  ],
  yaml: ['config/yaml.ts', 'gateway/commands/', 'test/', 'tools/'],
}

/** Types come from node:http; values only through this file, which says why. Tests and benchmarks need not care. */
const NODE_HTTP = 'core/transport/node-http.ts'

/** Only these may load code while running. */
const DYNAMIC_IMPORT = [
  'core/transport/compress.ts',
  'core/transport/grpc-client.ts',
  'core/transport/kafka/codecs.ts',
  'core/transport/kafka/open.ts',
  'gateway/catalog.ts',
  'gateway/start.js',
  'receivers/otlp/grpc.ts',
]

/** No source file may be longer than this... */
const LINES_MAX = 400

/** ...but these were, with this many lines. They may shrink; a shorter file must be entered here or leave the list. */
const LONG_FILES: Readonly<Record<string, number>> = {}

/** Files nobody imports because something outside runs them. */
const ENTRY_POINTS = [
  /^gateway\/start\.js$/,
  /^bench\/.*\.ts$/,
  /^tools\/[^/]+\.ts$/,
  /\.test\.ts$/,
  // What is compiled to WebAssembly.
  /\/assembly\/[^/]+\.ts$/,
  // Types of a package that has none; the compiler reads them, nobody imports them.
  /\.d\.ts$/,
  /^test\/services\/run\.ts$/,
  /^test\/real\/.*\.real\.ts$/,
  /^test\/collector\/.*\.collector\.ts$/,
]

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter(file => file !== '' && existsSync(root + file))
const sources = files.filter(file => /\.[jt]s$/.test(file))
const textOf = (file: string): string => readFileSync(root + file, 'utf8')

interface Import {
  readonly from: string
  readonly kind: 'static' | 'dynamic' | 'side effect'
}

/** Every import of a source text. Comments are taken out first, so that an example in one is not an import. */
function importsOf(text: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const found: Import[] = []
  for (const [, from] of code.matchAll(/^\s*(?:import|export)\b[^'";]*?\bfrom\s+'([^']+)'/gm))
    found.push({ from: from!, kind: 'static' })
  for (const [, from] of code.matchAll(/\bimport\(\s*'([^']+)'/g))
    found.push({ from: from!, kind: 'dynamic' })
  for (const [, from] of code.matchAll(/^\s*import\s+'([^']+)'/gm))
    found.push({ from: from!, kind: 'side effect' })
  return found
}

function roomOf(file: string): string | undefined {
  return Object.keys(DOORS)
    .filter(room => file.startsWith(room))
    .sort((a, b) => b.length - a.length)[0]
}

/** `processors/batch.ts` -> `processors/batch`; `exporters/file/index.ts` -> `exporters/file`. */
function partOf(file: string): string | undefined {
  const room = PARTS.find(part => file.startsWith(part))
  return room === undefined ? undefined : room + file.slice(room.length).split('/')[0]!.replace(/\.ts$/, '')
}

/** What is wrong with `file` importing `target` (both from the root), or undefined. */
function doorProblem(file: string, target: string): string | undefined {
  const room = roomOf(file)
  if (room === undefined) return `${file}: no room in DOORS has it`
  const allowed = target.startsWith(room) || DOORS[room]!.some(open => target.startsWith(open))
  if (!allowed) return `${file} imports ${target}: ${room} may not import that room`
  const part = partOf(file)
  const other = partOf(target)
  if (part !== undefined && other !== undefined && part !== other)
    return `${file} imports ${target}: parts never import parts`
  return undefined
}

// Scenario: an upward import, a sideways import and a good one are judged.
// Guarantees: the door check below can fail.
test('the door check sees wrong imports', () => {
  assert.match(doorProblem('core/otlp/split.ts', 'core/component/batch.ts')!, /may not import/)
  assert.match(doorProblem('processors/batch.ts', 'processors/resource.ts')!, /never import parts/)
  assert.match(doorProblem('config/load.ts', 'gateway/run.ts')!, /may not import/)
  assert.equal(doorProblem('processors/batch.ts', 'core/otlp/split.ts'), undefined)
  assert.equal(doorProblem('exporters/file/index.ts', 'exporters/file/rotate.ts'), undefined)
  assert.deepEqual(
    importsOf(
      "import a from './a.ts'\nexport { b } from './b.ts'\nimport type {\n  c,\n} from 'c'\n// import d from 'd'\nimport 'e'\nawait import('./f.ts')",
    ),
    [
      { from: './a.ts', kind: 'static' },
      { from: './b.ts', kind: 'static' },
      { from: 'c', kind: 'static' },
      { from: './f.ts', kind: 'dynamic' },
      { from: 'e', kind: 'side effect' },
    ],
  )
})

// Scenario: every import of every source file is read.
// Guarantees: imports go down only, parts do not know each other, packages stay with their owners.
test('imports keep to the doors', () => {
  const problems: string[] = []
  const packages: Record<string, string> = {
    ...JSON.parse(textOf('package.json')).dependencies,
    ...JSON.parse(textOf('package.json')).devDependencies,
  }
  for (const file of sources) {
    if (file === 'test/tidy.test.ts') continue
    for (const { from, kind } of importsOf(textOf(file))) {
      if (kind === 'side effect') problems.push(`${file} imports ${from} for its side effects`)
      if (kind === 'dynamic' && !DYNAMIC_IMPORT.includes(file) && !file.startsWith('test/')) {
        problems.push(`${file} loads ${from} while running; only ${DYNAMIC_IMPORT.join(', ')} may`)
      }
      if (from.startsWith('.')) {
        const target = normalize(join(dirname(file), from))
        if (!existsSync(root + target)) problems.push(`${file} imports ${from}, which does not exist`)
        const problem = doorProblem(file, target)
        if (problem !== undefined) problems.push(problem)
      } else if (isBuiltin(from)) {
        if (!from.startsWith('node:')) problems.push(`${file} imports ${from} without node:`)
      } else {
        const name = from.startsWith('@') ? from.split('/').slice(0, 2).join('/') : from.split('/')[0]!
        const owners = OWNERS[name]
        if (owners === undefined) problems.push(`${file} imports ${name}, which has no owner in OWNERS`)
        else if (!owners.some(owner => file.startsWith(owner)))
          problems.push(`${file} imports ${name}; its owners are ${owners.join(', ')}`)
      }
    }
  }
  for (const name of Object.keys(packages)) {
    if (['typescript', '@biomejs/biome', '@types/node'].includes(name)) continue
    if (OWNERS[name] === undefined) problems.push(`package.json has ${name}, which nobody owns`)
  }
  assert.deepEqual(problems, [])
})

// Scenario: the sources of the product are searched for imports of values from node:http.
// Guarantees: nobody loads undici by accident.
test('node:http is reached through one file', () => {
  const strays = sources
    .filter(file => !/^(?:test|bench)\//.test(file))
    .filter(file => /^(?:import|export) (?!type\b)[^;']*from 'node:http'/m.test(textOf(file)))
  assert.deepEqual(strays, [], `take it from ${NODE_HTTP}`)
})

// Scenario: the length of every source file outside test/ is compared with the limit.
// Guarantees: no file grows past what one can hold in the head; long ones only get shorter.
test('files stay short', () => {
  const problems: string[] = []
  for (const file of sources) {
    if (file.startsWith('test/') || file === 'core/otlp/fields.ts') continue
    if (textOf(file).startsWith('/**\n * Generated')) continue
    const lines = textOf(file).split('\n').length - 1
    const before = LONG_FILES[file]
    if (before === undefined && lines > LINES_MAX)
      problems.push(`${file} has ${lines} lines, more than ${LINES_MAX}: split it`)
    if (before !== undefined && lines > before)
      problems.push(`${file} grew from ${before} to ${lines} lines: split it`)
    if (before !== undefined && lines < before)
      problems.push(`${file} shrank to ${lines} lines: write that into LONG_FILES`)
  }
  for (const file of Object.keys(LONG_FILES))
    if (!sources.includes(file)) problems.push(`${file} is gone: take it out of LONG_FILES`)
  assert.deepEqual(problems, [])
})

// Scenario: the files that something imports are compared with the files there are.
// Guarantees: no dead source files.
test('every source file is used', () => {
  const used = new Set<string>()
  for (const file of sources) {
    for (const { from } of importsOf(textOf(file)))
      if (from.startsWith('.')) used.add(normalize(join(dirname(file), from)))
    // Workers and child processes are named by URL.
    for (const [, path] of textOf(file).matchAll(/new URL\('([^']+\.ts)'/g))
      used.add(normalize(join(dirname(file), path!)))
  }
  const dead = sources.filter(file => !used.has(file) && !ENTRY_POINTS.some(entry => entry.test(file)))
  assert.deepEqual(dead, [])
})

// Scenario: source, scripts and pages are searched for words that must not land.
// Guarantees: no leftovers, no tests switched off, no addresses of one machine.
test('nothing is left lying about', () => {
  const banned: readonly [RegExp, string][] = [
    [/\b(?:TODO|FIXME|XXX)\b/, 'finish it or open an issue'],
    [/\b(?:test|describe|it)\.(?:only|skip|todo)\(/, 'no test is switched off'],
    [/--test-force-exit/, 'results of tests get lost when a process ends before they are read'],
    [/\/work\/|\/root\/|\.\.\/shared\b/, 'the project must stand alone'],
    [/"resolved": *"http|registry *= *http/, 'the lock file names no registry'],
  ]
  const problems: string[] = []
  for (const file of files) {
    if (file === 'test/tidy.test.ts' || file.startsWith('test/golden/') || file.startsWith('test/proto/'))
      continue
    if (!/\.(?:ts|md|json|ya?ml|sh|html)$|^\.ci\/|^\.npmrc$/.test(file)) continue
    const text = textOf(file)
    for (const [pattern, why] of banned) {
      const hit = pattern.exec(text)
      if (hit !== null) problems.push(`${file}: "${hit[0]}": ${why}`)
    }
  }
  assert.deepEqual(problems, [])
})

// Scenario: every package that the lock file depends on is looked for in it, those of other platforms too.
// Guarantees: a clean npm ci works; npm leaves out what it cannot find while it writes the file, and later refuses it.
test('the lock file is complete', () => {
  type Locked = { readonly dependencies?: object; readonly optionalDependencies?: object }
  const packages = JSON.parse(textOf('package-lock.json')).packages as Record<string, Locked>
  const locked = new Set(Object.keys(packages).map(path => path.split('node_modules/').at(-1)!))
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter(name => !locked.has(name))
      .map(name => `${path} needs ${name}`),
  )
  assert.deepEqual(missing, [])
})

// Scenario: every page is read for its titles and its links to files.
// Guarantees: one title a page, and no link leads nowhere.
test('pages have one title and working links', () => {
  const problems: string[] = []
  for (const file of files.filter(one => one.endsWith('.md') && !one.startsWith('test/golden/'))) {
    const text = textOf(file).replaceAll(/```[\s\S]*?```/g, '')
    const titles = text.split('\n').filter(line => line.startsWith('# '))
    if (titles.length !== 1) problems.push(`${file} has ${titles.length} titles`)
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue
      if (!existsSync(root + normalize(join(dirname(file), target!))))
        problems.push(`${file} links to ${target}, which does not exist`)
    }
  }
  assert.deepEqual(problems, [])
})
