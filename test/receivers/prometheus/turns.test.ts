import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadPage } from '../../../core/formats/prometheus/parse/page.ts'
import { LINE_BYTES_MAX } from '../../../core/formats/prometheus/parse/scan.ts'
import { Transaction } from '../../../core/formats/prometheus/scraped/transaction.ts'
import { TargetCache } from '../../../receivers/prometheus/cache.ts'
import { factory } from '../../../receivers/prometheus/index.ts'
import { jobOf } from '../../../receivers/prometheus/job.ts'
import { noCounts, PageIntake } from '../../../receivers/prometheus/page.ts'
import { targetOf } from '../../../receivers/prometheus/target.ts'
import { Turns } from '../../../receivers/prometheus/turns.ts'
import { readConfig } from '../../kit/read-config.ts'
import { ByHand, job, own, target } from './kit.ts'

/** Counts how often others might have had their turn, and ends after `most`. */
class Counted extends Turns {
  asked = 0
  readonly #most: number

  constructor(most = Infinity) {
    super(Infinity, () => new Error('never'))
    this.#most = most
  }

  override next(): Promise<void> | undefined {
    if (++this.asked > this.#most) throw new Error('its time is over')
    return undefined
  }
}

async function read(text: string, turns: Turns): Promise<number> {
  const { config } = readConfig(factory.config, job('a:1'))
  const one = jobOf(config.scrape_configs[0]!, config.global)
  const cache = new TargetCache()
  const from = targetOf('a:1', { source: '', targets: [], labels: new Map() }, one)!
  const made = new Transaction(cache.metadata, { trimSuffixes: false, version: '1', discovered: [] })
  const page = { bytes: Buffer.from(text), contentType: 'text/plain', leave: () => undefined }
  await new PageIntake(from, one, cache).take(page, made, 1000, noCounts(), turns)
  return (await made.build(() => turns.next())).points
}

// Scenario: pages of 1 MiB: samples, empty lines, comments, descriptions, with a clock that only counts.
// Guarantees: whatever a page is made of, the clock is looked at for each 64 KiB of it at least, also while its points are
// written; when the time is over the rest is not read.
test('a page gives others their turn', async () => {
  const BYTES = 1024 * 1024
  const pages = {
    samples: Array.from({ length: BYTES / 32 }, (_, i) => `a{i="${i}"} 1\n`).join(''),
    empty: '\n'.repeat(BYTES),
    blank: ' \t\n'.repeat(BYTES / 3),
    comments: '# x\n'.repeat(BYTES / 4),
    help: Array.from({ length: BYTES / 64 }, (_, i) => `# HELP a${i} ${'x'.repeat(50)}\n`).join(''),
  }
  for (const [name, text] of Object.entries(pages)) {
    const turns = new Counted()
    await read(text, turns)
    assert.ok(turns.asked >= text.length / 65_536, `${name}: ${turns.asked}`)
    const few = new Counted(3)
    await assert.rejects(read(text, few), /its time is over/, name)
    assert.equal(few.asked, 4, name)
  }
})

// Scenario: lines, and a quoted text over many lines, as long as they may be and longer.
// Guarantees: the longest that may be is read, what is longer is a broken page, in whatever line it stands.
test('a line that does not end', async () => {
  const turns = new Counted()
  const line = (bytes: number): string => `a{x="${'y'.repeat(bytes - 'a{x=""} 1'.length)}"} 1\n`
  assert.equal(await read(`b 1\n${line(LINE_BYTES_MAX)}c 1\n`, turns), 3)
  const bad = async (text: string, where: RegExp) =>
    assert.rejects(read(text, turns), (error: Error) => {
      assert.ok(error instanceof BadPage)
      assert.match(error.message, where)
      assert.match(error.message, /more than 1048576 bytes/)
      return true
    })
  await bad(`b 1\n${line(LINE_BYTES_MAX + 1)}c 1\n`, /^line 2, column 1: /)
  await bad(line(3 * LINE_BYTES_MAX).trim(), /^line 1, column 1: /)
  await bad(`a{x="${'y\n'.repeat(LINE_BYTES_MAX)}"} 1\n`, /^line 1, column 5: /)
})

// Scenario: a clock turned by hand, before and behind a deadline.
// Guarantees: others have their turn every 10 ms, and what is late ends.
test('turns', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const turns = new Turns(1100, () => new Error('late'))
  now += 10
  assert.equal(turns.next(), undefined)
  now += 1
  await turns.next()
  assert.equal(turns.next(), undefined)
  now = 1100
  await turns.next()
  now += 1
  assert.throws(() => turns.next(), /late/)
})

// Scenario: a page that came in time is read when scrape_timeout is long over; then one that is not late.
// Guarantees: the scrape fails as one that took too long, and the next one is good again.
test('scrape_timeout counts until the page is read', async t => {
  const real = performance.now.bind(performance)
  let late = 0
  t.mock.method(performance, 'now', () => real() + late)
  const address = await target(t, (_, response, nth) => {
    response.setHeader('content-type', 'text/plain')
    response.end(Array.from({ length: 1000 }, (_, i) => `a{i="${i}"} 1\n`).join(''))
    if (nth === 0) late = 60_000
  })
  const harness = new ByHand(address)
  assert.deepEqual(own(await harness.scrape()), { up: 0 })
  assert.equal(harness.warnings[0]!['reason'], 'timeout')
  assert.match(String(harness.warnings[0]!['error']), /could not be read within 10 s \(scrape_timeout\)/)
  assert.equal(Object.keys(own(await harness.scrape())).length, 1001)
})
