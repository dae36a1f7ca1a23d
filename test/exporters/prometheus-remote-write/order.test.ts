/** Samples of a series arrive in order, whatever waits, fails or is sent at once; and the queue's promises. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RemoteWriteServer } from '../../kit/remote-write-server.ts'
import { at, counter, gauge, type Plain, point, started, until, V2, VERSIONS } from './kit.ts'

const SERIES = 60
/** Every series at one time. */
const round = (seconds: number): Plain[] =>
  Array.from({ length: SERIES }, (_, i) => counter(`c${i}`, [point(seconds, seconds)]))

/** Settles when so many requests are on their way at once. */
function met(server: RemoteWriteServer, count: number): Promise<void> {
  return until(`${count} requests at once`, () => server.inFlight >= count)
}

for (const [version, config] of VERSIONS) {
  // Scenario: many requests in a row, split small and sent five at once, to a server that fails every third one, answers
  // late, or drops the connection.
  // Guarantees: no series ever gets an older sample after a newer one, each gets all of them, several requests were on
  // their way at once, and waiting ones were merged.
  test(`order through failures, version ${version}`, async t => {
    const { server, offer, settled, page } = await started(t, { ...config, max_batch_size_bytes: 600 })
    const newest = new Map<string, number>()
    const wrong: string[] = []
    const several = met(server, 3)
    server.answer = ({ series }, nth) => {
      if (nth < 3) return { after: several, status: 503 }
      if (nth % 3 === 1) return nth % 2 === 0 ? { status: 503 } : { hangUp: true }
      for (const { key, samples } of series) {
        for (const { time } of samples) {
          if (time < (newest.get(key) ?? 0)) wrong.push(`${key} at ${time}`)
          newest.set(key, time)
        }
      }
      return undefined
    }
    for (let seconds = 10; seconds < 40; seconds++) await offer(round(seconds))
    await settled()
    assert.deepEqual(wrong, [])
    assert.equal(page.out, 30 * SERIES)
    for (const { samples } of server.taken().values())
      assert.deepEqual([...new Set(samples.map(({ time }) => time))].length, 30)
    assert.ok(server.inFlightMax > 1 && server.inFlightMax <= 5, `${server.inFlightMax}`)
    assert.ok(server.requests.some(({ series }) => series.some(({ samples }) => samples.length > 1)))
  })
}

for (const [version, config] of VERSIONS) {
  // Scenario: two readers of one process whose clocks differ by a moment write in turn, then something from an hour ago.
  // Guarantees: target_info never goes back by less than what it holds good for, so that no server refuses the points
  // beside it; for what is much older it is written too.
  test(`target_info stays in order, version ${version}`, async t => {
    const { server, send } = await started(t, config)
    const hour = 3600
    const times = [hour + 10, hour + 9.9, hour + 20, hour + 19, hour + 20, 10]
    for (const [i, seconds] of times.entries())
      await send([gauge(`g${i}`, 1, {}, { timeUnixNano: at(seconds) })], {
        resource: { 'service.name': 's', os: 'linux' },
      })
    const written = server.requests.map(({ series }) =>
      series.filter(({ key }) => key.startsWith('target_info{')).flatMap(({ samples }) => samples),
    )
    assert.deepEqual(
      written.map(samples => samples.map(({ time }) => time / 1000)),
      [[hour + 10], [], [hour + 20], [], [hour + 20], [10]],
    )
  })
}

// Scenario: max_batch_request_parallelism, and num_consumers without it.
// Guarantees: no more requests at once than that.
test('requests at once', async t => {
  for (const [own, most] of [
    [{ max_batch_request_parallelism: 1 }, 1],
    [{ remote_write_queue: { num_consumers: 2 } }, 2],
    [{ remote_write_queue: { num_consumers: 2 }, max_batch_request_parallelism: 3 }, 3],
  ] as const) {
    const { server, send } = await started(t, { ...own, max_batch_size_bytes: 500 })
    const all = met(server, most)
    server.answer = (_, nth) => (nth < most ? { after: all } : undefined)
    await send(round(10))
    assert.equal(server.inFlightMax, most)
    assert.ok(server.requests.length > most)
  }
})

// Scenario: while a server lets a request wait, others come; then it answers.
// Guarantees: those that waited are one batch, in one request, and each of them is settled.
test('what waits is merged', async t => {
  const { server, offer, settled, page } = await started(t, V2)
  let free = (): void => {}
  const gate = new Promise<void>(resolve => {
    free = resolve
  })
  server.answer = (_, nth) => (nth === 0 ? { after: gate, headers: written(60) } : undefined)
  await offer(round(10))
  await until('the first request', () => server.requests.length === 1)
  for (let seconds = 11; seconds < 20; seconds++) await offer(round(seconds))
  free()
  await settled()
  assert.equal(server.requests.length, 2)
  assert.equal(page.out, 10 * SERIES)
})

function written(samples: number): Record<string, string> {
  return { 'X-Prometheus-Remote-Write-Samples-Written': String(samples) }
}

// Scenario: one of several requests of a batch is refused for a while, another for ever.
// Guarantees: only the one is sent again; what was taken is not; numbers are exact.
test('a batch in parts', async t => {
  const { server, send, page, dropped } = await started(t, {
    ...V2,
    max_batch_size_bytes: 400,
    max_batch_request_parallelism: 1,
  })
  const failed = new Set<string>()
  server.answer = ({ series }) => {
    const keys = series.map(({ key }) => key)
    if (keys.some(key => key.startsWith('c7_'))) return { status: 400, body: 'no' }
    const key = keys.find(one => one.startsWith('c30_'))
    if (key === undefined || failed.has(key)) return undefined
    failed.add(key)
    return { status: 500 }
  }
  await send(round(10))
  const lost = server.requests.find(({ status }) => status === 400)!.series.length
  assert.deepEqual([page.out, dropped()], [SERIES - lost, { rejected_by_server: lost }])
  const taken = server.requests.filter(({ status }) => status === 204).flatMap(({ series }) => series)
  assert.equal(taken.length, SERIES - lost)
  assert.equal(new Set(taken.map(({ key }) => key)).size, taken.length)
})

// Scenario: a batch is given up on when some of its requests were sent, one was refused and others were never written; then
// another batch with the same series.
// Guarantees: what was sent counts as sent, the rest as lost; the next batch is whole.
test('a batch that is given up on in the middle', async t => {
  const { server, send, page, dropped } = await started(t, {
    max_batch_size_bytes: 400,
    max_batch_request_parallelism: 1,
    retry_on_failure: { enabled: false },
  })
  server.answer = (_, nth) => (nth === 2 ? { status: 503 } : undefined)
  await send(round(10))
  const sent = server.taken().size
  assert.ok(sent > 2 && sent < SERIES / 2, `${sent}`)
  assert.equal(server.requests.length, 3)
  assert.deepEqual([page.out, dropped()], [sent, { retry_disabled: SERIES - sent }])
  await send(round(20))
  assert.equal(page.out, sent + SERIES)
  for (const { samples } of server.taken().values()) assert.equal(samples.at(-1)!.value, 20)
})

// Scenario: no queue; a good request, a refusal for ever, a request of which a part cannot be written.
// Guarantees: each sender has the server's answer; nothing is dropped behind a sender's back.
test('without a queue senders hear it all', async t => {
  const { server, offer, page } = await started(t, { remote_write_queue: { enabled: false } })
  assert.deepEqual(await offer(round(10)), { rejected: 0, message: '' })
  server.answer = () => ({ status: 400, body: 'no' })
  const none = await offer(round(11))
  assert.equal(none.rejected, SERIES)
  assert.match(none.message, /answered 400: no \(c0_total\{\} and 59 other series\)$/)
  server.answer = () => undefined
  const partly = await offer([gauge('a', 1), counter('d', [point(10, 1)], 1)])
  assert.equal(partly.rejected, 1)
  assert.match(partly.message, /cumulative temporality \(d\)/)
  assert.deepEqual([page.in, page.out, page.held, page.dropped.size], [SERIES + 1, SERIES + 1, 0, 0])
})

// Scenario: the gateway stops while the server is away, with requests in the queue.
// Guarantees: each has one last attempt, and what is left is dropped and counted.
test('stopping', async t => {
  const retry = { initial_interval: '1h', max_interval: '1h', max_elapsed_time: '0s' }
  const { server, offer, stop, page, dropped, settings } = await started(t, { retry_on_failure: retry })
  server.answer = () => ({ status: 503 })
  await offer(round(10))
  const waits = (): boolean => settings.log.lines.some(({ message }) => /Will retry/.test(message))
  await until('the first attempt to fail', waits)
  await offer(round(11))
  await stop()
  assert.deepEqual([page.held, dropped()], [0, { shutdown: 2 * SERIES }])
  assert.equal(server.requests.length, 3)
})

// Scenario: nothing but points that cannot be written; a request without points.
// Guarantees: nothing is sent, and everything is counted.
test('nothing to send', async t => {
  const { server, send, offer, settled, dropped } = await started(t, V2, { nothingSent: true })
  await send([counter('d', [point(10, 1)], 1)])
  await offer([{ name: 'empty', gauge: { dataPoints: [] } }])
  await settled()
  assert.deepEqual(dropped(), { delta_temporality: 1 })
  assert.equal(server.requests.length, 0)
})
