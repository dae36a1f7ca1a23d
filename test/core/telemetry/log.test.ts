import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Secret } from '../../../config/schema.ts'
import { type LogsConfig, telemetryConfig } from '../../../core/telemetry/config.ts'
import { createLog, reasonOf } from '../../../core/telemetry/log.ts'
import { readConfig } from '../../kit/read-config.ts'

function setUp(logs: Record<string, unknown> = {}) {
  const config: LogsConfig = readConfig(telemetryConfig, { logs }).logs
  const written: Record<string, string> = {}
  const log = createLog(config, {
    resource: { 'service.name': 'sluice' },
    open: path => ({
      write: line => {
        written[path] = (written[path] ?? '') + line
      },
      flush() {},
      async close() {},
    }),
  })
  const json = () =>
    (written['stderr'] ?? '')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  return { log, written, json }
}

// Scenario: lines of all levels with fields of many types and a secret, json encoding, on two outputs.
// Guarantees: one object a line with the Collector's keys; below the level nothing; a secret is never written.
test('json lines have the keys of the Collector', () => {
  const { log, written, json } = setUp({
    encoding: 'json',
    output_paths: ['stderr', 'file'],
    initial_fields: { zone: 'z1' },
  })
  const part = log.with({ 'otelcol.component.id': 'otlp' })
  log.debug('not shown')
  part.warn('Refused', {
    token: new Secret('hunter2'),
    headers: new Map([['authorization', new Secret('hunter2')]]),
    error: new Error('cannot send', { cause: new Error('ECONNREFUSED') }),
  })
  const [line] = json()
  assert.equal(json().length, 1)
  assert.match(line.ts, /^\d{4}-\d\d-\d\dT.*Z$/)
  delete line.ts
  assert.deepEqual(line, {
    level: 'warn',
    zone: 'z1',
    resource: { 'service.name': 'sluice' },
    'otelcol.component.id': 'otlp',
    token: '[REDACTED]',
    headers: { authorization: '[REDACTED]' },
    error: 'cannot send: ECONNREFUSED',
    msg: 'Refused',
  })
  assert.equal(written['file'], written['stderr'])
})

// Scenario: an error at level error, a warning, and the same with disable_stacktrace and with development.
// Guarantees: stacks stand where the Collector's stand.
test('stack traces follow level and keys', () => {
  const stacks = (logs: Record<string, unknown>) => {
    const { log, json } = setUp({ encoding: 'json', ...logs })
    log.warn('w', { error: new Error('x') })
    log.error('e', { error: new Error('x') })
    return json().map(line => line.stacktrace !== undefined)
  }
  assert.deepEqual(stacks({}), [false, true])
  assert.deepEqual(stacks({ development: true }), [true, true])
  assert.deepEqual(stacks({ disable_stacktrace: true }), [false, false])
})

// Scenario: 150 equal lines and one other, then the tick ends; then the same with sampling off.
// Guarantees: 10 are written and then each 100th, as zap does; how many were left out is said, none is forgotten.
test('repeats are limited and counted', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { log, json } = setUp({ encoding: 'json' })
  for (let i = 0; i < 150; i++) log.info('again', { i })
  log.info('other')
  t.mock.timers.tick(10_000)
  const lines = json()
  assert.equal(lines.length, 10 + 1 + 1 + 1)
  assert.equal(
    lines.reduce((sum, line) => sum + (line.suppressed ?? 0), 0),
    150 - 11,
  )
  log.info('again')
  assert.equal(json().at(-1).suppressed, undefined)
  const free = setUp({ encoding: 'json', sampling: { enabled: false } })
  for (let i = 0; i < 150; i++) free.log.info('again')
  assert.equal(free.json().length, 150)
})

// Scenario: a line is suppressed when the log closes.
// Guarantees: closing says it, so that no count is lost with the process.
test('closing says what is still unsaid', async () => {
  const { log, json } = setUp({ encoding: 'json', sampling: { initial: 1, thereafter: 0 } })
  for (let i = 0; i < 5; i++) log.warn('again')
  await log.close()
  assert.deepEqual(
    json().map(line => line.suppressed),
    [undefined, 4],
  )
})

// Scenario: a sink is attached; lines above and below the level are logged by a child.
// Guarantees: it gets what is written, with the fields of the child, ready to be sent on.
test('written lines can be sent on', () => {
  const { log } = setUp()
  const records: unknown[] = []
  log.tee(({ level, message, fields }) => records.push([level, message, fields]))
  const part = log.with({ part: 'a' })
  part.debug('no')
  part.info('yes', { n: 1 })
  assert.deepEqual(records, [['info', 'yes', { part: 'a', n: 1 }]])
})

// Scenario: a log file in a folder that does not exist yet, and one where a folder cannot be.
// Guarantees: lines are appended to the file; a path that cannot be opened fails at once and is named.
test('files are opened at the start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'))
  const path = join(folder, 'new', 'sluice.log')
  const config = readConfig(telemetryConfig, { logs: { output_paths: [path] } }).logs
  for (const message of ['one', 'two']) {
    const log = createLog(config)
    log.info(message)
    await log.close()
  }
  assert.deepEqual(
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map(line => line.split(' ').at(-1)),
    ['one', 'two'],
  )
  const bad = readConfig(telemetryConfig, { logs: { output_paths: [join(path, 'below-a-file')] } }).logs
  assert.throws(() => createLog(bad), /cannot open the log .*below-a-file/)
})

// Scenario: a process logs a long line and a short one to a pipe, closes the log and ends at once.
// Guarantees: both lines are there, whole and in order.
test('the last words are not lost and stay in order', async () => {
  const program = `
    import { createLog } from ${JSON.stringify(import.meta.resolve('../../../core/telemetry/log.ts'))}
    const config = JSON.parse(process.argv[1])
    const log = createLog({ ...config, initial_fields: new Map() })
    log.info('a'.repeat(200_000))
    log.info('end')
    await log.close()
    process.exit()`
  const config = readConfig(telemetryConfig, { logs: { output_paths: ['stdout'] } }).logs
  const args = ['--input-type=module', '-e', program, JSON.stringify(config)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  assert.match(stdout, /^\S+ info {2}a{200000}\n\S+ info {2}end\n$/)
})

// Scenario: errors with causes, aggregates without a message, and things that are no errors.
// Guarantees: one readable sentence, the deepest reason in it, nothing said twice.
test('a reason is one sentence', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 1.2.3.4:1'), { code: 'ECONNREFUSED' })
  assert.equal(
    reasonOf(new Error('cannot send', { cause: refused })),
    'cannot send: connect ECONNREFUSED 1.2.3.4:1',
  )
  assert.equal(reasonOf(new AggregateError([refused], '')), 'AggregateError: connect ECONNREFUSED 1.2.3.4:1')
  const taken = Object.assign(new Error('listen EADDRINUSE: 1.2.3.4:1'), { code: 'EADDRINUSE' })
  assert.equal(reasonOf(new Error('it is taken (EADDRINUSE)', { cause: taken })), 'it is taken (EADDRINUSE)')
  assert.equal(reasonOf(new Error('a b', { cause: new Error('b') })), 'a b')
  assert.equal(reasonOf('text'), 'text')
})
