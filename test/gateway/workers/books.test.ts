import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Account } from '../../../core/component/ledger.ts'
import type { MetricDeclaration, MetricSnapshot } from '../../../core/telemetry/metrics.ts'
import { Books, signalAccount } from '../../../gateway/workers/books.ts'
import type { Report, ReportedPage } from '../../../gateway/workers/messages.ts'

const about = { unit: '1', help: '', labels: [], level: 'basic' } as const
const SENT: MetricDeclaration = { ...about, kind: 'counter', name: 'sent' }
const QUEUE: MetricDeclaration = { ...about, kind: 'gauge', name: 'queue' }

const NOTHING = { in: 0, out: 0, created: 0, recovered: 0, held: 0, unknown: 0, refused: 0, dropped: [] }

function page(flows: Partial<ReportedPage>): ReportedPage {
  const name = {
    kind: 'processor',
    component: 'batch',
    part: 'processor/batch/traces',
    signal: 'traces',
  } as const
  return { ...name, ...NOTHING, ...flows }
}

function report(flows: Partial<ReportedPage>, sent = 0, queue = 0, ready = true): Report {
  const point = (declaration: MetricDeclaration, value: number): MetricSnapshot => ({
    declaration,
    points: [{ labels: {}, value }],
  })
  const health = [['exporter/nop', { state: queue > 0 ? 'recoverable_error' : 'ok' }]] as const
  return { ready, metrics: [point(SENT, sent), point(QUEUE, queue)], pages: [page(flows)], health }
}

function shown(books: Books, name: string): number {
  const points = books.snapshots().flatMap(all => all.filter(({ declaration }) => declaration.name === name))
  return points
    .flatMap(({ points }) => points)
    .reduce((sum, point) => sum + ('value' in point ? point.value : 0), 0)
}

/** The one page there is, and what it is off by. */
function ledger(books: Books) {
  const [only, ...more] = [...books.pages()]
  assert.deepEqual(more, [])
  const account = new Account('processor', 'batch', 'processor/batch/traces')
  account.signals.set('traces', signalAccount(only!))
  return { page: only!, imbalance: account.imbalance('traces') }
}

// Scenario: two workers report, again and again; one dies with 3 items held and 2 on their way through; another takes
// its seat, counts from 0, and dies too.
// Guarantees: sums; what was counted stays, also over two deaths; gauges of the dead are gone; what the dead had is
// dropped as worker_died, with its number told; the page balances as far as those alive do.
test('a death costs no numbers and no balance', () => {
  const books = new Books()
  books.enter(1, report({ in: 5, out: 5 }, 5))
  books.enter(1, report({ in: 10, out: 5, held: 3, dropped: [['sampled_out', true, 0]] }, 5, 7))
  books.enter(2, report({ in: 100, out: 90, held: 6, dropped: [['sampled_out', true, 4]] }, 90))
  assert.deepEqual([shown(books, 'sent'), shown(books, 'queue')], [95, 7])
  assert.deepEqual([ledger(books).page.held, ledger(books).imbalance], [9, 2])

  assert.equal(books.close(1), 5)
  assert.deepEqual([shown(books, 'sent'), shown(books, 'queue')], [95, 0])
  const { page, imbalance } = ledger(books)
  assert.deepEqual([page.in, page.out, page.held, imbalance], [110, 95, 6, 0])
  assert.deepEqual([...page.dropped].sort(), [
    ['sampled_out', true, 4],
    ['worker_died', false, 5],
  ])

  books.enter(1, report({ in: 1, held: 1 }, 1, 1))
  assert.deepEqual([shown(books, 'sent'), shown(books, 'queue')], [96, 1])
  assert.equal(books.close(1), 1)
  assert.equal(books.close(1), 0, 'it is gone already')
  assert.deepEqual(ledger(books).imbalance, 0)
  assert.deepEqual([...ledger(books).page.dropped].sort().at(-1), ['worker_died', false, 6])
})

// Scenario: a worker dies between handing a batch on and answering whoever gave it.
// Guarantees: those items did come in; nothing is lost, nothing is dropped, the page balances.
test('what was handed on had come in', () => {
  const books = new Books()
  books.enter(1, report({ in: 10, out: 14 }))
  assert.equal(books.close(1), 0)
  const { page, imbalance } = ledger(books)
  assert.deepEqual([page.in, page.out, page.dropped, imbalance], [14, 14, [], 0])
})

// Scenario: one of two workers is well, the other one has trouble and is not ready.
// Guarantees: the worse health is shown, the ready ones are counted.
test('the worst of the workers is shown', () => {
  const books = new Books()
  books.enter(1, report({}, 0, 1, false))
  books.enter(2, report({}))
  assert.equal(books.health().get('exporter/nop')?.state, 'recoverable_error')
  assert.equal(books.ready, 1)
  books.enter(1, report({}))
  assert.equal(books.health().get('exporter/nop')?.state, 'ok')
  assert.equal(books.ready, 2)
})
