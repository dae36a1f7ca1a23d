/**
 * What all workers have counted, those that are gone included. Numbers that were shown once never fall: what a worker
 * said last stays in the sums after its death. What it held then is lost and is entered as dropped, so the ledger
 * balances on. What it did after its last report nobody knows.
 */

import type { PartHealth } from '../../core/component/contract.ts'
import type { DropReason, SignalAccount } from '../../core/component/ledger.ts'
import { mergeSnapshots } from '../../core/telemetry/merge.ts'
import type { MetricSnapshot } from '../../core/telemetry/metrics.ts'
import type { Report, ReportedPage } from './messages.ts'

const WORKER_DIED: DropReason = { name: 'worker_died', intended: false }

/** From good to bad: of several workers the worst counts. */
const STATES = ['ok', 'stopped', 'stopping', 'starting', 'recoverable_error', 'permanent_error'] as const

export class Books {
  /** Of workers that are gone. */
  #closedMetrics: readonly MetricSnapshot[] = []
  #closedPages: readonly ReportedPage[] = []
  readonly #open = new Map<number, Report>()

  /** The latest report of the worker on this seat. */
  enter(seat: number, report: Report): void {
    this.#open.set(seat, report)
  }

  /** The worker on this seat is gone. Gives the number of items that went with it. */
  close(seat: number): number {
    const report = this.#open.get(seat)
    if (report === undefined) return 0
    this.#open.delete(seat)
    // A gauge says how something is now; of what is gone there is none.
    const lasting = report.metrics.filter(({ declaration }) => declaration.kind !== 'gauge')
    this.#closedMetrics = mergeSnapshots([this.#closedMetrics, lasting])
    const closed = report.pages.map(closedPage)
    this.#closedPages = [...pagesOf([...this.#closedPages, ...closed]).values()]
    return sum(closed, died) - sum(report.pages, died)
  }

  /** Everything but gauges of those that are gone. */
  snapshots(): readonly (readonly MetricSnapshot[])[] {
    return [this.#closedMetrics, ...[...this.#open.values()].map(({ metrics }) => metrics)]
  }

  /** One page for each part and signal. */
  pages(): Iterable<ReportedPage> {
    return pagesOf([...this.#closedPages, ...[...this.#open.values()].flatMap(({ pages }) => pages)]).values()
  }

  /** How many workers have said that they are ready. */
  get ready(): number {
    return [...this.#open.values()].filter(({ ready }) => ready).length
  }

  health(): ReadonlyMap<string, PartHealth> {
    const worst = new Map<string, PartHealth>()
    for (const [part, health] of [...this.#open.values()].flatMap(report => report.health)) {
      const known = worst.get(part)
      if (known === undefined || STATES.indexOf(health.state) > STATES.indexOf(known.state))
        worst.set(part, health)
    }
    return worst
  }
}

const FLOWS = ['in', 'out', 'created', 'recovered', 'held', 'unknown', 'refused'] as const

function pagesOf(all: readonly ReportedPage[]): Map<string, ReportedPage> {
  const merged = new Map<string, ReportedPage>()
  for (const page of all) {
    const key = `${page.part} ${page.signal}`
    const known = merged.get(key)
    merged.set(key, known === undefined ? page : added(known, page))
  }
  return merged
}

function added(a: ReportedPage, b: ReportedPage): ReportedPage {
  const dropped = signalAccount(a).dropped
  for (const [reason, intended, items] of b.dropped) {
    const entry = dropped.get(reason)
    if (entry === undefined) dropped.set(reason, { intended, items })
    else entry.items += items
  }
  const page: Record<string, unknown> = { ...a, dropped: listed(dropped) }
  for (const flow of FLOWS) page[flow] = a[flow] + b[flow]
  return page as unknown as ReportedPage
}

/** As a part of this process would have it. */
export function signalAccount(page: ReportedPage): SignalAccount {
  const dropped = new Map(page.dropped.map(([reason, intended, items]) => [reason, { intended, items }]))
  const { in: taken, out, created, recovered, held, unknown, refused } = page
  return { in: taken, out, created, recovered, held, unknown, refused, dropped }
}

export function listed(dropped: SignalAccount['dropped']): ReportedPage['dropped'] {
  return [...dropped].map(([reason, { intended, items }]) => [reason, intended, items] as const)
}

/**
 * What was held, or had come in and was on its way through, is dropped. What had been handed on before whoever gave it
 * was answered did come in.
 */
function closedPage(page: ReportedPage): ReportedPage {
  const onTheWay = page.in + page.created + page.recovered - page.out - page.held - sum([page], allDropped)
  const lost = page.held + Math.max(0, onTheWay)
  const nothing = { in: 0, out: 0, created: 0, recovered: 0, held: 0, unknown: 0, refused: 0 }
  const { name, intended } = WORKER_DIED
  return added(page, {
    ...page,
    ...nothing,
    in: Math.max(0, -onTheWay),
    held: -page.held,
    dropped: lost === 0 ? [] : [[name, intended, lost]],
  })
}

type Count = (drop: ReportedPage['dropped'][number]) => number
const allDropped: Count = ([, , items]) => items
const died: Count = ([reason, , items]) => (reason === WORKER_DIED.name ? items : 0)

function sum(pages: readonly ReportedPage[], count: Count): number {
  return pages.flatMap(({ dropped }) => dropped.map(count)).reduce((total, items) => total + items, 0)
}
