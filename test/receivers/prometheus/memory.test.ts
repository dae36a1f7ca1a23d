import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldBytes } from '../../kit/held-memory.ts'
import { ByHand, target } from './kit.ts'

const SERIES = 25_000

// Scenario: a page of 25,000 counters with four labels, scraped three times.
// Guarantees: of each series, whose line has 130 letters, less than 950 bytes are held from scrape to scrape.
test('what is held of a series', { timeout: 60_000 }, async t => {
  const address = await target(t, (_, response, nth) => {
    response.setHeader('content-type', 'text/plain')
    response.write('# TYPE app_requests_total counter\n')
    for (let i = 0; i < SERIES; i++) {
      const labels = `method="GET",route="/api/orders/items/${i % 50}",status="200",customer="customer-${i}"`
      response.write(`app_requests_total{${labels}} ${nth * 1000 + i}\n`)
    }
    response.end()
  })
  const harness = new ByHand(address)
  const before = await heldBytes()
  for (let i = 0; i < 3; i++) {
    await harness.scrape()
    harness.sink.batches.length = 0
  }
  assert.equal(harness.remembered, SERIES + 1)
  const held = (await heldBytes()) - before
  assert.ok(held < SERIES * 950, `${Math.round(held / SERIES)} bytes a series`)
})
