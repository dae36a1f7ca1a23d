import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { factory } from '../../extensions/pprof.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'

async function setUp(t: TestContext, config: Record<string, unknown> = {}) {
  const settings = testSettings('extension', 'pprof')
  const extension = factory.create(
    readConfig(factory.config, { endpoint: '127.0.0.1:0', ...config }),
    settings,
  )
  await extension.start()
  t.after(() => extension.stop(performance.now()))
  const ask = async (path: string) => {
    const answer = await fetch(`http://${extension.addresses!.get('http')}/debug/pprof/${path}`)
    return {
      status: answer.status,
      name: answer.headers.get('content-disposition'),
      body: await answer.text(),
    }
  }
  return { extension, ask }
}

// Scenario: a short CPU profile, a profile of allocations, the index.
// Guarantees: what comes is what V8's tools open, under a name with their ending.
test('profiles are V8’s own', async t => {
  const { extension, ask } = await setUp(t)
  const cpu = await ask('profile?seconds=0.05')
  assert.deepEqual([cpu.status, cpu.name], [200, 'attachment; filename="sluice-profile.cpuprofile"'])
  const { nodes, startTime, endTime } = JSON.parse(cpu.body)
  assert.equal(nodes.length > 0 && endTime > startTime, true)
  const heap = await ask('allocs?seconds=0.05')
  assert.match(heap.name!, /\.heapprofile"$/)
  assert.notEqual(JSON.parse(heap.body).head, undefined)
  assert.match((await ask('')).body, /profile\?seconds=10/)
  assert.equal((await ask('goroutine')).status, 404)
  await extension.stop(performance.now())
})

// Scenario: durations that are none, and a second profile while one is taken; then the gateway stops.
// Guarantees: 400 and 409 say what is wrong; stopping does not wait for the profile.
test('profiles are bounded and one at a time', async t => {
  const { extension, ask } = await setUp(t)
  for (const seconds of ['0', '-1', 'x', '301', 'Infinity']) {
    assert.equal((await ask(`profile?seconds=${seconds}`)).status, 400, seconds)
  }
  const long = ask('profile?seconds=300').catch(() => 'cut')
  let second = await ask('profile?seconds=0.001')
  while (second.status !== 409) second = await ask('profile?seconds=0.001')
  assert.match(second.body, /another profile/)
  await extension.stop(performance.now())
  await long
})

// Scenario: save_to_file is set and the gateway stops.
// Guarantees: the file has a CPU profile of the run, and nobody else profiles meanwhile.
test('a whole run can be saved', async t => {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-pprof-')), 'run.cpuprofile')
  const { extension, ask } = await setUp(t, { save_to_file: path })
  assert.equal((await ask('profile?seconds=1')).status, 409)
  await extension.stop(performance.now() + 1000)
  await extension.stop(performance.now() + 1000)
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).nodes.length > 0, true)
})
