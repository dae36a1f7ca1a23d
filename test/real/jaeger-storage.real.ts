/**
 * Jaeger's own storage integration cases over indices that Sluice wrote and over Jaeger's own: the same answers, and those
 * that were expected.
 */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type CaseSpan,
  pathOf,
  requestOf,
  requestOfSpans,
  SEARCHES,
  TRACES,
  traceId,
} from '../kit/jaeger-cases.ts'
import { agreed, type Pair, pair, readerOfOurs, writeBoth } from '../kit/jaeger-pair.ts'
import type { Jaeger } from '../services/jaeger.ts'

interface Both {
  readonly pair: Pair
  /** Over its own indices, and over ours. */
  readonly jaegers: readonly [Jaeger, Jaeger]
}

async function both(t: TestContext): Promise<Both | undefined> {
  const writers = await pair(t)
  if (writers === undefined) return undefined
  return { pair: writers, jaegers: [writers.jaeger, await readerOfOurs(t, writers)] }
}

const count = (many: number) => (data: readonly unknown[]) => data.length === many

// Scenario: two dozen traces with tags in spans, events and processes, of two days; every search of Jaeger's storage
// integration cases: tags in one or several places, operation, durations, combinations, patterns, times.
// Guarantees: each finds its traces and no other, whole, and the same as over Jaeger's own indices.
test('searches find what they find in what Jaeger wrote', { timeout: 900_000 }, async t => {
  const servers = await both(t)
  if (servers === undefined) return
  await writeBoth(servers.pair, Object.keys(TRACES).map(requestOf))
  for (const [what, search, names] of SEARCHES) {
    await t.test(what, async () => {
      const found = await agreed(servers.jaegers, pathOf(search), count(names.length))
      const ids = found.map(trace => Number.parseInt((trace as { traceID: string }).traceID, 16)).sort()
      assert.deepEqual(ids, names.map(name => traceId(name).readUInt32BE(12)).sort())
      const spans = found.reduce(
        (sum: number, trace) => sum + (trace as { spans: unknown[] }).spans.length,
        0,
      )
      assert.equal(
        spans,
        names.reduce((sum, name) => sum + TRACES[name]!.length, 0),
      )
    })
  }
  await t.test('services', async () => {
    const services = await agreed(servers.jaegers, '/api/services', count(11))
    assert.ok(['shop-1', 'shop-2', 'shop-3'].every(name => services.includes(name)))
  })
  await t.test('operations', async () => {
    assert.deepEqual(await agreed(servers.jaegers, '/api/services/shop-1/operations', count(3)), [
      'call',
      'open',
      'serve',
    ])
    await agreed(servers.jaegers, '/api/operations?service=shop-1', count(3))
    await agreed(servers.jaegers, '/api/operations?service=depot', count(3))
  })
  await t.test('a trace by its id, short or long', async () => {
    const hex = traceId('shop').toString('hex')
    const [one] = await agreed(servers.jaegers, `/api/traces/${hex}`, count(1))
    assert.equal((one as { spans: unknown[] }).spans.length, 5)
    await agreed(servers.jaegers, `/api/traces/${hex.replace(/^0+/, '')}`, count(1))
  })
  await t.test('a trace that is not there', async () => {
    const answers = await Promise.all(
      servers.jaegers.map(async ({ query }) => {
        const answer = await fetch(`${query}/api/traces/${'f'.repeat(32)}`)
        return [answer.status, await answer.text()]
      }),
    )
    assert.equal(answers[0]![0], 404)
    assert.deepEqual(answers[1], answers[0])
  })
})

/** Spans of one trace, a second apart; every `same`th has the id of the first. */
function manySpans(many: number, same: number): CaseSpan[] {
  return Array.from({ length: many }, (_, i) => ({
    id: same > 0 && i % same === 0 ? 1 : i + 1,
    service: 'many',
    operation: `step ${i % 7}`,
    micros: 100 + i,
    minute: i / 60,
    tags: { nth: i },
    events: [{}],
  }))
}

// Scenario: a trace of 10,008 spans, more than Elasticsearch gives in one answer.
// Guarantees: all are read back, each as out of Jaeger's own index.
test('a trace of more than ten thousand spans', { timeout: 900_000 }, async t => {
  const servers = await both(t)
  if (servers === undefined) return
  const id = Buffer.alloc(16, 0x1a)
  const spans = manySpans(10_008, 0)
  const requests = Array.from({ length: 3 }, (_, i) =>
    requestOfSpans(id, spans.slice(i * 4000, (i + 1) * 4000)),
  )
  await writeBoth(servers.pair, requests)
  const whole = (data: readonly unknown[]) =>
    (data[0] as { spans: unknown[] } | undefined)?.spans.length === 10_008
  await agreed(servers.jaegers, `/api/traces/${id.toString('hex')}`, whole)
})

// Scenario: a trace in which a tenth of the spans has the same id; then one that was sent twice, span for span.
// Guarantees: spans that differ are all there; of those that were sent twice Jaeger shows one, as over its own indices.
test('spans with the same id, and spans sent twice', { timeout: 900_000 }, async t => {
  const servers = await both(t)
  if (servers === undefined) return
  const duplicates = Buffer.alloc(16, 0x2b)
  const twice = Buffer.alloc(16, 0x3c)
  const again = requestOfSpans(twice, manySpans(50, 0))
  await writeBoth(servers.pair, [requestOfSpans(duplicates, manySpans(200, 10)), again, again])
  const has = (many: number) => (data: readonly unknown[]) =>
    (data[0] as { spans: unknown[] } | undefined)?.spans.length === many
  const [trace] = await agreed(servers.jaegers, `/api/traces/${duplicates.toString('hex')}`, has(200))
  const ids = new Set((trace as { spans: { spanID: string }[] }).spans.map(({ spanID }) => spanID))
  assert.equal(ids.size, 181)
  await agreed(servers.jaegers, `/api/traces/${twice.toString('hex')}`, has(50))
})
