/** Batches that go in part: what is sent again, and what is not. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SendResult } from '../../../core/component/contract.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { numberedSpans, numberOf, refusedBy, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'

// Scenario: the third of many requests of one batch is refused, twice.
// Guarantees: the retry begins with that request; nothing is sent twice, and the counts add up.
test('a batch goes on where it was', async () => {
  await withExporter({ flush: { bytes: 5000 } }, async (exporter, _settings, cluster) => {
    let busy = true
    let bulks = 0
    cluster.answer = ({ path }) =>
      path.startsWith('/_bulk') && bulks++ >= 2 && busy ? { status: 503, body: 'busy' } : undefined
    const batch = numberedSpans(60)
    const first = await sendTo(exporter, batch)
    assert.ok(first.sent > 0 && first.sent < 60)
    assert.equal(first.retry!.items, 60 - first.sent)
    await refusedBy(exporter, first.retry!)
    busy = false
    const taken = (from: number) =>
      cluster.bulks.slice(from).flatMap(({ lines }) => lines.filter(line => line.traceID))
    const before = cluster.bulks.length
    assert.deepEqual(await sendTo(exporter, first.retry!), { sent: 60 - first.sent })
    assert.deepEqual(
      taken(before).map(numberOf),
      Array.from({ length: 60 - first.sent }, (_, i) => first.sent + i),
    )
  })
})

// Scenario: a cluster that answers "busy" for every document of a batch of many requests, and then takes them all.
// Guarantees: only so many documents as a request has wait to be sent again; the rest are made when they are sent.
test('few documents wait to be sent again', async () => {
  await withExporter(
    { jaeger: { create_mappings: false }, flush: { bytes: 5000 } },
    async (exporter, _settings, cluster) => {
      const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
      cluster.item = () => (cluster.bulks.length > 1 ? busy : { status: 201 })
      const first = await sendTo(exporter, numberedSpans(100))
      const { sent } = first
      assert.ok(sent > 0 && sent < 20, `${sent}`)
      for (let i = 0; i < 3; i++) await refusedBy(exporter, first.retry!)
      assert.ok(cluster.bulks.length < 12, `${cluster.bulks.length} requests`)
      cluster.item = () => ({ status: 201 })
      assert.deepEqual(await sendTo(exporter, first.retry!), { sent: 100 - sent })
      const there = new Set(cluster.spans.map(numberOf))
      assert.equal(there.size, 100)
    },
  )
})

// Scenario: the third of many requests of a batch is never answered, and the attempt has a deadline.
// Guarantees: shortly before it the exporter says what is there, and what is sent again begins with the third.
test('a deadline does not lose what is known', async () => {
  await withExporter(
    { jaeger: { create_mappings: false }, flush: { bytes: 5000 } },
    async (exporter, _settings, cluster) => {
      cluster.answer = () => {
        cluster.hangs = cluster.bulks.length >= 2
        return undefined
      }
      const first = await exporter.send(numberedSpans(60), { deadline: performance.now() + 1000 })
      assert.ok(first.sent > 0 && first.sent < 60, `${first.sent}`)
      assert.equal(first.retry!.items, 60 - first.sent)
      cluster.answer = () => undefined
      cluster.hangs = false
      const before = cluster.spans.length
      assert.deepEqual(await sendTo(exporter, first.retry!), { sent: 60 - first.sent })
      assert.equal(numberOf(cluster.spans[before]!), first.sent)
    },
  )
})

// Scenario: an attempt is aborted while the cluster thinks; then the cluster answers, and the batch is sent again.
// Guarantees: every span is told once, whatever became of the first attempt.
test('an attempt that was given up on does not count', async () => {
  await withExporter(
    { jaeger: { create_mappings: false }, flush: { bytes: 3000 } },
    async (exporter, _settings, cluster) => {
      const gate = Promise.withResolvers<void>()
      let hold = true
      cluster.item = () => ({ status: 201 })
      const batch = numberedSpans(30)
      const controller = new AbortController()
      cluster.answer = ({ path }) => {
        if (!path.startsWith('/_bulk') || !hold || cluster.bulks.length < 3) return undefined
        hold = false
        controller.abort()
        gate.resolve()
        return undefined
      }
      const first = exporter.send(batch, { signal: controller.signal }).catch(error => error)
      await gate.promise
      const result = await first
      const second = result instanceof Refused ? { sent: 0, retry: batch } : (result as SendResult)
      const rest = await sendTo(exporter, second.retry ?? batch)
      assert.equal(second.sent + rest.sent, 30)
    },
  )
})

// Scenario: of a batch that went in part, one document is refused for ever, and the file for such waits for its reader; the
// attempt is given up on, and while the next one sends the rest, the file is done.
// Guarantees: the old attempt takes nothing from the new one: every span is sent, and told of once.
test('an attempt that was given up on while it wrote dead letters sends nothing more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-'))
  const file = join(folder, 'dead')
  execFileSync('mkfifo', [file])
  const config = { jaeger: { create_mappings: false }, flush: { bytes: 1000 }, compression: 'none' }
  await withExporter({ ...config, dead_letter: { file } }, async (exporter, _settings, cluster) => {
    const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
    const odd = { status: 400, error: { type: 'document_parsing_exception', reason: 'odd' } }
    cluster.item = ({ traceID }) =>
      traceID === undefined || cluster.bulks.length === 1 ? { status: 201 } : busy
    const first = await sendTo(exporter, numberedSpans(300))
    assert.ok(first.sent > 0 && first.retry !== undefined)
    const refused = Promise.withResolvers<void>()
    cluster.item = document => {
      if (document.traceID === undefined || numberOf(document) !== first.sent) return { status: 201 }
      refused.resolve()
      return odd
    }
    const controller = new AbortController()
    const second = exporter.send(first.retry, { signal: controller.signal }).catch(error => error)
    await refused.promise
    // Its answer is read, and it waits for the file, once nothing comes any more.
    for (let seen = -1; seen !== cluster.requests.length; await sleep(50)) seen = cluster.requests.length
    controller.abort()
    cluster.answer = () => {
      cluster.answer = () => undefined
      createReadStream(file).resume()
      return undefined
    }
    const third = await sendTo(exporter, first.retry)
    const last = await second
    const told = [first, third, ...(last instanceof Refused ? [] : [last as SendResult])].flatMap(
      ({ sent, rejected = [] }) => [sent, ...rejected.map(({ items }) => items)],
    )
    assert.equal(new Set(cluster.spans.map(numberOf)).size, 300)
    assert.equal(third.retry, undefined)
    assert.equal(
      told.reduce((sum, items) => sum + items),
      300,
    )
  })
  rmSync(folder, { recursive: true })
})
