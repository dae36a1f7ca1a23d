import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Answer, ByHand, own, pages, target } from './kit.ts'

// Scenario: a target whose page changes, breaks, and is well again.
// Guarantees: `up` says how it is, what vanishes is marked stale once, and the log has the place of the mistake.
test('pages that change', async t => {
  const address = await target(t, pages('a 1\nb 2\n', 'a 3\n', 'a 4\nb{\n', 'a 5\nb{\n', 'a 6\n'))
  const harness = new ByHand(address)
  for (let i = 0; i < 5; i++) await harness.scrape()
  assert.deepEqual(harness.scrapes.map(own), [
    { a: 1, b: 2, up: 1 },
    { a: 3, b: 'stale', up: 1 },
    { a: 'stale', up: 0 },
    { up: 0 },
    { a: 6, up: 1 },
  ])
  const [first] = harness.scrapes
  assert.equal(first!['scrape_samples_scraped'], 2)
  assert.equal(first!['scrape_samples_post_metric_relabeling'], 2)
  assert.equal(first!['scrape_series_added'], 2)
  assert.ok((first!['scrape_duration_seconds'] as number) > 0)
  const [warning] = harness.warnings
  assert.equal(
    warning!['error'],
    'line 2, column 3: expected the name of a label or }, found the end of the line',
  )
  assert.equal(warning!['reason'], 'bad_page')
  assert.equal(harness.read('scrapes{job="j",outcome="bad_page",receiver="prometheus"}'), 2)
  assert.ok(harness.read('scrapes{job="j",outcome="ok",receiver="prometheus"}') === 3)
})

// Scenario: targets that do not listen, answer late, with an error, too much, or a bomb.
// Guarantees: `up` is 0 each time, with its reason, and nothing else happens.
test('targets that fail', { timeout: 30_000 }, async t => {
  const bomb = gzipSync(Buffer.alloc(1_000_000, '#'))
  const answers: Record<string, [Answer, keys: object]> = {
    http_status: [(_, response) => response.writeHead(503).end(), {}],
    timeout: [() => {}, { scrape_interval: '200ms', scrape_timeout: '100ms' }],
    page_too_large: [pages('#'.repeat(2000)), { body_size_limit: '1KB' }],
    bomb: [
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
      { body_size_limit: '100KB' },
    ],
    bad_page: [(_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip'), {}],
    sample_limit: [pages('a 1\nb 2\nc 3\n'), { sample_limit: 2 }],
    label_limit: [pages('a{b="1",c="2"} 1\n'), { label_limit: 4 }],
    label_value: [pages('a{b="12345678901234567890123456789"} 1\n'), { label_value_length_limit: 28 }],
  }
  for (const [name, [answer, keys]] of Object.entries(answers)) {
    const harness = new ByHand(await target(t, answer), keys)
    assert.deepEqual(own(await harness.scrape()), { up: 0 }, name)
    const reason = name === 'bomb' ? 'page_too_large' : name === 'label_value' ? 'label_limit' : name
    assert.equal(harness.warnings[0]!['reason'], reason)
  }
  const nobody = new ByHand('127.0.0.1:9')
  await nobody.scrape()
  assert.equal(nobody.warnings[0]!['reason'], 'unreachable')
  assert.match(String(nobody.warnings[0]!['error']), /nothing listens there/)
})

// Scenario: external labels, a series twice on a page, more metrics about the scrape.
// Guarantees: external labels win on every series, repeats are counted, the numbers are those of the job.
test('labels from outside, and more about scrapes', async t => {
  const address = await target(t, pages('a{x="in"} 1\na{x="in"} 2\n', ''))
  const global = { external_labels: { x: 'out', region: 'eu' }, extra_scrape_metrics: true, sample_limit: 10 }
  const harness = new ByHand(address, {}, global)
  const first = await harness.scrape()
  assert.equal(first['a{region=eu,x=out}'], 1)
  assert.equal(first['up{region=eu,x=out}'], 1)
  assert.equal(first['scrape_timeout_seconds{region=eu,x=out}'], 10)
  assert.equal(first['scrape_sample_limit{region=eu,x=out}'], 10)
  assert.equal(first['scrape_body_size_bytes{region=eu,x=out}'], 24)
  assert.equal(harness.read('left_out_samples{job="j",reason="duplicate",receiver="prometheus"}'), 1)
  // An empty page is a good one.
  const second = await harness.scrape()
  assert.deepEqual([second['a{region=eu,x=out}'], second['up{region=eu,x=out}']], ['stale', 1])
})

// Scenario: a page on which the order of labels changes from scrape to scrape, and a series with a time of its own.
// Guarantees: labels in another order are the same series; what has its own time is not marked when it vanishes.
test('the same series in other words', async t => {
  const address = await target(
    t,
    pages('a{x="1",y="2"} 1\nt 1 1700000000000\n', 'a{y="2",x="1"} 2\n', 'b 1\n'),
  )
  const harness = new ByHand(address)
  assert.deepEqual(own(await harness.scrape()), { 'a{x=1,y=2}': 1, t: 1, up: 1 })
  assert.deepEqual(own(await harness.scrape()), { 'a{x=1,y=2}': 2, up: 1 })
  assert.deepEqual(own(await harness.scrape()), { b: 1, 'a{x=1,y=2}': 'stale', up: 1 })
})

// Scenario: a target whose series are others in every scrape, good and bad ones.
// Guarantees: what is remembered does not grow without end.
test('series that come and go are forgotten', async t => {
  const page = (nth: number, end: string) =>
    Array.from({ length: 500 }, (_, i) => `a{n="${nth}",i="${i}"} 1\n`).join('') + end
  const address = await target(t, (request, response, nth) =>
    pages(page(nth, nth % 2 === 0 ? '' : 'b{'))(request, response, 0),
  )
  const harness = new ByHand(address)
  for (let i = 0; i < 20; i++) await harness.scrape()
  assert.ok(harness.remembered <= 4000, String(harness.remembered))
})

// Scenario: a page of more lines than anybody means to send, with no limit in the config.
// Guarantees: the scrape fails and says which key raises the limit; a page as long passes where sample_limit asks for it.
test('a page of millions of samples', { timeout: 60_000 }, async t => {
  const answer = pages('a 1\n'.repeat(2_000_001))
  const harness = new ByHand(await target(t, answer), {})
  assert.deepEqual(own(await harness.scrape()), { up: 0 })
  assert.equal(harness.warnings[0]!['reason'], 'sample_limit')
  assert.match(String(harness.warnings[0]!['error']), /more than 2000000 samples and comments; sample_limit/)
  const asked = new ByHand(await target(t, answer), { sample_limit: 1_500_000 })
  assert.deepEqual(own(await asked.scrape()), { a: 1, up: 1 })
})

// Scenario: a target whose pages always break, each after thousands of families with new names.
// Guarantees: what is remembered stays within some pages' worth.
test('families of pages that break', async t => {
  const answer: Answer = (_, response, nth) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${Array.from({ length: 1000 }, (_, i) => `# TYPE n${nth}_${i} gauge\n`).join('')}b{\n`)
  }
  const harness = new ByHand(await target(t, answer), {})
  for (let i = 0; i < 40; i++) await harness.scrape()
  assert.ok(harness.remembered < 15_000, `${harness.remembered}`)
})
