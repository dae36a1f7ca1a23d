import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS, helpText, parseCommandLine } from '../../gateway/cli.ts'

const NOTHING = {
  command: 'run',
  sources: [],
  sets: [],
  gates: [],
  rest: [],
  options: { mode: 'redacted', format: 'yaml' },
  explain: { attributes: [] },
}

// Scenario: the command lines that start Collectors today, and each command of Sluice.
// Guarantees: flags stand before or behind the command, with "=" or without, repeated, in order.
test('command lines', () => {
  const table: [string, object][] = [
    ['', {}],
    ['run', {}],
    ['--config a.yaml', { sources: ['a.yaml'] }],
    ['--config=file:a.yaml --config b.yaml run', { sources: ['file:a.yaml', 'b.yaml'] }],
    ['-config a.yaml', { sources: ['a.yaml'] }],
    ['validate --config=yaml:a::b=c', { command: 'validate', sources: ['yaml:a::b=c'] }],
    ['--set a.b=c=d --set=e=', { sets: ['a.b=c=d', 'e='] }],
    ['--feature-gates=a,-b,+c --feature-gates d', { gates: ['a', '-b', 'c', 'd'] }],
    ['--feature-gates -b', { gates: ['-b'] }],
    [
      'print-config --mode=unredacted --format json',
      { command: 'print-config', options: { mode: 'unredacted', format: 'json' } },
    ],
    ['--shutdown-timeout 1m', { options: { ...NOTHING.options, shutdownTimeoutMs: 60_000 } }],
    ['--watch', { options: { ...NOTHING.options, watch: true } }],
    ['components', { command: 'components' }],
    ['schema', { command: 'schema' }],
    ['featuregate some.gate', { command: 'featuregate', rest: ['some.gate'] }],
    [
      'explain metric a.b --type counter --unit By --strategy=NoTranslation --namespace n --attribute c --attribute d=e',
      {
        command: 'explain',
        rest: ['metric', 'a.b'],
        explain: {
          type: 'counter',
          unit: 'By',
          strategy: 'NoTranslation',
          namespace: 'n',
          attributes: ['c', 'd'],
        },
      },
    ],
    ['-h', { command: 'help' }],
    ['--help', { command: 'help' }],
    ['help', { command: 'help' }],
    ['run --help', { command: 'help' }],
    ['-v', { command: 'version' }],
    ['--version', { command: 'version' }],
  ]
  for (const [line, expected] of table) {
    const argv = line === '' ? [] : line.split(' ')
    assert.deepEqual(parseCommandLine(argv), { ...NOTHING, ...expected }, line)
  }
})

// Scenario: command lines with typos, missing values and flags of other commands.
// Guarantees: one sentence says what is wrong and what to write.
test('wrong command lines', () => {
  const table: [string, string][] = [
    ['--confg a', 'unknown flag --confg; did you mean "--config"?'],
    ['--confg=secret', 'unknown flag --confg; did you mean "--config"?'],
    ['--config', '--config needs a value: --config SOURCE'],
    ['--set a', '--set: "a" has no "="'],
    ['--help=yes', '--help takes no value'],
    ['validte', 'unknown command "validte"; did you mean "validate"?'],
    ['my.yaml', 'unknown command "my.yaml"; to run with this config write --config my.yaml'],
    [
      'validate my.yaml',
      '"my.yaml" is one word too many behind validate; a config is given as --config my.yaml',
    ],
    ['validate --mode redacted', '--mode belongs to the command print-config'],
    ['print-config --mode secret', '--mode: "secret" is not one of redacted, unredacted'],
    ['--shutdown-timeout 5', '--shutdown-timeout: "5" is not a duration; write one such as 30s'],
  ]
  for (const [line, error] of table) assert.deepEqual(parseCommandLine(line.split(' ')), { error }, line)
})

// Scenario: somebody asks for help.
// Guarantees: every command and exit code is in it, it fits a terminal, and what flags mean stands in one column.
test('the help text', () => {
  const text = helpText()
  for (const command of Object.keys(COMMANDS)) assert.match(text, new RegExp(`^  ${command} `, 'm'))
  for (const code of [0, 1, 2]) assert.match(text, new RegExp(`^  ${code}  `, 'm'))
  for (const line of text.split('\n')) assert.ok(line.length <= 120, line)
  const flags = text.split('\n').filter(line => line.startsWith('  --'))
  const columns = flags.map(line => /^ {2}--\S+(?: [A-Z=]+)? +/.exec(line)![0].length)
  assert.equal(new Set(columns).size, 1, text)
})
