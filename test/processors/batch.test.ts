import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumeContext } from '../../core/component/contract.ts'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { heldBytes } from '../../core/component/memory.ts'
import type { Meta } from '../../core/component/meta.ts'
import { ACCEPTED, type Receipt, Refused, Rejected } from '../../core/component/outcome.ts'
import type { BatchConfig } from '../../processors/batch/config.ts'
import { factory } from '../../processors/batch/index.ts'
import { BatchProcessor } from '../../processors/batch/processor.ts'
import { assertBalanced } from '../kit/balance.ts'
import { ManualClock, settled } from '../kit/clock.ts'
import { consumeAsEdge } from '../kit/exporter.ts'
import { complaints } from '../kit/node.ts'
import { numbered, numbersOf } from '../kit/numbered.ts'
import { Sink, testSettings } from '../kit/parts.ts'

/** The processor with edges around it, a clock that stands, and the Collector's defaults but for `overrides`. */
function setUp(overrides: Partial<BatchConfig> = {}, waitDownstream = false) {
  const settings = { ...testSettings('processor', 'batch', 'traces'), waitDownstream }
  const page = settings.account.of('traces')
  const clock = new ManualClock()
  const sink = new Sink()
  const next = {
    async consume(batch: Parameters<Sink['consume']>[0], context: ConsumeContext): Promise<Receipt> {
      const receipt = await sink.consume(batch, context)
      page.out += batch.items - receipt.rejected
      return receipt
    },
  }
  const processor = new BatchProcessor({ ...factory.config.absent(), ...overrides }, settings, next, clock)
  const consume = (from: number, count: number, meta?: Meta, context: ConsumeContext = NO_CONTEXT) =>
    consumeAsEdge(processor, settings.account, numbered('traces', from, count, meta), context)
  const dropped = () => Object.fromEntries([...page.dropped].map(([name, { items }]) => [name, items]))
  const finish = async (): Promise<void> => {
    await clock.until(processor.stop(clock.now() + 1000))
    assertBalanced([settings.account])
    assert.equal(page.held, 0)
    assert.equal(heldBytes(), 0)
    assert.equal(clock.waiting, 0, 'a timer was left behind')
  }
  const sent = () => sink.batches.map(numbersOf)
  const metric = (name: string) => settings.metrics.read(`otelcol_processor_batch_${name}{processor="batch"}`)
  return { clock, consume, dropped, finish, metric, page, processor, sent, settings, sink }
}

function tenant(name: string): Meta {
  return { address: '1.2.3.4:5', metadata: new Map([['x-tenant', [name]]]), auth: new Map() }
}

// Scenario: requests of 4 and 5 spans meet send_batch_size 8; one more span comes.
// Guarantees: a batch leaves by size, the rest by time; senders are answered at once; both triggers are counted.
test('batches leave by size and by time', async () => {
  const { clock, consume, finish, metric, page, processor, sent } = setUp({ send_batch_size: 8 })
  await processor.start()
  assert.equal(await consume(0, 4), ACCEPTED)
  assert.deepEqual([sent(), page.held], [[], 4])
  await consume(4, 5)
  await settled()
  assert.deepEqual(sent(), [[0, 1, 2, 3, 4, 5, 6, 7, 8]])
  await consume(9, 1)
  await clock.advance(200)
  assert.deepEqual(sent()[1], [9])
  assert.deepEqual([metric('batch_size_trigger_send'), metric('timeout_trigger_send')], [1, 1])
  assert.deepEqual([metric('batch_send_size'), metric('metadata_cardinality')], [10, 1])
  await finish()
})

// Scenario: 25 spans meet send_batch_size 4 and send_batch_max_size 10.
// Guarantees: no batch is larger; a rest of at least send_batch_size leaves with them; order is kept.
test('large batches are split', async () => {
  const { consume, finish, sent } = setUp({ send_batch_size: 4, send_batch_max_size: 10 })
  await consume(0, 25)
  await settled()
  assert.deepEqual(
    sent().map(numbers => numbers.length),
    [10, 10, 5],
  )
  assert.deepEqual(
    sent().flat(),
    Array.from({ length: 25 }, (_, i) => i),
  )
  await finish()
})

// Scenario: timeout 0; send_batch_size 0.
// Guarantees: everything leaves at once.
test('zero means at once', async () => {
  for (const overrides of [{ timeout: 0 }, { send_batch_size: 0 }]) {
    const { consume, finish, sent } = setUp(overrides)
    await consume(0, 2)
    await settled()
    assert.deepEqual(sent(), [[0, 1]])
    await finish()
  }
})

// Scenario: two tenants and a limit of two combinations; a third tenant comes, and again once the buffer is empty.
// Guarantees: tenants do not mix, each batch carries its tenant, the third is refused with a clear sentence.
test('metadata keys make partitions, and there is a limit', async () => {
  const { clock, consume, finish, sent, sink } = setUp({
    metadata_keys: ['X-Tenant'],
    metadata_cardinality_limit: 2,
  })
  await consume(0, 1, tenant('a'))
  await consume(1, 1, tenant('b'))
  await consume(2, 1, tenant('a'))
  await assert.rejects(consume(3, 1, tenant('c')), /2 combinations .* metadata_cardinality_limit/)
  await clock.advance(200)
  assert.deepEqual(sent(), [[0, 2], [1]])
  assert.deepEqual(
    sink.batches.map(({ meta }) => [meta.metadata.get('x-tenant'), meta.address]),
    [
      [['a'], ''],
      [['b'], ''],
    ],
  )
  await consume(3, 1, tenant('c'))
  await finish()
})

// Scenario: the next part refuses a batch twice, asking for 2 s once, then takes it; a second batch waits behind it.
// Guarantees: it is tried again after those waits, in order, and nothing is lost.
test('a refused batch is tried again', async () => {
  const { clock, consume, finish, sent, sink, dropped } = setUp({ send_batch_size: 2 })
  sink.answer = (_batch, _context, nth) => {
    if (nth === 0) throw new Refused('queue full', { afterMs: 2000 })
    if (nth === 1) throw new Refused('queue full')
    return ACCEPTED
  }
  await consume(0, 2)
  await consume(2, 2)
  await settled()
  assert.equal(clock.next, 2000)
  await clock.advance(60_000)
  assert.deepEqual(sent(), [
    [0, 1],
    [2, 3],
  ])
  assert.deepEqual(dropped(), {})
  await finish()
})

// Scenario: the buffer holds about two requests and the next part refuses everything; five requests come.
// Guarantees: no sender hangs, the oldest refused batches are dropped and counted, the newest are kept.
test('refused batches make room for what arrives', async () => {
  const bytes = numbered('traces', 0, 2).byteLength
  const { clock, consume, dropped, finish, sent, sink } = setUp({
    send_batch_size: 2,
    max_buffer_bytes: bytes * 2,
  })
  sink.answer = () => {
    throw new Refused('queue full')
  }
  for (let i = 0; i < 5; i++) {
    await consume(i * 2, 2)
    await settled()
  }
  assert.deepEqual(dropped(), { refused_downstream: 6 })
  sink.answer = () => ACCEPTED
  await clock.advance(10_000)
  assert.deepEqual(sent(), [
    [6, 7],
    [8, 9],
  ])
  await finish()
})

// Scenario: the buffer is full while the next part is slow to answer; one sender waits, another has a deadline.
// Guarantees: senders wait for room in order; one whose deadline passes is refused.
test('a full buffer makes senders wait', async () => {
  const bytes = numbered('traces', 0, 2).byteLength
  const { clock, consume, finish, sent, sink } = setUp({ send_batch_size: 2, max_buffer_bytes: bytes })
  const open: ((receipt: Receipt) => void)[] = []
  sink.answer = () => new Promise(resolve => open.push(resolve))
  await consume(0, 2)
  const late = consume(2, 2, undefined, { deadline: clock.now() + 50 })
  const patient = consume(4, 2)
  const refused = assert.rejects(late, { name: 'Refused', status: 'DEADLINE_EXCEEDED' })
  await clock.advance(50)
  await refused
  open.shift()!(ACCEPTED)
  await patient
  await settled()
  open.shift()!(ACCEPTED)
  await settled()
  assert.deepEqual(sent(), [
    [0, 1],
    [4, 5],
  ])
  await finish()
})

// Scenario: the next part rejects one batch for ever, and 1 of 2 items of another.
// Guarantees: what was rejected is dropped with its reason.
test('what the next part rejects is dropped', async () => {
  const { consume, dropped, finish, page, sink } = setUp({ send_batch_size: 2 })
  sink.answer = (_batch, _context, nth) => {
    if (nth === 0) throw new Rejected('bad request')
    return { rejected: 1, message: 'too old' }
  }
  await consume(0, 2)
  await settled()
  await consume(2, 2)
  await settled()
  assert.deepEqual([page.out, dropped()], [1, { rejected_downstream: 3 }])
  await finish()
})

// Scenario: an exporter downstream waits for results. A request spans two batches; the server is slow, then one batch
// is partly rejected; another request is refused; a sender leaves before its batch did.
// Guarantees: each sender gets the outcome of the batch with its last item; nothing is held or dropped here.
test('senders wait for the result when an exporter does', async () => {
  const { clock, consume, dropped, finish, page, sink } = setUp(
    { send_batch_size: 4, send_batch_max_size: 4 },
    true,
  )
  const answers: ((receipt: Receipt) => void)[] = []
  sink.answer = () => new Promise(resolve => answers.push(resolve))
  let done = false
  const split = consume(0, 6).then(receipt => {
    done = true
    return receipt
  })
  await settled()
  answers.shift()!(ACCEPTED)
  await settled()
  assert.deepEqual([done, page.held], [false, 0])
  await clock.advance(200)
  answers.shift()!({ rejected: 1, message: 'too old' })
  assert.deepEqual(await split, { rejected: 1, message: 'too old' })

  sink.answer = () => {
    throw new Refused('queue full', { afterMs: 70 })
  }
  await assert.rejects(consume(6, 4), { name: 'Refused', afterMs: 70 })
  sink.answer = () => ACCEPTED
  const sender = new AbortController()
  const left = consume(10, 2, undefined, { signal: sender.signal })
  sender.abort()
  await assert.rejects(left, { name: 'Refused', status: 'CANCELLED' })
  await clock.advance(200)
  assert.deepEqual([page.in, page.out, page.created, dropped()], [5, 7, 2, {}])
  await finish()
})

// Scenario: stop with a request in the buffer and a refused batch waiting; the next part works again.
// Guarantees: both leave at once; afterwards nothing is taken.
test('stop flushes everything', async () => {
  const { clock, consume, finish, processor, sent, sink } = setUp({ send_batch_size: 2 })
  sink.answer = () => {
    throw new Refused('queue full')
  }
  await consume(0, 2)
  await settled()
  await consume(2, 1)
  sink.answer = () => ACCEPTED
  await processor.stop(clock.now() + 1000)
  assert.deepEqual(sent(), [[0, 1], [2]])
  await assert.rejects(consume(3, 1), Refused)
  await finish()
})

// Scenario: stop while the next part refuses everything, or never answers but honours the signal.
// Guarantees: at the deadline the rest is dropped as shutdown and stop returns.
test('stop ends at the deadline', async () => {
  const refusing = setUp()
  refusing.sink.answer = () => {
    throw new Refused('queue full')
  }
  await refusing.consume(0, 3)
  await refusing.finish()
  assert.deepEqual(refusing.dropped(), { shutdown: 3 })

  const silent = setUp()
  silent.sink.answer = (_batch, { signal }) =>
    new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
  await silent.consume(0, 3)
  await silent.finish()
  assert.deepEqual(silent.dropped(), { shutdown: 3 })
})

// Scenario: profiles of 5 and 1 samples meet small limits.
// Guarantees: each request leaves as it came, the same bytes.
test('profiles pass unmerged', async () => {
  const settings = testSettings('processor', 'batch', 'profiles')
  const sink = new Sink()
  const config = { ...factory.config.absent(), send_batch_size: 2, send_batch_max_size: 2 }
  const processor = factory.create(config, settings, sink)
  const profiles = [numbered('profiles', 0, 5), numbered('profiles', 5, 1)]
  for (const one of profiles) await processor.consume(one, NO_CONTEXT)
  await processor.stop(performance.now() + 1000)
  assert.deepEqual(sink.batches, profiles)
})

// Scenario: limits that contradict each other, a key given twice.
// Guarantees: both mistakes are found, with what to do.
test('bad configs are explained', () => {
  assert.deepEqual(complaints(factory.config, { send_batch_max_size: 10, metadata_keys: ['A', 'a'] }), [
    'send_batch_max_size is less than send_batch_size (8192)',
    'metadata_keys has "a" twice',
  ])
})
