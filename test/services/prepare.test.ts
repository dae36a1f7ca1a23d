import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('prepare.ts', import.meta.url))
const here = dirname(program)
const root = join(here, '..', '..')

/**
 * A Go that writes down that it was asked, installs the Collector's builder and builds what -o names; nothing of it where
 * there is a file `broken`.
 */
const GO = `#!/bin/sh
echo "$1" >> "$(dirname "$0")/calls"
[ ! -e "$(dirname "$0")/broken" ] || { echo 'go: downloading'; echo 'dial tcp: no such host'; exit 1; }
if [ "$1" = install ]; then
  printf '#!/bin/sh\\nmkdir src' > "$GOBIN/builder"
  chmod +x "$GOBIN/builder"
  exit
fi
while [ "$1" != -o ]; do shift; done
echo built > "$2"
`

interface Place {
  readonly folder: string
  run(
    names: readonly string[],
    env?: Record<string, string>,
  ): { code: number | null; out: string; err: string }
  /** How often Go was asked. */
  builds(): number
  write(file: string): void
}

/** A machine with a Go and nothing else. */
function place(t: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-prepare-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'go'), GO)
  chmodSync(join(bin, 'go'), 0o755)
  const calls = join(bin, 'calls')
  return {
    folder,
    run(names, env = {}) {
      const path = `${bin}:/usr/bin:/bin`
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...names], {
        encoding: 'utf8',
        env: { PATH: path, SLUICE_CACHE: join(folder, 'cache'), SLUICE_SERVICES: 'local', ...env },
      })
      return { code: status, out: stdout, err: stderr }
    },
    builds: () => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').length - 1 : 0),
    write: file => writeFileSync(join(folder, file), ''),
  }
}

// Scenario: the same names twice.
// Guarantees: the first time it says what it does and for how long, the second time nothing is done.
test('what is missing is got, once', t => {
  const { run, builds } = place(t)
  const names = ['translator', 'promtool', 'prometheus', 'jaeger', 'collector']
  const { code, out, err } = run(names)
  assert.equal(code, 0)
  assert.equal(out, names.map(name => `${name} is there\n`).join(''))
  assert.match(err, /^Getting the Collector's translators, about a minute.*\nGetting promtool, .*minutes/)
  assert.equal(err.split('\n').length - 1, names.length, err)
  assert.equal(builds(), 6)
  assert.deepEqual(run(names), { code: 0, out, err: '' })
  assert.equal(builds(), 6)
})

// Scenario: programs and a server that the environment names, and one that is not where it says.
// Guarantees: they are left alone; what is not there is told.
test('what the environment names', t => {
  const { folder, run, builds, write } = place(t)
  write('mine')
  const mine = join(folder, 'mine')
  const env = {
    SLUICE_OTELCOL: mine,
    SLUICE_JAEGER: mine,
    SLUICE_PROMETHEUS: mine,
    SLUICE_PROMTOOL: mine,
    SLUICE_ELASTICSEARCH_9: 'http://127.0.0.1:1',
  }
  const names = ['collector', 'jaeger', 'prometheus', 'promtool', 'elasticsearch-9']
  const { code, out, err } = run(names, env)
  assert.deepEqual([code, err], [0, ''])
  assert.equal(out, names.map(name => `${name} is there\n`).join(''))
  assert.match(run(['jaeger'], { SLUICE_JAEGER: '/nowhere' }).out, /^jaeger cannot be had: .*\/nowhere/)
  assert.equal(builds(), 0)
})

// Scenario: a build that fails before one that does not, with and without SLUICE_NO_SKIP.
// Guarantees: one line with the reason, the others are got all the same, and it is an error only where nothing may be
// skipped.
test('what cannot be had', t => {
  const { run, write } = place(t)
  write('mine')
  write('bin/broken')
  const env = { SLUICE_OTELCOL: process.execPath }
  const { code, out } = run(['translator', 'collector'], env)
  assert.equal(code, 0)
  assert.match(
    out,
    /^translator cannot be had: go build .* ended with 1: dial tcp: no such host\ncollector is/,
  )
  assert.equal(run(['translator', 'collector'], { ...env, SLUICE_NO_SKIP: '1' }).code, 1)
})

// Scenario: names that do not exist, beside one that does.
// Guarantees: it says what was meant, or what there is, and gets nothing.
test('unknown names', t => {
  const { run, builds } = place(t)
  const { code, out, err } = run(['translator', 'kafak', 'zookeeper'])
  assert.deepEqual([code, out, builds()], [2, '', 0])
  assert.match(err, /there is no kafak; did you mean "kafka"\?/)
  assert.match(err, /there is no zookeeper; known here: collector, elasticsearch, .*translator/)
})

/** How tests ask for what is prepared under a name. */
const ASKED: Readonly<Record<string, RegExp>> = {
  collector: /\bcollectorProgram\b/,
  elasticsearch: /\b(?:elasticsearchUrl|ownElasticsearch)\b/,
  'elasticsearch-9': /\belasticsearch9Url\b/,
  jaeger: /\bjaegerProgram\b/,
  kafka: /\b(?:kafkaBrokers|ownKafka|kafka)\(/,
  'kafka-jars': /\bownKafka\(\{ diskBytes/,
  prometheus: /\bprometheusProgram\('prometheus'\)/,
  promtool: /\bprometheusProgram\('promtool'\)/,
  python: /\bpythonTools\)/,
  'python-kafka': /\bpythonTools\('kafka'\)/,
  rotel: /\brotelProgram\b/,
  translator: /\btranslatorProgram\b/,
}

/** The files and what they import below test/, except the services themselves. */
function withImports(files: readonly string[]): Set<string> {
  const found = new Set(files)
  for (const file of found) {
    for (const [, from] of readFileSync(file, 'utf8').matchAll(/ from '(\.[^']+)'/g)) {
      const path = join(dirname(file), from!)
      if (path.startsWith(join(root, 'test')) && dirname(path) !== here) found.add(path)
    }
  }
  return found
}

// Scenario: what npm scripts prepare is compared with what the tests they run, and the helpers of these, ask for.
// Guarantees: no test is skipped because a script does not prepare what it needs; nothing is built for nothing.
test('scripts prepare what their tests need', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const kind of ['collector', 'real']) {
    const [, prepared] = /^node test\/services\/prepare\.ts ([^&]+) && /.exec(scripts[`test:${kind}`])!
    const folder = join(root, 'test', kind)
    const tests = readdirSync(folder).filter(name => name.endsWith(`.${kind}.ts`))
    const texts = [...withImports(tests.map(name => join(folder, name)))].map(file =>
      readFileSync(file, 'utf8'),
    )
    const asked = Object.keys(ASKED).filter(name => texts.some(text => ASKED[name]!.test(text)))
    assert.deepEqual(prepared!.split(' '), asked, `test:${kind}`)
  }
})
