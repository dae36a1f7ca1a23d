/**
 * A connection to one of a list of addresses, kept up: grpc/doc/connection-backoff.md and connectivity semantics, with
 * grpc-go's figures. It is made anew when it is lost, at growing intervals while that fails.
 */

import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import { UnaryCall } from './call.ts'
import { KeepAlive, type KeepAliveConfig } from './keepalive.ts'
import { type Address, addressText } from './target.ts'

/**
 * `idle`: nobody asked yet. `connecting`: calls wait. `failing`: the last attempt failed, calls fail with `problem`
 * until one succeeds.
 */
export type State = 'idle' | 'connecting' | 'ready' | 'failing' | 'closed'

export interface ConnectionOptions {
  readonly dial: (address: Address, signal: AbortSignal) => Promise<Duplex>
  /** Undefined: no pings. */
  readonly keepalive: KeepAliveConfig | undefined
  /** Connects again as soon as it is lost, instead of with the next call. */
  readonly eager: boolean
  /** After each change of `state`. */
  readonly changed: (connection: GrpcConnection) => void
}

/** connection-backoff.md: INITIAL_BACKOFF, MULTIPLIER, JITTER, MAX_BACKOFF, MIN_CONNECT_TIMEOUT. */
const BACKOFF_MS = 1_000
const BACKOFF_FACTOR = 1.6
const BACKOFF_JITTER = 0.2
const BACKOFF_MS_MAX = 120_000
export const CONNECT_MS_MAX = 20_000
/** Between two attempts, even when a server takes connections and drops them at once. */
const GAP_MS_MIN = 200

export class GrpcConnection {
  readonly #options: ConnectionOptions
  #addresses: readonly Address[]
  #state: State = 'idle'
  #problem = ''
  #session: ClientHttp2Session | undefined
  #keepalive: KeepAlive | undefined
  #current: Address | undefined
  #failures = 0
  #begunAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #attempt: AbortController | undefined

  constructor(addresses: readonly Address[], options: ConnectionOptions) {
    this.#addresses = addresses
    this.#options = options
  }

  /** The address, of a connection that has one. */
  get name(): string {
    return this.#addresses.map(addressText).join()
  }

  get state(): State {
    return this.#state
  }

  /** Why it is `failing`: the addresses and what happened there. */
  get problem(): string {
    return this.#problem
  }

  /** Makes a call; only while it is `ready`. */
  call(headers: OutgoingHttpHeaders, parts: readonly Uint8Array[]): UnaryCall {
    const keepalive = this.#keepalive
    const call = new UnaryCall(this.#session!, headers, parts)
    if (keepalive !== undefined) {
      keepalive.callBegins()
      void call.end.then(() => keepalive.callEnds())
    }
    return call
  }

  /** Asks for a connection; does nothing when there is one or one is being made. */
  begin(): void {
    if (this.#state === 'idle') this.#connectIn(0)
  }

  /** Where it may lead from now on. An address that is gone is left once its calls are over. */
  setAddresses(addresses: readonly Address[]): void {
    const texts = new Set(addresses.map(addressText))
    this.#addresses = addresses
    if (this.#current !== undefined && !texts.has(addressText(this.#current))) this.#retire()
  }

  /** Calls that are open still end as they end. */
  close(): void {
    const session = this.#session
    this.#session = undefined
    this.#keepalive?.stop()
    clearTimeout(this.#timer)
    this.#attempt?.abort(new Error('the client is closed'))
    session?.close()
    this.#set('closed')
  }

  #set(state: State): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.#options.changed(this)
  }

  #connectIn(ms: number): void {
    if (this.#state !== 'failing') this.#set('connecting')
    clearTimeout(this.#timer)
    const wait = Math.max(ms, this.#begunAt + GAP_MS_MIN - performance.now())
    if (wait <= 0) void this.#connect()
    else this.#timer = setTimeout(() => void this.#connect(), wait)
  }

  async #connect(): Promise<void> {
    if (this.#state === 'closed') return
    this.#begunAt = performance.now()
    const problems: string[] = []
    for (const address of this.#addresses) {
      const attempt = new AbortController()
      this.#attempt = attempt
      const timer = setTimeout(
        () => attempt.abort(new Error(`it did not take the connection within ${CONNECT_MS_MAX / 1000}s`)),
        CONNECT_MS_MAX,
      )
      try {
        const session = await this.#open(address, attempt.signal)
        this.#ready(session, address)
        return
      } catch (error) {
        if (this.#isClosed()) return
        problems.push(`${addressText(address)}: ${(error as Error).message}`)
      } finally {
        clearTimeout(timer)
        this.#attempt = undefined
      }
    }
    this.#failed(problems.length === 0 ? 'there is no address' : problems.join('; '))
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  #failed(problem: string): void {
    this.#problem = problem
    const base = Math.min(BACKOFF_MS * BACKOFF_FACTOR ** this.#failures, BACKOFF_MS_MAX)
    this.#failures++
    const wait = base * (1 + BACKOFF_JITTER * (2 * Math.random() - 1))
    const sinceBegun = performance.now() - this.#begunAt
    const again = this.#state === 'failing'
    this.#set('failing')
    // Each failure is news: the address may have changed.
    if (again) this.#options.changed(this)
    this.#connectIn(wait - sinceBegun)
  }

  /** A session is good once the server's SETTINGS are here: until then it may be anything that listens. */
  async #open(address: Address, signal: AbortSignal): Promise<ClientHttp2Session> {
    const socket = await this.#options.dial(address, signal)
    const session = connect('http://localhost', {
      createConnection: () => socket,
      settings: { enablePush: false },
      // MB. What waits to be sent counts, and Node's 10 are less than two large batches; the queue bounds how much it is.
      maxSessionMemory: 4096,
    })
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        session.destroy()
        socket.destroy()
        reject(error)
      }
      const stop = () => fail(signal.reason as Error)
      signal.addEventListener('abort', stop, { once: true })
      session.once('remoteSettings', () => {
        signal.removeEventListener('abort', stop)
        resolve(session)
      })
      let why: Error | undefined
      // Stays for the life of the session: what it was doing is told by its calls.
      session.on('error', error => {
        why = error
      })
      session.once('close', () => {
        signal.removeEventListener('abort', stop)
        const text =
          why === undefined ? 'it closed the connection' : `it does not speak HTTP/2 (${why.message})`
        fail(new Error(text))
      })
      if (signal.aborted) stop()
    })
  }

  #ready(session: ClientHttp2Session, address: Address): void {
    if (this.#isClosed() || session.closed || session.destroyed) {
      session.destroy()
      if (!this.#isClosed()) this.#failed(`${addressText(address)}: it closed the connection`)
      return
    }
    this.#failures = 0
    this.#session = session
    this.#current = address
    const { keepalive } = this.#options
    if (keepalive !== undefined) this.#keepalive = new KeepAlive(session, keepalive)
    session.on('goaway', (code, _last, opaque) => {
      if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM && String(opaque) === 'too_many_pings') {
        keepalive?.slowDown()
      }
      this.#lost(session)
    })
    session.on('close', () => this.#lost(session))
    this.#set('ready')
  }

  #lost(session: ClientHttp2Session): void {
    if (session !== this.#session) return
    this.#retire()
  }

  /** Leaves the session to its calls. */
  #retire(): void {
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    this.#current = undefined
    this.#keepalive?.stop()
    this.#keepalive = undefined
    session.close()
    if (this.#options.eager) this.#connectIn(0)
    else this.#set('idle')
  }
}
