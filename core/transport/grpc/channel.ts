/**
 * The connections behind one endpoint, and which of them takes the next call: gRPC's `round_robin` (one for each
 * address, in turn) and `pick_first` (one, to the first address that answers). A name is looked up again when a
 * connection is lost or cannot be made, as grpc-go does.
 */

import { Refused } from '../../component/outcome.ts'
import { type ConnectionOptions, GrpcConnection } from './connection.ts'
import { type Address, addressText, type Target } from './target.ts'

export interface ChannelOptions {
  readonly policy: 'round_robin' | 'pick_first'
  /** Calls wait while there is no connection, instead of failing. */
  readonly waitForReady: boolean
  readonly dial: ConnectionOptions['dial']
  readonly keepalive: ConnectionOptions['keepalive']
  /** ms between two look-ups; grpc-go's 30 s unless a test is in a hurry. */
  readonly lookupGapMs?: number
}

const LOOKUP_GAP_MS = 30_000
/** After a look-up that failed, and nothing is known to connect to. */
const LOOKUP_RETRY_MS = 1_000
const LOOKUP_RETRY_MS_MAX = 120_000

interface Waiter {
  readonly resolve: (connection: GrpcConnection) => void
  readonly reject: (why: Refused) => void
}

export class GrpcChannel {
  readonly #target: Target
  readonly #options: ChannelOptions
  readonly #waiters = new Set<Waiter>()
  #connections: readonly GrpcConnection[] = []
  #turn = 0
  #closed = false
  #lookedUpAt = Number.NEGATIVE_INFINITY
  #lookingUp = false
  #lookupFailures = 0
  #lookupProblem = ''
  #timer: NodeJS.Timeout | undefined

  constructor(target: Target, options: ChannelOptions) {
    this.#target = target
    this.#options = options
  }

  /** Begins to connect; waits for nothing. */
  open(): void {
    if (this.#target.resolve === undefined) this.#take(this.#target.fixed)
    else void this.#lookUp(this.#target.resolve)
  }

  /** A connection for the next call, or undefined when one has to be waited for. */
  ready(): GrpcConnection | undefined {
    const { length } = this.#connections
    for (let tries = 0; tries < length; tries++) {
      this.#turn = (this.#turn + 1) % length
      const connection = this.#connections[this.#turn]!
      if (connection.state === 'ready') return connection
    }
    return undefined
  }

  /** Waits for a connection. Rejects with Refused as soon as there is no hope, or when `signal` ends it. */
  async wait(signal: AbortSignal | undefined): Promise<GrpcConnection> {
    for (const connection of this.#connections) connection.begin()
    const ready = this.ready()
    if (ready !== undefined) return ready
    const problem = this.#problem()
    if (problem !== undefined) throw problem
    const { promise, resolve, reject } = Promise.withResolvers<GrpcConnection>()
    const waiter: Waiter = { resolve, reject }
    const stop = () => reject(signal?.reason)
    this.#waiters.add(waiter)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await promise
    } finally {
      this.#waiters.delete(waiter)
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Calls that are open still end as they end. Safe twice. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const connection of this.#connections) connection.close()
    this.#answerWaiters()
  }

  /** Why no call can be made; undefined while one still may. */
  #problem(): Refused | undefined {
    if (this.#closed) return new Refused('the gRPC client is closed', { status: 'UNAVAILABLE' })
    if (this.#options.waitForReady) return undefined
    const problems = this.#connections
      .filter(({ state }) => state === 'failing')
      .map(({ problem }) => problem)
    const all = this.#connections.length
    if (all === 0 ? this.#lookupProblem === '' : problems.length < all) return undefined
    const why = all === 0 ? this.#lookupProblem : [...new Set(problems)].join('; ')
    return new Refused(why, { status: 'UNAVAILABLE' })
  }

  #answerWaiters(): void {
    if (this.#waiters.size === 0) return
    const problem = this.#problem()
    for (const waiter of this.#waiters) {
      const connection = this.ready()
      if (connection !== undefined) waiter.resolve(connection)
      else if (problem !== undefined) waiter.reject(problem)
    }
  }

  #changed(connection: GrpcConnection): void {
    if (this.#closed) return
    this.#answerWaiters()
    if (connection.state !== 'ready') this.#lookUpAgain()
  }

  #lookUpAgain(): void {
    const { resolve } = this.#target
    if (resolve === undefined || this.#lookingUp || this.#timer !== undefined || this.#closed) return
    const gap = this.#options.lookupGapMs ?? LOOKUP_GAP_MS
    const wait = this.#lookedUpAt + gap - performance.now()
    if (wait <= 0) void this.#lookUp(resolve)
    else this.#lookUpIn(wait, resolve)
  }

  #lookUpIn(ms: number, resolve: NonNullable<Target['resolve']>): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      // Everything may be well by now.
      if (this.#connections.length > 0 && this.#connections.every(one => one.state === 'ready')) return
      void this.#lookUp(resolve)
    }, ms)
  }

  async #lookUp(resolve: NonNullable<Target['resolve']>): Promise<void> {
    this.#lookingUp = true
    this.#lookedUpAt = performance.now()
    try {
      const addresses = await resolve()
      if (addresses.length === 0) throw new Error('its name has no address')
      this.#lookupFailures = 0
      this.#lookupProblem = ''
      this.#lookingUp = false
      if (!this.#closed) this.#take(addresses)
    } catch (error) {
      this.#lookingUp = false
      if (!this.#closed) this.#lookupFailed(error as NodeJS.ErrnoException, resolve)
    }
  }

  /** What was known stays in use. */
  #lookupFailed(error: NodeJS.ErrnoException, resolve: NonNullable<Target['resolve']>): void {
    const reason = error.code === 'ENOTFOUND' ? 'its name is not known (ENOTFOUND)' : error.message
    this.#lookupProblem = reason
    const ms = Math.min(LOOKUP_RETRY_MS * 2 ** this.#lookupFailures++, LOOKUP_RETRY_MS_MAX)
    this.#lookUpIn(ms, resolve)
    this.#answerWaiters()
  }

  #take(addresses: readonly Address[]): void {
    if (this.#options.policy === 'pick_first') this.#takeFirst(addresses)
    else this.#takeEach(addresses)
    for (const connection of this.#connections) {
      // pick_first connects again with the next call, but the first time it does not wait for one.
      if (this.#options.policy === 'round_robin' || this.#waiters.size > 0) connection.begin()
    }
    this.#answerWaiters()
  }

  #takeFirst(addresses: readonly Address[]): void {
    const [known] = this.#connections
    if (known !== undefined) {
      known.setAddresses(addresses)
      return
    }
    this.#connections = [this.#connection(addresses)]
    this.#connections[0]!.begin()
  }

  #takeEach(addresses: readonly Address[]): void {
    const wanted = new Map(addresses.map(address => [addressText(address), address]))
    const known = new Map(this.#connections.map(connection => [connection.name, connection]))
    this.#connections = [...wanted].map(([name, address]) => known.get(name) ?? this.#connection([address]))
    for (const [name, connection] of known) if (!wanted.has(name)) connection.close()
  }

  #connection(addresses: readonly Address[]): GrpcConnection {
    return new GrpcConnection(addresses, {
      dial: this.#options.dial,
      keepalive: this.#options.keepalive,
      eager: this.#options.policy === 'round_robin',
      changed: connection => this.#changed(connection),
    })
  }
}
