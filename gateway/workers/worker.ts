/**
 * The program of a worker: a gateway (../run.ts) that has its config, its start and its end from the primary, and tells
 * it everything it has to say. Signals are the primary's matter; when that one is gone, the worker drains and ends.
 */

import { flushCompileCache } from 'node:module'
import { formatProblem } from '../../config/node.ts'
import { type LogRecord, reasonOf } from '../../core/telemetry/log.ts'
import { sharePorts } from '../../core/transport/listen.ts'
import { EXIT_FAILED, EXIT_OK } from '../cli.ts'
import { LEDGER_METRICS } from '../ledger-metrics.ts'
import { RELOAD_METRICS } from '../reload.ts'
import { type RunningGateway, startGateway } from '../run.ts'
import { listed } from './books.ts'
import type { Answer, OrderName, Report, ToPrimary, ToWorker } from './messages.ts'
import { SEAT_VARIABLE } from './worker-process.ts'

const REPORT_MS = 1_000

/** Those the primary has itself; its ledger is made of pages. */
const NOT_REPORTED = new Set([...LEDGER_METRICS, ...RELOAD_METRICS].map(({ name }) => name))

const seat = Number(process.env[SEAT_VARIABLE])
process.title = `sluice worker ${seat}`

let gateway: RunningGateway | undefined
let texts: ReadonlyMap<string, string> = new Map()

function say(message: ToPrimary, said: () => void = () => {}): void {
  if (process.connected) process.send!(message, said)
  else said()
}

function relay({ level, message, fields }: LogRecord): void {
  say({ log: { level, message, fields: sendable(fields) } })
}

/** What JSON cannot say becomes text; a Secret says of itself that it is redacted. */
function sendable(fields: LogRecord['fields']): LogRecord['fields'] {
  const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
  try {
    return JSON.parse(JSON.stringify(fields, plain)) as LogRecord['fields']
  } catch {
    // It has itself inside. A log must not be what fails.
    return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]))
  }
}

function report(): Report {
  if (gateway === undefined) return { ready: false, metrics: [], pages: [], health: [] }
  const { host, metrics } = gateway
  return {
    ready: host.ready,
    metrics: metrics.snapshot().filter(({ declaration }) => !NOT_REPORTED.has(declaration.name)),
    pages: host.accounts.flatMap(({ kind, id, name, signals }) =>
      [...signals].map(([signal, page]) => ({
        ...page,
        kind,
        component: id,
        part: name,
        signal,
        dropped: listed(page.dropped),
      })),
    ),
    health: [...host.describe().health],
  }
}

type Carry = { [N in OrderName]: (what: ToWorker<N>['with']) => Answer<N> | Promise<Answer<N>> }

const carry: Carry = {
  async start({ texts: files, probe, count, ...options }) {
    texts = new Map(files)
    sharePorts({ probe })
    const started = await startGateway({
      ...options,
      worker: { index: seat, count, texts: () => texts, relay },
    })
    gateway = started
    // Of an address that a later config brings the first one knows whether it is free.
    sharePorts({ probe: seat === 1 })
    setInterval(() => say({ report: report() }), REPORT_MS).unref()
    flushCompileCache()
    return [...started.addresses]
  },

  async reload(files) {
    const before = texts
    texts = new Map(files)
    const { outcome, problems, error, kept, started, stopped } = await gateway!.reload()
    if (outcome !== 'rejected') return { kept, started, stopped, other: outcome === 'applied' }
    texts = before
    throw new Error(error ?? problems.map(formatProblem).join('; '))
  },

  report,

  async stop(withinMs) {
    await gateway?.stop(withinMs)
    return report()
  },
}

async function obey({ id, order, with: what }: ToWorker): Promise<void> {
  const done = order === 'stop' ? () => process.exit(EXIT_OK) : undefined
  const failed = order === 'start' ? () => process.exit(EXIT_FAILED) : done
  try {
    const answer = await (carry[order] as (what: unknown) => Promise<Answer<OrderName>>)(what)
    say({ id, answer }, done)
  } catch (error) {
    say({ id, error: reasonOf(error) }, failed)
  }
}

let ending = false

function end(code: number): void {
  if (ending) return
  ending = true
  void Promise.resolve(gateway?.stop()).then(() => process.exit(code))
}

function bug(error: unknown): void {
  gateway?.log.error('Something failed that nobody caught; this is a bug. The worker drains and ends.', {
    error,
  })
  end(EXIT_FAILED)
}

process.on('message', message => void obey(message as ToWorker))
process.on('disconnect', () => end(EXIT_FAILED))
process.on('uncaughtException', bug)
process.on('unhandledRejection', bug)
// A terminal and a service manager send these to every process of the gateway. The primary says what they mean.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
