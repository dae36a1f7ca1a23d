/**
 * Pings that find out whether a quiet server is still there: grpc-go's rules (internal/transport/http2_client.go), which
 * are those of gRPC's proposal A8.
 */

import type { ClientHttp2Session } from 'node:http2'

/** Go's floor: servers answer more frequent pings with GOAWAY. */
const TIME_MS_MIN = 10_000
const TIMEOUT_MS = 20_000
/** Node's timers take no more; a longer wait is one for ever. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** One for all connections of a client, so that they all slow down when a server asks one of them to. */
export class KeepAliveConfig {
  /** ms without a byte from the server before it is asked. */
  time: number
  /** ms that it has for the answer. */
  readonly timeout: number
  readonly withoutCalls: boolean

  /** 0 means never for `time` and 20 s for `timeout`. */
  constructor(time: number, timeout: number, withoutCalls: boolean) {
    this.time = time === 0 ? Number.POSITIVE_INFINITY : Math.max(time, TIME_MS_MIN)
    this.timeout = timeout === 0 ? TIMEOUT_MS : timeout
    this.withoutCalls = withoutCalls
  }

  /** A server said "too_many_pings". */
  slowDown(): void {
    this.time *= 2
  }
}

export class KeepAlive {
  readonly #session: ClientHttp2Session
  readonly #config: KeepAliveConfig
  #timer: NodeJS.Timeout | undefined
  #read = 0
  /** No call was open when it was time to ask; the next one asks. */
  #dormant = false
  #calls = 0

  constructor(session: ClientHttp2Session, config: KeepAliveConfig) {
    this.#session = session
    this.#config = config
    this.#watch()
  }

  callBegins(): void {
    this.#calls++
    if (!this.#dormant) return
    this.#dormant = false
    this.#ping()
  }

  callEnds(): void {
    this.#calls--
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#dormant = false
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    if (ms <= TIMER_MS_MAX) this.#timer = setTimeout(then, ms).unref()
  }

  /** Waits until nothing has come for `time`. */
  #watch(): void {
    this.#read = this.#session.socket.bytesRead
    this.#after(this.#config.time, () => {
      const session = this.#session
      if (session.destroyed) return
      if (session.socket.bytesRead !== this.#read) this.#watch()
      else if (this.#config.withoutCalls || this.#calls > 0) this.#ping()
      else this.#dormant = true
    })
  }

  #ping(): void {
    const session = this.#session
    if (session.destroyed) return
    this.#after(this.#config.timeout, () => {
      session.destroy(new Error(`the server did not answer a ping within ${this.#config.timeout} ms`))
    })
    session.ping(gone => {
      if (gone === null && !session.destroyed) this.#watch()
    })
  }
}
