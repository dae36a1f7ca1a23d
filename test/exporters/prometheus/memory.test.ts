import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldBytes } from '../../kit/held-memory.ts'
import { at, attributes, started } from './kit.ts'

const SERIES = 25_000

// Scenario: 25,000 counters with four attributes, sent and scraped twice.
// Guarantees: of each series, whose line has 130 letters, less than 950 bytes are held, and nothing of the page.
test('what is held of a series', { timeout: 60_000 }, async t => {
  const { send, scrape } = await started(t)
  const sendAll = async (round: number, count: number): Promise<void> => {
    const dataPoints = Array.from({ length: count }, (_, i) => ({
      asInt: `${i + round}`,
      timeUnixNano: at(10 + round),
      attributes: attributes({
        'http.request.method': 'GET',
        'http.route': `/api/orders/items/${i % 50}`,
        'http.response.status_code': '200',
        customer: `customer-${i}`,
      }),
    }))
    await send([{ name: 'requests', sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints } }])
  }
  // What the code itself needs.
  await sendAll(0, 100)
  await scrape()
  const before = await heldBytes()
  for (let round = 0; round < 2; round++) {
    await sendAll(round, SERIES)
    assert.equal((await scrape()).samples.length, SERIES)
  }
  const held = (await heldBytes()) - before
  assert.ok(held < SERIES * 950, `${Math.round(held / SERIES)} bytes a series`)
})
