/** What senders can make the exporter hold. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { MESSAGES } from '../../../core/formats/prometheus/remote-write.ts'
import { factory } from '../../../exporters/prometheus-remote-write/index.ts'
import { Translator } from '../../../exporters/prometheus-remote-write/translator.ts'
import { readConfig } from '../../kit/read-config.ts'
import { type From, gauge, metricsRequest, type Plain, started, V2, VERSIONS } from './kit.ts'

const MIB = 1024 * 1024
const translator = (plain: Plain): Translator =>
  new Translator(readConfig(factory.config, { endpoint: 'http://a', ...V2, ...plain }))

function requestsOf(to: Translator, message: (typeof MESSAGES)[number], metrics: Plain[], from?: From) {
  return to.translate(batchOf('metrics', [metricsRequest(metrics, from)], metrics.length), message).requests
}

const many = (points: number, value: (i: number) => string): Plain[] =>
  Array.from({ length: points }, (_, i) => gauge('g', i, { label: value(i) }))

for (const message of MESSAGES) {
  // Scenario: one request of 3 MB: 20,000 series of a scope whose name has a million letters, which all of them have as a
  // label: 20 GB of labels.
  // Guarantees: requests are written one by one, when they are asked for, so that nobody has to hold them all. (2.0 has the
  // name once in each.)
  test(`a label of a million letters, ${message}`, () => {
    const to = translator({})
    const scope = { name: 'x'.repeat(1_000_000) }
    const requests = requestsOf(to, message, many(20_000, String), { scope })
    const before = process.memoryUsage().arrayBuffers
    let asked = 0
    for (const { bytes, example } of requests) {
      assert.ok(bytes.length < 3_000_000)
      assert.ok(example!.length < 1000)
      if (++asked === 100) break
    }
    assert.equal(asked, message === MESSAGES[0] ? 100 : 1)
    assert.ok(to.remembered < 20 * MIB, `${to.remembered}`)
    assert.ok(process.memoryUsage().arrayBuffers - before < 600 * MIB)
  })
}

for (const [version, config] of VERSIONS) {
  // Scenario: the same with 300 series, sent.
  // Guarantees: all of them arrive.
  test(`long labels are sent, version ${version}`, async t => {
    const { server, send, page } = await started(t, config)
    await send(many(300, String), { scope: { name: 'y'.repeat(100_000) } })
    assert.equal(page.out, 300)
    assert.equal(server.taken().size, 300)
  })
}

// Scenario: each request has new series with labels of ten thousand letters.
// Guarantees: what is remembered is bounded in bytes, not only in series.
test('long labels are forgotten', () => {
  const to = translator({ series_cache_size: 1000 })
  let most = 0
  for (let round = 0; round < 60; round++) {
    for (const _ of requestsOf(
      to,
      MESSAGES[0],
      many(15, i => `${round}-${i}`.padEnd(50_000, 'z')),
    )) {
    }
    most = Math.max(most, to.remembered)
  }
  assert.ok(most > 8 * MIB && most < 16 * MIB, `${most}`)
})
