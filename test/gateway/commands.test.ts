import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { Check } from '../../config/node.ts'
import { plainValue } from '../../config/schema.ts'
import { parseYaml } from '../../config/yaml.ts'
import { CATALOG } from '../../gateway/catalog.ts'
import { parseCommandLine } from '../../gateway/cli.ts'
import { runCommand } from '../../gateway/commands/index.ts'
import { testCatalog } from '../kit/catalog.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-commands-'))
after(() => rmSync(folder, { recursive: true }))

const EXAMPLES = fileURLToPath(new URL('../../config/examples/', import.meta.url))

const CONFIG = `receivers: {otlp: {protocols: {grpc: }}}
exporters:
  otlp_http: {endpoint: "http://a", key: "\${env:KEY}"}
processors: {batch: {timeout: 1m}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp_http]}
`
writeFileSync(join(folder, 'good.yaml'), CONFIG)
writeFileSync(join(folder, 'bad.yaml'), CONFIG.replace('1m', '1y').replace('batch]', 'bach]'))

/** A command in `folder`: its exit code and what it wrote. */
async function run(line: string, catalog = testCatalog(), cwd = folder) {
  const parsed = parseCommandLine(line.split(' '))
  assert.ok(!('error' in parsed), line)
  let out = ''
  let err = ''
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: { KEY: 'hunter2' },
    cwd,
  }
  return { code: await runCommand(parsed, io, catalog), out, err }
}

// Scenario: validate, on a good and a bad config.
// Guarantees: exit code 0 or 1; all mistakes on stderr, none on stdout.
test('validate', async () => {
  assert.deepEqual(await run('validate --config good.yaml'), {
    code: 0,
    out: 'The config is valid.\n',
    err: '',
  })
  assert.deepEqual(await run('validate --config bad.yaml'), {
    code: 1,
    out: '',
    err: `bad.yaml:4:31: processors::batch::timeout: expected a duration, got the text "1y"; write a number with a unit, such as 200ms, 5s or 1m30s
bad.yaml:7:46: service::pipelines::traces::processors: bach is not configured; did you mean "batch"?
2 mistakes in the config.
`,
  })
})

// Scenario: print-config, redacted and not, as YAML and JSON.
// Guarantees: defaults are there, the secret is there only when asked for, and the YAML is a config that gives itself.
test('print-config', async () => {
  const { code, out } = await run('print-config --config good.yaml')
  assert.equal(code, 0)
  assert.match(out, /^ {4}timeout: 1m0s\n {4}send_batch_size: 8192$/m)
  assert.match(out, /^ {4}key: "\[REDACTED\]"$/m)
  assert.doesNotMatch(out, /hunter2/)

  const open = await run('print-config --config good.yaml --mode unredacted')
  assert.match(open.out, /^ {4}key: hunter2$/m)
  writeFileSync(join(folder, 'printed.yaml'), open.out)
  assert.deepEqual(await run('print-config --config printed.yaml --mode unredacted'), { ...open, err: '' })

  const json = await run('print-config --config good.yaml --format json')
  const plain = plainValue(parseYaml(out, { file: '' }, new Check())!)
  assert.deepEqual(JSON.parse(json.out), JSON.parse(JSON.stringify(plain)))
})

// Scenario: each example is printed, and what was printed is read and printed again.
// Guarantees: for every component, what print-config prints is a config that means the same.
test('what print-config prints is a config', async () => {
  for (const name of readdirSync(EXAMPLES)) {
    const first = await run(`print-config --mode unredacted --config ${name}`, CATALOG, EXAMPLES)
    assert.equal(first.code, 0, name)
    writeFileSync(join(folder, 'again.yaml'), first.out)
    const second = await run('print-config --mode unredacted --config again.yaml', CATALOG)
    assert.deepEqual(second.out, first.out, `${name}: ${second.err}`)
  }
})

// Scenario: a config with mistakes is to be printed.
// Guarantees: the mistakes are, and nothing else.
test('print-config of a bad config', async () => {
  const { code, out, err } = await run('print-config --config bad.yaml')
  assert.deepEqual({ code, out }, { code: 1, out: '' })
  assert.match(err, /2 mistakes in the config\.\n$/)
})

// Scenario: components, of a made-up catalog.
// Guarantees: every kind, type, alias, signal and route is listed.
test('components', async () => {
  const { code, out } = await run('components')
  assert.equal(code, 0)
  const listed = plainValue(parseYaml(out, { file: '' }, new Check())!) as Record<string, unknown[]>
  assert.deepEqual(listed['exporters']![1], {
    name: 'otlp_http',
    aliases: ['otlphttp'],
    doc: 'Made up.',
    stability: { traces: 'beta', metrics: 'beta', logs: 'beta' },
  })
  assert.deepEqual(listed['connectors']![0], {
    name: 'spanmetrics',
    doc: 'Made up.',
    stability: { 'traces-to-metrics': 'beta' },
  })
  assert.deepEqual(listed['extensions'], [{ name: 'health_check', doc: 'Made up.', stability: 'beta' }])
})

// Scenario: featuregate, version, help.
// Guarantees: they answer and end with 0; an unknown gate ends with 1.
test('small commands', async () => {
  assert.match((await run('featuregate')).out, /^confmap\.enableMergeAppendOption +off/)
  const gate = await run('featuregate service.AllowNoPipelines --feature-gates service.AllowNoPipelines')
  assert.match(gate.out, /^Enabled: true$/m)
  assert.deepEqual(await run('featuregate service.AllowNoPipeline'), {
    code: 1,
    out: '',
    err: 'there is no feature gate "service.AllowNoPipeline"; did you mean "service.AllowNoPipelines"?\n',
  })
  assert.match((await run('version')).out, /^sluice version \d+\.\d+\.\d+\n$/)
  assert.equal((await run('help')).code, 0)
})

// Scenario: the JSON Schema of the made-up components, given good configs, partial ones, and one mistake each.
// Guarantees: it is valid draft 7, takes what the gateway takes, and refuses what an editor should underline.
test('schema', async () => {
  const { code, out } = await run('schema')
  assert.equal(code, 0)
  const validate = new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(out))
  const valid = (yaml: string): boolean => validate(plainValue(parseYaml(yaml, { file: '' }, new Check())!))
  for (const good of [
    CONFIG,
    '{}',
    'processors: {batch: }',
    'processors: {batch/2: {timeout: 5s}}',
    'processors: {batch: {send_batch_size: "${env:SIZE}"}}',
    'processors: ${file:processors.yaml}',
    'exporters: {otlphttp: {endpoint: a}}',
    'receivers: {otlp: {protocols: {grpc: {enabled: false}}}}',
    'service: {telemetry: {logs: {level: debug}}}',
  ]) {
    assert.ok(valid(good), `${good}: ${JSON.stringify(validate.errors)}`)
  }
  for (const bad of [
    'procesors: {}',
    'processors: {bach: }',
    'processors: {batch: {timout: 5s}}',
    'processors: {batch: {send_batch_size: many}}',
    'processors: {batch: {send_batch_size: 1.5}}',
    'exporters: {otlp_http: {}}',
    'exporters: {otlp_http: {endpoint: 5}}',
    'service: {pipelines: {trace: {receivers: [otlp]}}}',
    'service: {pipelines: {traces: {receiver: [otlp]}}}',
    'service: {pipelines: {traces: {receivers: otlp}}}',
    'service: {telemetry: {logs: {level: loud}}}',
  ]) {
    assert.ok(!valid(bad), bad)
  }
})

// Scenario: the real catalog.
// Guarantees: types and aliases stand alike in the catalog and in the factories.
test('the catalog agrees with the factories', async () => {
  for (const { kind, type, aliases, load } of CATALOG) {
    const factory = await load()
    const said = { kind: factory.kind, type: factory.type, aliases: factory.aliases ?? [] }
    assert.deepEqual(said, { kind, type, aliases })
  }
})
