/** The ledger's equation as an assertion, with the whole ledger as a table when it does not hold. */

import type { Account, SignalAccount } from '../../core/component/ledger.ts'
import type { Signal } from '../../core/otlp/signals.ts'

/**
 * Throws unless `in + created + recovered = out + dropped + held` on every page of `accounts`. Call it when nothing
 * is in flight.
 */
export function assertBalanced(accounts: Iterable<Account>): void {
  const rows: string[][] = [COLUMNS]
  let off = false
  for (const account of accounts) {
    for (const [signal, page] of account.signals) {
      const imbalance = account.imbalance(signal)
      if (imbalance !== 0) off = true
      rows.push(row(account, signal, page, imbalance))
    }
  }
  if (off) throw new Error(`the ledger does not balance:\n${table(rows)}`)
}

const COLUMNS = [
  'part',
  'signal',
  'in',
  'created',
  'recovered',
  'out',
  '(unknown)',
  'held',
  'dropped',
  'off by',
  '(refused)',
]

function row(account: Account, signal: Signal, page: SignalAccount, imbalance: number): string[] {
  const dropped = [...page.dropped].map(([reason, { items }]) => `${items} ${reason}`).join(', ')
  const numbers = [page.in, page.created, page.recovered, page.out, page.unknown, page.held]
  return [
    account.name,
    signal,
    ...numbers.map(String),
    dropped === '' ? '0' : dropped,
    imbalance === 0 ? '' : `${imbalance}`,
    `${page.refused}`,
  ]
}

function table(rows: readonly string[][]): string {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map(cells => cells[column]!.length)))
  return rows.map(cells => cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n')
}
