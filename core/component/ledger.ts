/**
 * The ledger: where every item went. For each part, whenever nothing is in flight through it,
 *
 *     in + created + recovered = out + dropped{reason} + held
 *
 * and for an exporter `out` is what it sent: `out = sent + unknown`, where unknown means the server may have taken
 * it (a connection that died after the request was written). Numbers are exact up to 2^53 items.
 */

import type { Signal } from '../otlp/signals.ts'

/** Why items ended here. Intended drops are what the config asked for; the others are failures. */
export interface DropReason {
  /** lower_snake_case, a label value: `sampled_out`, `queue_full`, `retries_exhausted`. */
  readonly name: string
  readonly intended: boolean
}

/** One part's page in the ledger, for one signal. */
export interface SignalAccount {
  in: number
  out: number
  created: number
  recovered: number
  held: number
  /** Of `out`: items that may or may not have arrived. */
  unknown: number
  /** Offered but not taken: the sender still has them. Outside the balance. */
  refused: number
  readonly dropped: Map<string, { readonly intended: boolean; items: number }>
}

/** One part's pages. Parts call `drop`, `create` and `hold`; the edges enter the rest. */
export class Account {
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly signals: Map<Signal, SignalAccount>

  constructor(kind: string, id: string, name: string) {
    this.kind = kind
    this.id = id
    this.name = name
    this.signals = new Map()
  }

  of(signal: Signal): SignalAccount {
    let page = this.signals.get(signal)
    if (page === undefined) {
      page = { in: 0, out: 0, created: 0, recovered: 0, held: 0, unknown: 0, refused: 0, dropped: new Map() }
      this.signals.set(signal, page)
    }
    return page
  }

  /** Items that end here. Call it only once responsibility for them was taken. */
  drop(signal: Signal, items: number, reason: DropReason): void {
    if (items === 0) return
    const { dropped } = this.of(signal)
    const entry = dropped.get(reason.name)
    if (entry === undefined) dropped.set(reason.name, { intended: reason.intended, items })
    else entry.items += items
  }

  /** Items that begin here, as metrics made from spans do. */
  create(signal: Signal, items: number): void {
    this.of(signal).created += items
  }

  /** Items kept for later; negative when they are handed on or dropped. */
  hold(signal: Signal, items: number): void {
    this.of(signal).held += items
  }

  /** What the equation is off by; 0 whenever nothing is in flight. */
  imbalance(signal: Signal): number {
    const page = this.of(signal)
    let dropped = 0
    for (const { items } of page.dropped.values()) dropped += items
    return page.in + page.created + page.recovered - page.out - dropped - page.held
  }
}
