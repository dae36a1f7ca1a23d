import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { complete, eventually, run } from '../services/process.ts'

const start = fileURLToPath(new URL('../../gateway/start.js', import.meta.url))

const SAY_WHETHER_TYPES_WERE_STRIPPED = `data:text/javascript,process.on('exit', () =>
  console.log(process.moduleLoadList.some(name => name.includes('amaro')) ? 'stripped' : 'as cached'))`

const CONFIG =
  'yaml:{receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}, exporters: {nop: }, service: ' +
  '{telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}}'

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => entry.name)

// Scenario: the program is run twice.
// Guarantees: the second run takes its code from the cache, all of it: one file outside would load the type stripper.
test('the second start strips no types', { timeout: 60_000 }, async () => {
  await complete(process.execPath, [start, '--version'])
  const second = await complete(process.execPath, [
    '--import',
    SAY_WHETHER_TYPES_WERE_STRIPPED,
    start,
    '--version',
  ])
  assert.match(second, /as cached/)
})

// Scenario: a gateway runs with the cache switched off; another with the cache elsewhere, and is killed.
// Guarantees: the first writes none; the second has written it while running, where NODE_COMPILE_CACHE says.
test('the cache is written at once, where it may be', { timeout: 60_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cache-'))
  const env = { NODE_COMPILE_CACHE: folder }
  const args = [start, '--config', CONFIG]
  const none = run(process.execPath, args, { env: { ...env, NODE_DISABLE_COMPILE_CACHE: '1' } })
  t.after(() => none.stop('SIGKILL'))
  await none.printed(/Everything is ready/)
  assert.equal(await none.stop('SIGTERM'), 0)
  assert.deepEqual(filesIn(folder), [])
  const running = run(process.execPath, args, { env })
  t.after(() => running.stop('SIGKILL'))
  await eventually(() => filesIn(folder).length > 0 || undefined, 'a cache written by a running gateway')
})
