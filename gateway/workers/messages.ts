/**
 * What the primary and its workers say to each other, over the channel that `fork` makes. The primary asks and a worker
 * answers; besides, a worker sends its log lines, and its report every second.
 */

import type { PartHealth } from '../../core/component/contract.ts'
import type { SignalAccount } from '../../core/component/ledger.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { LogRecord } from '../../core/telemetry/log.ts'
import type { MetricSnapshot } from '../../core/telemetry/metrics.ts'
import type { Changes } from '../running.ts'

export interface StartOrder {
  readonly sources: readonly string[]
  readonly sets: readonly string[]
  readonly gates: readonly string[]
  readonly cwd: string
  readonly shutdownTimeoutMs: number
  /** How many workers there are. */
  readonly count: number
  /** The files of the config as the primary has read them: those on the disk may have changed since. */
  readonly texts: readonly (readonly [path: string, text: string])[]
  /** Refuse addresses that somebody listens on. */
  readonly probe: boolean
}

/** What a worker can be told, and what it answers. */
export interface Orders {
  start(order: StartOrder): readonly (readonly [name: string, address: string])[]
  /** The config has changed. An error is why the worker cannot follow; then it works as before. */
  reload(texts: StartOrder['texts']): Changes & { readonly other: boolean }
  report(nothing: null): Report
  /** Drains, for so many ms at most. The worker ends once it has answered. */
  stop(withinMs: number): Report
}

export type OrderName = keyof Orders
export type Answer<N extends OrderName> = ReturnType<Orders[N]>

export interface ToWorker<N extends OrderName = OrderName> {
  readonly id: number
  readonly order: N
  readonly with: Parameters<Orders[N]>[0]
}

export type ToPrimary =
  | { readonly id: number; readonly answer: Answer<OrderName> }
  | { readonly id: number; readonly error: string }
  | { readonly report: Report }
  | { readonly log: Omit<LogRecord, 'time'> }

/** One page of the ledger. */
export interface ReportedPage extends Omit<SignalAccount, 'dropped'> {
  readonly kind: string
  readonly component: string
  readonly part: string
  readonly signal: Signal
  readonly dropped: readonly (readonly [reason: string, intended: boolean, items: number])[]
}

/** Everything a worker has counted since it started, and how its parts are. */
export interface Report {
  readonly ready: boolean
  readonly metrics: readonly MetricSnapshot[]
  readonly pages: readonly ReportedPage[]
  readonly health: readonly (readonly [part: string, health: PartHealth])[]
}
