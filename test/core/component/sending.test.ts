import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumeContext } from '../../../core/component/contract.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { heldBytes } from '../../../core/component/memory.ts'
import { ALL_KEYS } from '../../../core/component/meta.ts'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { direct, sendingChain } from '../../../core/component/sending.ts'
import type { QueueConfig, SendingConfig } from '../../../core/component/sending-config.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { ManualClock, settled } from '../../kit/clock.ts'
import { consumeAsEdge, everythingSent, FakeExporter, Gate } from '../../kit/exporter.ts'
import { numbered } from '../../kit/numbered.ts'
import { testSettings } from '../../kit/parts.ts'
import { sendingConfig } from '../../kit/sending.ts'

interface Overrides {
  readonly queue?: Partial<QueueConfig>
  readonly retry?: Partial<SendingConfig['retry_on_failure']>
  readonly timeout?: number
}

/** A chain with the Collector's defaults but for no timeout, a clock that stands, and jitter that is always 0. */
function setUp(overrides: Overrides = {}, exporter = new FakeExporter()) {
  const settings = testSettings('exporter', 'fake')
  const clock = new ManualClock()
  const config = sendingConfig({ timeout: 0, ...overrides })
  const chain = sendingChain(exporter, config, settings, { clock, random: () => 0.5, signals: ['traces'] })
  const consume = (from: number, count: number, context: ConsumeContext = NO_CONTEXT) =>
    consumeAsEdge(chain, settings.account, numbered('traces', from, count), context)
  const page = settings.account.of('traces')
  const dropped = () => Object.fromEntries([...page.dropped].map(([name, { items }]) => [name, items]))
  const finish = async (): Promise<void> => {
    await clock.until(chain.stop(clock.now() + 1000))
    assertBalanced([settings.account])
    assert.equal(page.held, 0)
    assert.equal(heldBytes(), 0)
    assert.equal(clock.waiting, 0, 'a timer was left behind')
  }
  return { chain, clock, consume, dropped, exporter, finish, page, settings }
}

const metric = (name: string) => `otelcol_exporter_${name}{exporter="fake"}`

// Scenario: a request meets a queue with room and a server that takes it.
// Guarantees: the sender is answered before the server is; the items are held meanwhile, then out, and counted.
test('a queued request is acknowledged, held, sent', async () => {
  const gate = new Gate()
  const { consume, exporter, finish, page, settings } = setUp({}, new FakeExporter(gate.answer))
  assert.deepEqual(await consume(0, 3), { rejected: 0, message: '' })
  assert.deepEqual([page.in, page.held, page.out], [3, 3, 0])
  assert.equal(settings.metrics.read('otelcol_exporter_queue_size{data_type="traces",exporter="fake"}'), 1)
  assert.equal(
    settings.metrics.read('otelcol_exporter_in_flight_requests{data_type="traces",exporter="fake"}'),
    1,
  )
  gate.open({ sent: 3 })
  await settled()
  assert.deepEqual([page.held, page.out, exporter.numbers], [0, 3, [[0, 1, 2]]])
  assert.equal(settings.metrics.read(metric('sent_spans')), 3)
  assert.equal(settings.metrics.read('otelcol_exporter_queue_size{data_type="traces",exporter="fake"}'), 0)
  await finish()
})

// Scenario: the server takes some, refuses some for ever and wants some again after 9 s; then it takes those.
// Guarantees: each part goes where it belongs; the server's wait beats a shorter backoff.
test('a partial result is split into sent, lost and tried again', async () => {
  const { clock, consume, dropped, exporter, finish, page, settings } = setUp()
  exporter.answer = (batch, _context, nth) => {
    if (nth > 0) return { sent: batch.items }
    const rejected = [{ items: 2, reason: 'mapping_conflict', message: 'field [x] is a number' }]
    return { sent: 5, rejected, retry: numbered('traces', 7, 3), afterMs: 9000 }
  }
  await consume(0, 10)
  await settled()
  assert.equal(clock.next, 9000)
  await clock.advance(9000)
  assert.deepEqual(exporter.numbers[1], [7, 8, 9])
  assert.deepEqual([page.out, dropped()], [8, { mapping_conflict: 2 }])
  assert.equal(settings.metrics.read(metric('sent_spans')), 8)
  assert.equal(settings.metrics.read(metric('send_failed_spans')), 2)
  await finish()
})

// Scenario: the server refuses for ever, with the default 5 s, 7.5 s ... 30 s of waits, and 5 minutes in all.
// Guarantees: the Collector's waits, then the items are dropped as retries_exhausted.
test('retries follow the formula and end', async () => {
  const { clock, consume, dropped, exporter, finish, page, settings } = setUp()
  exporter.answer = () => {
    throw new Refused('503 Service Unavailable')
  }
  await consume(0, 4)
  const waits: number[] = []
  await settled()
  while (clock.next !== undefined) {
    waits.push(clock.next)
    await clock.advance(clock.next)
  }
  assert.deepEqual(waits.slice(0, 7), [5000, 7500, 11_250, 16_875, 25_312.5, 30_000, 30_000])
  assert.ok(waits.reduce((a, b) => a + b) <= 300_000)
  assert.deepEqual([page.out, dropped()], [0, { retries_exhausted: 4 }])
  assert.equal(settings.host.health.get('exporter/fake')?.state, 'recoverable_error')
  await finish()
})

// Scenario: the server says "never"; another server refuses while retries are off.
// Guarantees: no second attempt; the reasons are rejected_by_server and retry_disabled.
test('what cannot be retried is dropped at once', async () => {
  const never = setUp()
  never.exporter.answer = () => {
    throw new Rejected('400 Bad Request')
  }
  await never.consume(0, 4)
  await never.finish()
  assert.deepEqual([never.exporter.attempts.length, never.dropped()], [1, { rejected_by_server: 4 }])
  assert.equal(never.settings.log.lines.filter(({ level }) => level === 'error').length, 1)

  const off = setUp({ retry: { enabled: false } })
  off.exporter.answer = () => {
    throw new Refused('busy')
  }
  await off.consume(0, 4)
  await settled()
  assert.deepEqual([off.exporter.attempts.length, off.dropped()], [1, { retry_disabled: 4 }])
  assert.match(off.settings.log.lines[0]!.message, /retry_on_failure/)
  await off.finish()
})

// Scenario: an exporter throws a TypeError, then works.
// Guarantees: the bug is logged with its stack and the batch is tried again.
test('an exception of an exporter is a logged bug and a retry', async () => {
  const { clock, consume, exporter, finish, page, settings } = setUp()
  exporter.answer = (batch, _context, nth) => {
    if (nth === 0) throw new TypeError('undefined is not a function')
    return { sent: batch.items }
  }
  await consume(0, 2)
  await clock.advance(5000)
  assert.equal(page.out, 2)
  assert.match(String(settings.log.lines[0]!.fields['stack']), /TypeError: undefined is not a function\n +at/)
  await finish()
})

// Scenario: an exporter says it sent fewer items than it got, and another time more.
// Guarantees: no item leaves the books: what is missing is out and unknown; what is too much is not counted.
test('an exporter that miscounts does not unbalance the ledger', async () => {
  const { consume, exporter, finish, page } = setUp()
  exporter.answer = (_batch, _context, nth) => ({ sent: nth === 0 ? 1 : 9 })
  await consume(0, 3)
  await settled()
  await consume(3, 3)
  await settled()
  assert.deepEqual([page.out, page.unknown], [6, 2])
  await finish()
})

// Scenario: an attempt takes longer than `timeout`; the exporter ignores its signal and delivers late.
// Guarantees: the signal is aborted, the batch is retried without waiting, and the late delivery is unknown.
test('an attempt that times out is retried and not waited for', async () => {
  const gate = new Gate()
  const { clock, consume, exporter, finish, page } = setUp({ timeout: 2000 }, new FakeExporter(gate.answer))
  await consume(0, 3)
  await settled()
  assert.equal(exporter.attempts[0]!.context.deadline, clock.now() + 2000)
  await clock.advance(2000)
  assert.ok(exporter.attempts[0]!.context.signal!.aborted)
  await clock.advance(5000)
  assert.equal(exporter.attempts.length, 2)
  gate.open({ sent: 3 })
  gate.open({ sent: 3 })
  await settled()
  assert.deepEqual([page.out, page.unknown, page.held], [3, 3, 0])
  await finish()
})

// Scenario: more requests than num_consumers, then than queue_size, while the server is silent.
// Guarantees: no more attempts at once than num_consumers; the queue counts what is being sent; a full queue refuses
// with its numbers and counts the refusal.
test('the queue is bounded and says so', async () => {
  const gate = new Gate()
  const { consume, exporter, finish, page, settings } = setUp(
    { queue: { queue_size: 3, num_consumers: 2 } },
    new FakeExporter(gate.answer),
  )
  for (let i = 0; i < 3; i++) await consume(i, 1)
  await assert.rejects(consume(3, 1), (error: Refused) => {
    assert.ok(error instanceof Refused)
    assert.match(error.message, /queue of exporter\/fake is full \(3 of 3 requests, \d+ of 268435456 bytes\)/)
    return true
  })
  assert.equal(settings.metrics.read(metric('enqueue_failed_spans')), 1)
  assert.equal(exporter.inFlightMax, 2)
  for (let i = 0; i < 3; i++) {
    gate.open({ sent: 1 })
    await settled()
  }
  assert.deepEqual([page.in, page.out, page.refused], [3, 3, 1])
  await finish()
})

// Scenario: the queue counts items; a request of more items than it can ever hold arrives.
// Guarantees: it is rejected for ever, because trying again would never help.
test('a request larger than the queue is rejected', async () => {
  const { consume, finish } = setUp({ queue: { queue_size: 5, sizer: 'items' } })
  await assert.rejects(consume(0, 6), Rejected)
  await consume(0, 5)
  await finish()
})

// Scenario: the sender waits for the server's answer: taken; partly rejected; rejected; refused until retries end.
// Guarantees: it gets exactly that; what it was told of is not dropped here, and nothing is held.
test('wait_for_result hands the outcome to the sender', async () => {
  const { clock, consume, dropped, exporter, finish, page } = setUp({
    queue: { wait_for_result: true },
    retry: { max_elapsed_time: 10_000 },
  })
  assert.deepEqual(await consume(0, 3), { rejected: 0, message: '' })
  exporter.answer = () => ({ sent: 2, rejected: [{ items: 1, reason: 'bad', message: 'no such index' }] })
  assert.deepEqual(await consume(3, 3), { rejected: 1, message: 'no such index' })
  exporter.answer = () => {
    throw new Rejected('403 Forbidden', { status: 'PERMISSION_DENIED' })
  }
  await assert.rejects(consume(6, 3), { name: 'Rejected', status: 'PERMISSION_DENIED' })
  exporter.answer = () => {
    throw new Refused('503', { status: 'UNAVAILABLE' })
  }
  await assert.rejects(clock.until(consume(9, 3)), { name: 'Refused', status: 'UNAVAILABLE' })
  assert.deepEqual([page.in, page.out, page.held, page.refused, dropped()], [5, 5, 0, 7, {}])
  await finish()
})

// Scenario: a sender that waits for the result leaves while its request is queued; another while it is being sent.
// Guarantees: the first is taken out of the queue, the attempt of the second is cut off, both are refused.
test('a sender that leaves takes its request along', async () => {
  const gate = new Gate()
  const { consume, exporter, finish, page } = setUp(
    { queue: { wait_for_result: true, num_consumers: 1 } },
    new FakeExporter(gate.answer),
  )
  const [sent, queued] = [new AbortController(), new AbortController()]
  const first = consume(0, 1, { signal: sent.signal })
  const second = consume(1, 1, { signal: queued.signal })
  const third = consume(2, 1)
  await settled()
  queued.abort()
  await assert.rejects(second, { name: 'Refused', status: 'CANCELLED' })
  sent.abort()
  await assert.rejects(first, { name: 'Refused', status: 'CANCELLED' })
  assert.ok(exporter.attempts[0]!.context.signal!.aborted)
  await settled()
  gate.open({ sent: 1 })
  gate.open({ sent: 1 })
  await third
  assert.deepEqual(exporter.numbers, [[0], [2]])
  assert.deepEqual([page.in, page.out], [1, 1])
  await finish()
})

// Scenario: no queue: calls go straight to the exporter, and one has a deadline before the next retry.
// Guarantees: the outcome is the caller's; a retry that would come too late is not waited for.
test('without a queue the sender waits for the server', async () => {
  const { clock, consume, exporter, finish, page } = setUp({ queue: { enabled: false } })
  await consume(0, 2, { traceparent: '00-1-2-01' })
  assert.equal(exporter.attempts[0]!.context.traceparent, '00-1-2-01')
  exporter.answer = () => {
    throw new Refused('busy')
  }
  await assert.rejects(consume(2, 2, { deadline: clock.now() + 100 }), { name: 'Refused', message: 'busy' })
  assert.deepEqual([page.in, page.out, page.refused], [2, 2, 2])
  await finish()
})

// Scenario: an exporter without queue, retry or timeout is used directly: sent, refused, broken.
// Guarantees: the same accounting, one attempt each.
test('direct sends once and keeps the books', async () => {
  const settings = testSettings('exporter', 'nop')
  const exporter = new FakeExporter()
  const part = direct(exporter, settings)
  await part.start()
  const consume = (from: number) => consumeAsEdge(part, settings.account, numbered('logs', from, 2))
  await consume(0)
  exporter.answer = () => {
    throw new Refused('busy')
  }
  await assert.rejects(consume(2), { name: 'Refused', message: 'busy' })
  exporter.answer = () => {
    throw new Error('oops')
  }
  await assert.rejects(consume(4), Refused)
  await part.stop(performance.now() + 100)
  await part.stop(performance.now() + 100)
  assert.deepEqual([exporter.attempts.length, exporter.started, exporter.stopped], [3, 1, 1])
  assert.equal(settings.account.of('logs').out, 2)
  assertBalanced([settings.account])
  await assert.rejects(part.consume(numbered('logs', 0, 1), NO_CONTEXT), Refused)
})

// Scenario: stop while one request waits for its retry and two are queued behind it, and the server works again.
// Guarantees: each gets one attempt at once, nothing is dropped, the exporter is stopped after them.
test('stop sends what is held without waiting', async () => {
  const { chain, clock, consume, exporter, finish, page } = setUp({ queue: { num_consumers: 1 } })
  exporter.answer = (batch, _context, nth) => {
    if (nth === 0) throw new Refused('busy')
    return { sent: batch.items }
  }
  for (let i = 0; i < 3; i++) await consume(i, 1)
  await settled()
  await chain.stop(clock.now() + 1000)
  assert.deepEqual(exporter.numbers, [[0], [0], [1], [2]])
  assert.deepEqual([page.out, exporter.stopped], [3, 1])
  await assert.rejects(consume(9, 1), Refused)
  await finish()
})

// Scenario: stop while the server is silent: one request in flight, one queued, and the deadline passes.
// Guarantees: what may have arrived is unknown, what never left is dropped as shutdown, stop returns.
test('what is left at the deadline is dropped and counted', async () => {
  const gate = new Gate()
  const { chain, clock, consume, dropped, exporter, finish, page } = setUp(
    { queue: { num_consumers: 1 } },
    new FakeExporter(gate.answer),
  )
  await consume(0, 2)
  await consume(2, 3)
  await clock.until(chain.stop(clock.now() + 500))
  assert.ok(exporter.attempts[0]!.context.signal!.aborted)
  assert.deepEqual([page.out, page.unknown, dropped()], [2, 2, { shutdown: 3 }])
  await finish()
})

// Scenario: stop while the server refuses everything.
// Guarantees: one last attempt each, then dropped as shutdown, long before the deadline.
test('a refusing server does not hold up the stop', async () => {
  const { chain, clock, consume, dropped, exporter, finish } = setUp()
  exporter.answer = () => {
    throw new Refused('busy')
  }
  for (let i = 0; i < 3; i++) await consume(i, 1)
  await settled()
  await chain.stop(clock.now() + 1000)
  assert.deepEqual([exporter.attempts.length, dropped()], [6, { shutdown: 3 }])
  await finish()
})

// Scenario: senders wait for the result, or for room, when the gateway stops and the server is silent.
// Guarantees: all are refused, none hangs, and nothing of theirs is dropped here.
test('senders that wait are refused when the gateway stops', async () => {
  const gate = new Gate()
  const queue = { wait_for_result: true, block_on_overflow: true, queue_size: 2, num_consumers: 1 }
  const { chain, clock, consume, dropped, finish } = setUp({ queue }, new FakeExporter(gate.answer))
  const waiting = [consume(0, 1), consume(1, 1), consume(2, 1)].map(one => assert.rejects(one, Refused))
  await settled()
  await clock.until(chain.stop(clock.now() + 500))
  await Promise.all(waiting)
  assert.deepEqual(dropped(), {})
  await finish()
})

// Scenario: requests of 3 and 4 spans meet a batch of at least 6 and at most 5 is not asked for; then one span comes.
// Guarantees: they are merged at min_size; the rest leaves after flush_timeout, counted from when it came.
test('batching in the queue merges to min_size and flushes by time', async () => {
  const batch = batchConfig({ min_size: 6, flush_timeout: 200 })
  const { clock, consume, exporter, finish, page } = setUp({ queue: { batch } })
  await consume(0, 3)
  await clock.advance(150)
  assert.equal(exporter.attempts.length, 0)
  await consume(3, 4)
  await settled()
  assert.deepEqual(exporter.numbers, [[0, 1, 2, 3, 4, 5, 6]])
  await consume(7, 1)
  await clock.advance(199)
  assert.equal(exporter.attempts.length, 1)
  await clock.advance(1)
  assert.deepEqual(exporter.numbers[1], [7])
  assert.equal(page.out, 8)
  await finish()
})

// Scenario: a flush_timeout of 0 and one consumer; requests come while the first is being sent, of two tenants.
// Guarantees: the first leaves at once; what came meanwhile leaves together when the consumer is free, in order, each
// tenant for itself; no timer is needed.
test('an eager queue merges what waits', async () => {
  const batch = batchConfig({ min_size: 100, flush_timeout: 0, partition: { metadata_keys: [ALL_KEYS] } })
  const { chain, clock, consume, exporter, finish, page } = setUp({ queue: { batch, num_consumers: 1 } })
  const gate = new Gate()
  exporter.answer = gate.answer
  await consume(0, 2)
  await settled()
  assert.deepEqual(exporter.numbers, [[0, 1]])
  const other = { address: '', metadata: new Map([['tenant', ['b']]]), auth: new Map() }
  await consume(2, 2)
  await chain.consume(numbered('traces', 90, 1, other), NO_CONTEXT)
  page.in += 1
  await consume(4, 1)
  assert.equal(clock.waiting, 0)
  for (const sent of [2, 3, 1]) {
    gate.open({ sent })
    await settled()
  }
  assert.deepEqual(exporter.numbers, [[0, 1], [2, 3, 4], [90]])
  assert.equal(page.out, 6)
  exporter.answer = everythingSent
  await finish()
})

// Scenario: a request of 25 spans, max_size 10, wait_for_result; the middle part is refused for ever.
// Guarantees: parts of 10 at most; the sender gets one answer: 15 taken, 10 rejected.
test('a request that was split has one outcome', async () => {
  const batch = batchConfig({ min_size: 10, max_size: 10 })
  const { clock, consume, exporter, finish, page } = setUp({ queue: { batch, wait_for_result: true } })
  exporter.answer = (part, _context, nth) => {
    if (nth === 1) throw new Rejected('too many fields')
    return everythingSent(part, NO_CONTEXT, nth)
  }
  const receipt = consume(0, 25)
  await clock.advance(200)
  assert.deepEqual(await receipt, { rejected: 10, message: 'too many fields' })
  assert.deepEqual(
    exporter.attempts.map(({ batch: sent }) => sent.items),
    [10, 10, 5],
  )
  assert.deepEqual([page.in, page.out, page.refused], [15, 15, 10])
  await finish()
})

// Scenario: two senders wait for a batch of 4 + 6 spans, of which the server rejects 3; two others, for one it refuses.
// Guarantees: the rejected items are dealt out so that they add up; a refused batch refuses both senders.
test('merged requests share an outcome', async () => {
  const batch = batchConfig({ min_size: 10 })
  const { consume, exporter, finish, page } = setUp({
    queue: { batch, wait_for_result: true },
    retry: { enabled: false },
  })
  exporter.answer = () => ({ sent: 7, rejected: [{ items: 3, reason: 'bad' }] })
  const receipts = await Promise.all([consume(0, 4), consume(4, 6)])
  assert.deepEqual(
    receipts.map(({ rejected }) => rejected),
    [0, 3],
  )
  exporter.answer = () => ({ sent: 9, retry: numbered('traces', 19, 1) })
  await Promise.all([assert.rejects(consume(10, 4), Refused), assert.rejects(consume(14, 6), Refused)])
  assert.deepEqual([page.in, page.out], [7, 7])
  await finish()
})

// Scenario: requests with another tenant header, partitioned by it, and one without the header.
// Guarantees: tenants are never merged, and the batch carries the header's values on.
test('partitions do not mix', async () => {
  const settings = testSettings('exporter', 'fake')
  const clock = new ManualClock()
  const exporter = new FakeExporter()
  const batch = batchConfig({ min_size: 4, partition: { metadata_keys: ['X-Tenant'] } })
  const chain = sendingChain(exporter, sendingConfig({ queue: { batch } }), settings, { clock })
  const meta = (tenant: string) => ({
    address: '',
    metadata: new Map([['x-tenant', [tenant]]]),
    auth: new Map(),
  })
  await chain.consume(numbered('logs', 0, 2, meta('a')), NO_CONTEXT)
  await chain.consume(numbered('logs', 2, 2, meta('b')), NO_CONTEXT)
  await chain.consume(numbered('logs', 4, 2, meta('a')), NO_CONTEXT)
  await chain.consume(numbered('logs', 6, 1), NO_CONTEXT)
  await clock.advance(200)
  assert.deepEqual(exporter.numbers, [[0, 1, 4, 5], [2, 3], [6]])
  assert.deepEqual(exporter.attempts[0]!.batch.meta.metadata.get('x-tenant'), ['a'])
  await clock.until(chain.stop(clock.now() + 10))
})

// Scenario: profiles arrive at a batching queue with a max_size below their samples.
// Guarantees: each request leaves as it came.
test('profiles are neither merged nor split', async () => {
  const settings = testSettings('exporter', 'fake')
  const exporter = new FakeExporter()
  const batch = batchConfig({ min_size: 2, max_size: 2 })
  const chain = sendingChain(exporter, sendingConfig({ queue: { batch } }), settings)
  const profiles = [numbered('profiles', 0, 5), numbered('profiles', 5, 1)]
  for (const one of profiles) await chain.consume(one, NO_CONTEXT)
  await chain.stop(performance.now() + 1000)
  assert.deepEqual(
    exporter.attempts.map(({ batch: sent }) => sent),
    profiles,
  )
})

function batchConfig(
  overrides: Partial<NonNullable<QueueConfig['batch']>>,
): NonNullable<QueueConfig['batch']> {
  return {
    flush_timeout: 200,
    min_size: 8192,
    max_size: 0,
    sizer: 'items',
    partition: { metadata_keys: [] },
    ...overrides,
  }
}
