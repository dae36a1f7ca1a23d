/** The ledger as metrics, read from the accounts when somebody collects: counting costs nothing twice. */

import type { Account, SignalAccount } from '../core/component/ledger.ts'
import { heldBytes } from '../core/component/memory.ts'
import { HELD_BYTES } from '../core/component/metrics.ts'
import type { MetricDeclaration, Metrics } from '../core/telemetry/metrics.ts'

/** Of a page of the ledger; `held` goes up and down, so all of them are gauges. */
const FLOWS = [
  'in',
  'out',
  'created',
  'recovered',
  'held',
  'unknown',
  'refused',
] as const satisfies readonly (keyof SignalAccount)[]

const ITEMS: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_ledger_items',
  unit: '{items}',
  help: 'Where every item went: in + created + recovered = out + dropped + held. unknown is part of out, refused of nothing.',
  labels: ['kind', 'component', 'part', 'signal', 'flow'],
  level: 'normal',
}

const DROPPED: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_dropped_items',
  unit: '{items}',
  help: 'Items that ended at a component, and whether the config asked for it.',
  labels: ['component', 'part', 'signal', 'reason', 'intended'],
  level: 'basic',
}

const IMBALANCE: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_ledger_imbalance',
  unit: '{items}',
  help: 'What the ledger is off by. Not 0 while batches are in flight; not 0 at rest is a bug.',
  labels: ['kind', 'component', 'part', 'signal'],
  level: 'basic',
}

/** Every metric of this file, for the reference page. */
export const LEDGER_METRICS = [ITEMS, DROPPED, IMBALANCE]

type Row = readonly [Readonly<Record<string, string>>, number]

function* pages(accounts: readonly Account[]) {
  for (const account of accounts) {
    for (const [signal, page] of account.signals) {
      const { kind, id: component, name: part } = account
      yield { account, signal, page, labels: { kind, component, part, signal } }
    }
  }
}

function* itemRows(accounts: readonly Account[]): Generator<Row> {
  for (const { page, labels } of pages(accounts)) {
    for (const flow of FLOWS) yield [{ ...labels, flow }, page[flow]]
  }
}

function* droppedRows(accounts: readonly Account[]): Generator<Row> {
  for (const { page, labels } of pages(accounts)) {
    for (const [reason, { intended, items }] of page.dropped) {
      yield [{ ...labels, reason, intended: String(intended) }, items]
    }
  }
}

function* imbalanceRows(accounts: readonly Account[]): Generator<Row> {
  for (const { account, signal, labels } of pages(accounts)) yield [labels, account.imbalance(signal)]
}

export function observeLedger(metrics: Metrics, accounts: readonly Account[]): void {
  metrics.observeAll(ITEMS, () => itemRows(accounts))
  metrics.observeAll(DROPPED, () => droppedRows(accounts))
  metrics.observeAll(IMBALANCE, () => imbalanceRows(accounts))
  metrics.observe(HELD_BYTES, {}, heldBytes)
}
