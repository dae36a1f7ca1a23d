/**
 * The workers of a gateway, as the primary leads them: starts them, replaces those that end, lets them follow the
 * config, ends them, and shows what all of them count as one.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, type RootLog, reasonOf } from '../../core/telemetry/log.ts'
import type { MetricDeclaration, Metrics } from '../../core/telemetry/metrics.ts'
import type { Kind } from '../catalog.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import type { GatewayHost } from '../host.ts'
import { untilDeadline } from '../lifecycle.ts'
import { accountOf } from '../member.ts'
import { Books, signalAccount } from './books.ts'
import type { Answer, Report, StartOrder } from './messages.ts'
import { WorkerProcess } from './worker-process.ts'

const DEATHS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_worker_deaths',
  unit: '{workers}',
  help: 'Workers that ended although nobody told them to. Each is replaced.',
  labels: [],
  level: 'basic',
}

const READY: MetricDeclaration = {
  kind: 'gauge',
  name: 'sluice_workers_ready',
  unit: '{workers}',
  help: 'Workers that take data, of those that service.workers says.',
  labels: [],
  level: 'basic',
}

/** Every metric of this file, for the reference page. */
export const WORKER_METRICS = [DEATHS, READY]

/** The wait before a worker is replaced: doubled for each that did not live long. */
const BACKOFF_MS = 200
const BACKOFF_MS_MAX = 30_000
const LONG_LIFE_MS = 60_000

/** A page of metrics does not wait longer for a worker that is busy; it shows what that one said before. */
const REFRESH_MS = 500

/** A worker that is told to stop gets this much more than the deadline before it is killed. */
const GRACE_MS = 2_000

interface Seat {
  readonly number: number
  worker: WorkerProcess | undefined
  /** Ends that came soon after the start, in a row. */
  shortLives: number
}

/** What the workers are given besides texts. */
export interface CrewOrders
  extends Pick<StartOrder, 'sources' | 'sets' | 'gates' | 'cwd' | 'shutdownTimeoutMs'> {
  readonly env: NodeJS.ProcessEnv
}

/** The gateway whose work they do. */
export interface CrewOwner {
  readonly host: GatewayHost
  readonly log: RootLog
  readonly metrics: Metrics
}

type Texts = ReadonlyMap<string, string>

export class Crew {
  readonly addresses = new Map<string, string>()
  readonly #orders: CrewOrders
  readonly #owner: CrewOwner
  readonly #log: Logger
  readonly #seats: readonly Seat[]
  readonly #books = new Books()
  readonly #stopping = new AbortController()
  readonly #countDeath: () => void
  /** The config that runs, also for a worker that starts later: on the disk there may be a broken one by then. */
  #texts: Texts = new Map()
  /** All have started once: from here on who ends is replaced. */
  #complete = false
  #refresh: Promise<void> | undefined

  constructor(count: number, orders: CrewOrders, owner: CrewOwner) {
    const { host, log, metrics } = owner
    this.#orders = orders
    this.#owner = owner
    this.#log = log
    this.#seats = Array.from({ length: count }, (_, i) => ({
      number: i + 1,
      worker: undefined,
      shortLives: 0,
    }))
    const deaths = metrics.counter(DEATHS)
    deaths.add(0)
    this.#countDeath = () => deaths.add(1)
    metrics.observe(READY, {}, () => this.#books.ready)
    metrics.elsewhere = {
      refresh: () => {
        this.#refresh ??= this.#askAll().finally(() => {
          this.#refresh = undefined
        })
        return this.#refresh
      },
      snapshots: () => this.#books.snapshots(),
    }
    const books = this.#books
    host.crew = {
      get ready() {
        return books.ready === count
      },
      get health() {
        return books.health()
      },
    }
    // Whatever ends this process, the second signal too, ends the workers.
    process.on('exit', this.#killAll)
  }

  /** Throws what keeps a worker from starting; then none runs. */
  async start(pipelines: GatewayConfig['service']['pipelines'], texts: Texts): Promise<void> {
    this.#texts = texts
    this.#owner.host.pipelines = pipelines
    const [first, ...others] = this.#seats as [Seat, ...Seat[]]
    try {
      // Alone, because only who is alone can see whether an address is free.
      for (const [name, address] of await this.#spawn(first, true)) this.addresses.set(name, address)
      await Promise.all(others.map(seat => this.#spawn(seat, false)))
      await this.#askAll()
      this.#complete = true
    } catch (error) {
      await this.stop(performance.now())
      throw error
    }
  }

  /** Lets all follow. Throws when they cannot; then all of them run the old config. */
  async reload(pipelines: GatewayConfig['service']['pipelines'], texts: Texts): Promise<Answer<'reload'>> {
    const listed = [...texts]
    const first = this.#seats.find(({ worker }) => worker !== undefined)
    if (first?.worker === undefined) throw new Error('no worker is running; try again when one is')
    // One tries it. What one can run, its equals can.
    await first.worker.started
    const changes = await first.worker.ask('reload', listed)
    this.#texts = texts
    this.#owner.host.pipelines = pipelines
    await Promise.all(this.#seats.map(seat => seat === first || this.#follow(seat, listed)))
    await this.#askAll()
    return changes
  }

  /** Should one fail where the first did not, it is replaced by one that begins with the new config. */
  async #follow({ number, worker }: Seat, texts: StartOrder['texts']): Promise<void> {
    try {
      await worker?.started
      await worker?.ask('reload', texts)
    } catch (error) {
      this.#log.error('A worker cannot follow the new config and is replaced', { worker: number, error })
      void worker?.ask('stop', this.#orders.shutdownTimeoutMs).catch(() => {})
    }
  }

  /** Drains all, until `deadline` (ms, `performance.now()` clock), then kills. Safe twice. */
  async stop(deadline: number): Promise<void> {
    this.#stopping.abort()
    const within = Math.max(0, deadline - performance.now())
    const ends = this.#seats.map(async ({ number, worker }) => {
      if (worker === undefined) return
      const last = worker.ask('stop', within)
      last.then(report => this.#enter(number, report)).catch(() => {})
      await worker.gone
    })
    await untilDeadline(deadline + GRACE_MS, Promise.all(ends))
    this.#killAll()
    await Promise.all(ends)
    process.off('exit', this.#killAll)
  }

  readonly #killAll = (): void => {
    for (const { worker } of this.#seats) worker?.kill()
  }

  /** Gives where it listens, once it does. Throws when it cannot start. */
  async #spawn(seat: Seat, probe: boolean): Promise<Answer<'start'>> {
    const { env, ...orders } = this.#orders
    const { number } = seat
    const order = { ...orders, count: this.#seats.length, texts: [...this.#texts], probe }
    const { log } = this.#owner
    const worker = new WorkerProcess(number, order, env, {
      reported: report => this.#enter(number, report),
      logged: line => log.relay({ ...line, fields: { ...line.fields, worker: number } }),
    })
    seat.worker = worker
    const born = performance.now()
    void worker.gone.then(how => {
      seat.worker = undefined
      if (performance.now() - born >= LONG_LIFE_MS) seat.shortLives = 0
      this.#lost(seat, worker, how)
    })
    const addresses = await worker.started
    log.info('A worker is ready', { worker: number, pid: worker.pid })
    return addresses
  }

  #lost(seat: Seat, { pid }: WorkerProcess, how: string): void {
    const lost = this.#books.close(seat.number)
    this.#post()
    if (this.#stopping.signal.aborted || !this.#complete) return
    const wait = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** seat.shortLives++)
    this.#countDeath()
    this.#log.error('A worker ended. Another one is started in its place.', {
      worker: seat.number,
      pid,
      ended: how,
      items_lost: lost,
      after_ms: wait,
    })
    void this.#replace(seat, wait)
  }

  async #replace(seat: Seat, wait: number): Promise<void> {
    try {
      await sleep(wait, undefined, { signal: this.#stopping.signal })
      await this.#spawn(seat, false)
      await this.#askAll()
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#log.error('A worker cannot start', { worker: seat.number, reason: reasonOf(error) })
    }
  }

  #enter(seat: number, report: Report): void {
    this.#books.enter(seat, report)
    this.#post()
  }

  /** Into the ledger that is shown. */
  #post(): void {
    const { accounts } = this.#owner.host
    for (const page of this.#books.pages()) {
      const { signals } = accountOf(accounts, page.kind as Kind, page.component, page.part)
      signals.set(page.signal, signalAccount(page))
    }
  }

  async #askAll(): Promise<void> {
    const asked = this.#seats.map(async ({ number, worker }) => {
      if (worker !== undefined) this.#enter(number, await worker.ask('report', null))
    })
    await untilDeadline(performance.now() + REFRESH_MS, Promise.allSettled(asked))
  }
}
