import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../services/process.ts'
import { Harness, own, pages, target } from './kit.ts'

const config = (jobs: Record<string, readonly string[]>, keys: object = {}) => ({
  config: {
    // Time enough for a busy machine: a scrape that is late marks everything.
    global: { scrape_interval: '2s' },
    scrape_configs: Object.entries(jobs).map(([job_name, targets]) => ({
      job_name,
      static_configs: targets.map(one => ({ targets: [one], labels: { at: one } })),
      ...keys,
    })),
  },
})

const stop = (harness: Harness) => harness.receiver.stop(performance.now() + 5000)

/** Names of all that was said to be stale in any scrape, and of all that had a value. */
function told(harness: Harness, stale: boolean): string[] {
  const names = harness.scrapes.flatMap(values =>
    Object.entries(own(values))
      .filter(([, value]) => (value === 'stale') === stale)
      .map(([name]) => name),
  )
  return [...new Set(names)].sort()
}

const scraped = (harness: Harness, name: string) =>
  eventually(() => told(harness, false).includes(name) || undefined, name)

// Scenario: a reload that takes away a target and a job, gives a target another interval, and drops a metric by a rule, while
// a page loses a series. Then the gateway stops.
// Guarantees: each series that is gone is marked stale once, by whoever knows it; those that stay are not; a stop marks
// nothing.
test('series that vanish across a reload', { timeout: 60_000 }, async t => {
  let rest = 'vanished 1\n'
  const stays = await target(t, (request, response) =>
    pages(`kept 1\nruled 1\n${rest}`)(request, response, 0),
  )
  const gone = await target(t, pages('a 1\n'))
  const other = await target(t, pages('b 1\n'))
  const first = new Harness(config({ one: [stays, gone], two: [other] }))
  await first.receiver.start()
  t.after(() => stop(first))
  await Promise.all(
    [`vanished{at=${stays}}`, `a{at=${gone}}`, `b{at=${other}}`].map(name => scraped(first, name)),
  )
  rest = ''
  const before = told(first, true)
  const rule = { action: 'drop', source_labels: ['__name__'], regex: 'ruled' }
  const second = new Harness(
    config({ one: [stays] }, { metric_relabel_configs: [rule], scrape_interval: '2100ms' }),
    first,
  )
  await second.receiver.start()
  t.after(() => stop(second))
  await stop(first)
  const marks = told(first, true).filter(name => !before.includes(name) && !name.startsWith('vanished'))
  assert.deepEqual(marks, [`a{at=${gone}}`, `b{at=${other}}`, `up{at=${gone}}`, `up{at=${other}}`].sort())
  await scraped(second, `kept{at=${stays}}`)
  await eventually(() => told(second, true).includes(`ruled{at=${stays}}`) || undefined, 'the mark')
  await stop(second)
  assert.ok(told(second, true).every(name => !name.startsWith('kept') && !name.startsWith('up')))
  const all = [...told(first, true), ...told(second, true)]
  assert.equal(all.filter(name => name === `vanished{at=${stays}}`).length, 1)
})

// Scenario: a reload that fails after the receiver was started: the new one stops, the old one goes on and stops later.
// Guarantees: neither marks anything.
test('a reload that fails', { timeout: 60_000 }, async t => {
  const address = await target(t, pages('a 1\n'))
  const first = new Harness(config({ one: [address] }))
  await first.receiver.start()
  t.after(() => stop(first))
  await scraped(first, `a{at=${address}}`)
  const second = new Harness(config({ two: [address] }), first)
  await second.receiver.start()
  await scraped(second, `a{at=${address}}`)
  await stop(second)
  await stop(first)
  assert.deepEqual([...told(first, true), ...told(second, true)], [])
})
