import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { Account } from '../../core/component/ledger.ts'
import { ACCEPTED, Refused, Rejected } from '../../core/component/outcome.ts'
import { Edge, intoPage, outOfPage, throughPage } from '../../gateway/edge.ts'
import { processorCounts, receiverCounts } from '../../gateway/edge-metrics.ts'
import { numbered } from '../kit/numbered.ts'
import { RecordingLog, RecordingMetrics, Sink } from '../kit/parts.ts'

function setUp() {
  const sink = new Sink()
  const log = new RecordingLog()
  const metrics = new RecordingMetrics()
  const from = new Account('processor', 'a', 'processor/a').of('traces')
  const to = new Account('exporter', 'b', 'exporter/b').of('traces')
  const edge = new Edge([outOfPage(from), intoPage(to)], sink, { name: 'exporter/b', log })
  return { sink, log, metrics, from, to, edge }
}

// Scenario: batches of 10 are taken, refused, rejected and taken in part (3 rejected).
// Guarantees: both pages have what passed, and refused has what did not, counted in items.
test('an edge enters what passed into both pages', async () => {
  const { edge, sink, from, to } = setUp()
  const outcomes = [
    () => ACCEPTED,
    () => {
      throw new Refused('no')
    },
    () => {
      throw new Rejected('never')
    },
    () => ({ rejected: 3, message: 'three are wrong' }),
  ]
  for (const outcome of outcomes) {
    sink.answer = outcome
    await edge.consume(numbered('traces', 0, 10), NO_CONTEXT).catch(() => {})
  }
  assert.deepEqual([from.out, from.in, from.refused], [17, 0, 0])
  assert.deepEqual([to.in, to.out, to.refused], [17, 0, 23])
})

// Scenario: a component throws a TypeError; another one throws before it returns a promise.
// Guarantees: the sender hears "try again", the log names the part and has the error, the items count as refused.
test('what is not an outcome is a bug of the part behind', async () => {
  const { edge, sink, log, to } = setUp()
  sink.answer = () => {
    throw new TypeError('x is not a function')
  }
  const outcome = edge.consume(numbered('traces', 0, 2), NO_CONTEXT)
  await assert.rejects(outcome, (error: Refused) => {
    return error instanceof Refused && /internal error in exporter\/b/.test(error.message)
  })
  const throwing = {
    consume: () => {
      throw new RangeError('at once')
    },
  }
  const second = new Edge([intoPage(to)], throwing, { name: 'exporter/c', log })
  await assert.rejects(second.consume(numbered('traces', 0, 2), NO_CONTEXT), /internal error in exporter\/c/)
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields['part']]),
    [
      ['error', 'exporter/b'],
      ['error', 'exporter/c'],
    ],
  )
  assert.equal(to.refused, 4)
})

// Scenario: a receiver's edge with batches taken, refused and failed, over two transports.
// Guarantees: the Collector's three counters with receiver and transport, and a page that balances.
test('a receiver edge counts accepted, refused and failed', async () => {
  const { sink, log, metrics } = setUp()
  const account = new Account('receiver', 'otlp', 'receiver/otlp')
  const ends = [throughPage(account.of('logs')), receiverCounts(metrics, 'otlp', 'logs')]
  const edge = new Edge(ends, sink, { name: 'processor/x', log })
  const send = (transport: string) =>
    edge.consume(numbered('logs', 0, 4), { transport }).catch(() => undefined)
  await send('grpc')
  await send('http')
  sink.answer = () => {
    throw new Refused('no')
  }
  await send('http')
  sink.answer = () => {
    throw new Error('bug')
  }
  await send('http')
  const read = (verb: string, transport: string) =>
    metrics.read(`otelcol_receiver_${verb}_log_records{receiver="otlp",transport="${transport}"}`)
  assert.deepEqual([read('accepted', 'grpc'), read('accepted', 'http')], [4, 4])
  assert.deepEqual([read('refused', 'http'), read('failed', 'http'), read('refused', 'grpc')], [4, 4, 0])
  assert.deepEqual([account.of('logs').in, account.of('logs').out, account.of('logs').refused], [8, 8, 8])
})

// Scenario: a processor hands on half of a batch.
// Guarantees: incoming and outgoing items carry processor and otel_signal, and one duration is recorded a batch.
test('a processor has incoming and outgoing items and a duration', async () => {
  const { sink, log, metrics } = setUp()
  const counts = processorCounts(metrics, 'half', 'traces')
  const out = new Edge([counts.outOf], sink, { name: 'exporter/b', log })
  const half = { consume: () => out.consume(numbered('traces', 0, 5), NO_CONTEXT) }
  let durations = 0
  const histogram = metrics.histogram.bind(metrics)
  metrics.histogram = declaration => ({
    ...histogram(declaration),
    bind: () => ({ record: () => durations++ }),
  })
  const timed = processorCounts(metrics, 'half', 'traces')
  const into = new Edge([counts.into, timed.into], half, { name: 'processor/half', log })
  await into.consume(numbered('traces', 0, 10), NO_CONTEXT)
  const labels = '{otel_signal="traces",processor="half"}'
  assert.equal(metrics.read(`otelcol_processor_incoming_items${labels}`), 20)
  assert.equal(metrics.read(`otelcol_processor_outgoing_items${labels}`), 5)
  assert.equal(durations, 1)
})

// Scenario: the part behind answers `admit`, or has none.
// Guarantees: an edge passes the question on and never blocks by itself; a receiver's counts who was turned away.
test('admit is passed through', () => {
  const { edge, log, metrics } = setUp()
  assert.equal(edge.admit('traces'), undefined)
  const full = { consume: async () => ACCEPTED, admit: () => new Refused('full') }
  assert.equal(new Edge([], full, { name: 'x', log }).admit('traces')?.message, 'full')
  const door = new Edge([receiverCounts(metrics, 'otlp', 'traces')], full, { name: 'x', log })
  for (let i = 0; i < 3; i++) assert.equal(door.admit('traces')?.message, 'full')
  const counted = metrics.read('sluice_receiver_turned_away_requests{otel_signal="traces",receiver="otlp"}')
  assert.equal(counted, 3)
})
