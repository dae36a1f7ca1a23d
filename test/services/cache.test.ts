import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cached, cached, fromCache, need } from './cache.ts'

const module = new URL('cache.ts', import.meta.url).href

/** A cache of this test's own. */
function ownCache(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cache-'))
  process.env['SLUICE_CACHE'] = folder
  t.after(() => {
    delete process.env['SLUICE_CACHE']
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

const thing = (make: Cached['make'], more: Partial<Cached> = {}): Cached => ({
  what: 'a thing',
  takes: 'a moment',
  name: 'thing',
  pinnedBy: [],
  make,
  ...more,
})

// Scenario: two ask at once for what is not there, and one later; it takes a while to make.
// Guarantees: it is made once, and nobody is given it before it is whole.
test('one makes what two ask for', async t => {
  ownCache(t)
  let made = 0
  const slow = thing(async folder => {
    made++
    writeFileSync(join(folder, 'a'), '')
    await sleep(150)
    writeFileSync(join(folder, 'b'), '')
  })
  const look = async () => readdirSync(await cached(slow)).sort()
  assert.equal(fromCache(slow), undefined)
  for (const files of await Promise.all([look(), look()])) assert.deepEqual(files, ['a', 'b', 'complete'])
  await look()
  assert.equal(made, 1)
})

// Scenario: making fails half way; a process is killed half way, in a folder beside and in the place itself.
// Guarantees: it is not there afterwards; the next one begins with an empty folder, does not wait for the dead, and leaves
// nothing of them.
test('what was begun and not finished', async t => {
  const base = ownCache(t)
  const half = thing(async folder => {
    writeFileSync(join(folder, 'half'), '')
    throw new Error('no network')
  })
  for (const stays of [false, true]) {
    const name = `thing-${stays}`
    await assert.rejects(cached({ ...half, name, stays }), /no network/)
    assert.equal(fromCache({ ...half, name, stays }), undefined)
    const die = `import { cached } from ${JSON.stringify(module)}
import { writeFileSync } from 'node:fs'
const make = async folder => { writeFileSync(folder + '/half', ''); process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}) }
await cached({ what: '', takes: '', pinnedBy: [], name: '${name}', stays: ${stays}, make })`
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', die])
    assert.equal(signal, 'SIGKILL')
    let found: string[] | undefined
    const whole = thing(
      async folder => {
        found = readdirSync(folder)
        writeFileSync(join(folder, 'whole'), '')
      },
      { name, stays },
    )
    const folder = await cached(whole)
    assert.deepEqual(found, [])
    assert.deepEqual(readdirSync(folder).sort(), ['complete', 'whole'])
    const left = readdirSync(base).filter(file => file.startsWith(name))
    assert.deepEqual(left.sort(), [basename(folder), `${basename(folder)}.lock`])
  }
})

// Scenario: two programs of one source in one folder; a build that ends well and made nothing.
// Guarantees: each has its own proof and does not disturb the other; without the proof nothing is there.
test('programs that prove themselves', async t => {
  ownCache(t)
  const program = (proof: string) =>
    thing(async folder => writeFileSync(join(folder, proof), proof), { proof })
  const folder = await cached(program('one'))
  assert.equal(fromCache(program('two')), undefined)
  assert.equal(await cached(program('two')), folder)
  assert.deepEqual(
    ['one', 'two'].map(name => readFileSync(join(folder, name), 'utf8')),
    ['one', 'two'],
  )
  await assert.rejects(cached(thing(async () => {}, { proof: 'three' })), /three was not made/)
  assert.equal(existsSync(join(folder, 'three')), false)
})

// Scenario: a test needs what is not there, and what is.
// Guarantees: a test's time is not spent on building; it is told what to do.
test('nothing is made for a test', async t => {
  ownCache(t)
  await cached(thing(async () => {}, { name: 'there' }))
  let made = false
  const make = async () => void (made = true)
  const skipped: unknown[] = []
  const asking = { skip: (reason: unknown) => skipped.push(reason) } as unknown as TestContext
  const noSkip = process.env['SLUICE_NO_SKIP']
  delete process.env['SLUICE_NO_SKIP']
  t.after(() => noSkip !== undefined && (process.env['SLUICE_NO_SKIP'] = noSkip))
  assert.notEqual(await need(asking, 'It', () => cached(thing(make, { name: 'there' }))), undefined)
  assert.deepEqual(skipped, [])
  assert.equal(await need(asking, 'It', () => cached(thing(make))), undefined)
  assert.match(String(skipped[0]), /^It cannot be had: a thing is not there yet; .*prepare\.ts thing gets it/)
  process.env['SLUICE_NO_SKIP'] = '1'
  await assert.rejects(
    need(asking, 'It', () => cached(thing(make))),
    /^Error: It cannot be had/,
  )
  if (noSkip === undefined) delete process.env['SLUICE_NO_SKIP']
  assert.equal(made, false)
})
