/**
 * One HTTP/2 connection to the gRPC door: how long it lives, whether its client is still there, and how often that
 * client may ask the same of us. The rules are grpc-go's (internal/transport/http2_server.go), whose keepalive the
 * Collector's configgrpc hands through.
 */

import { constants, type ServerHttp2Session } from 'node:http2'
import type { Meta } from '../../core/component/meta.ts'
import type { GrpcConfig } from './config.ts'

/** So long after a GOAWAY a connection without calls is still there: what its client had sent by then has arrived. */
const GOODBYE_MS = 500
/** Clients without a request may ping this often, unless permit_without_stream. */
const PING_WITHOUT_STREAM_MS = 2 * 60 * 60 * 1000
const PING_STRIKES_MAX = 2
/** Node's timers take no more; a longer wait is one for ever. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class GrpcConnection {
  readonly session: ServerHttp2Session
  /** What is known of every request of this connection. */
  readonly peer: Meta
  readonly #config: GrpcConfig['keepalive']
  #retired = false
  /** The last call that a GOAWAY has named. */
  #lastCall = Number.POSITIVE_INFINITY
  readonly #timers = new Set<NodeJS.Timeout>()
  #idle: NodeJS.Timeout | undefined
  #calls = 0
  /** An answer was sent since the last ping. */
  #answered = false
  #lastPing = -Infinity
  #strikes = 0

  constructor(session: ServerHttp2Session, peer: Meta, config: GrpcConfig['keepalive']) {
    this.session = session
    this.peer = peer
    this.#config = config
    const { max_connection_age: age, max_connection_idle: idle, time } = config.server_parameters
    session.on('error', () => {}) // What was running is told by its stream.
    session.on('ping', () => this.#onPing())
    session.once('close', () => {
      for (const timer of this.#timers) clearTimeout(timer)
    })
    // Give or take 10 %, so that clients that came together do not come again together.
    if (age > 0) this.#after(age * (0.9 + Math.random() * 0.2), () => this.#tooOld())
    if (idle > 0) this.#waitForCalls()
    if (time > 0) this.#watch(time)
  }

  /**
   * False for a call behind the last one that a GOAWAY has named: its client makes it again elsewhere. Node sends the
   * frame a turn later, and until then nghttp2 lets calls in.
   */
  takes(stream: number): boolean {
    return stream <= this.#lastCall
  }

  callBegins(): void {
    this.#calls++
    this.#cancel(this.#idle)
  }

  callEnds(): void {
    this.#answered = true
    if (--this.#calls === 0) this.#waitForCalls()
  }

  /** Asks the client to connect anew. The connection ends with its last call. */
  close(): void {
    this.#retire('shutdown')
  }

  /**
   * GOAWAY with the last call that was looked at (RFC 9113 6.8): whatever the client had sent behind it, gRPC clients
   * send again by themselves, somewhere else. The connection stays for a moment, because a socket that is closed while
   * something comes in is reset, and the GOAWAY may be lost with it.
   *
   * grpc-go first sends one for all streams and serves what comes until the client has seen it. nghttp2 takes no new
   * stream once it has sent a GOAWAY, and Node does not offer what it has for this (nghttp2_submit_shutdown_notice).
   */
  #retire(why: string): void {
    const { session } = this
    if (this.#retired || session.closed || session.destroyed) return
    this.#retired = true
    this.#lastCall = session.state.lastProcStreamID ?? 0
    session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(why))
    this.#after(GOODBYE_MS, () => session.close())
  }

  #tooOld(): void {
    const { max_connection_age_grace: grace } = this.#config.server_parameters
    this.#retire('max_age')
    if (grace > 0) this.#after(grace, () => this.session.destroy())
  }

  #waitForCalls(): void {
    const { max_connection_idle: idle } = this.#config.server_parameters
    if (idle > 0) this.#idle = this.#after(idle, () => this.#retire('max_idle'))
  }

  /** Asks a client that has said nothing for `time` ms whether it is there. */
  #watch(time: number): void {
    const { session } = this
    const { timeout } = this.#config.server_parameters
    const read = session.socket.bytesRead
    this.#after(time, () => {
      if (session.socket.bytesRead !== read) {
        this.#watch(time)
        return
      }
      const cut = this.#after(timeout, () => session.destroy())
      session.ping(gone => {
        this.#cancel(cut)
        if (gone === null) this.#watch(time)
      })
    })
  }

  /** Pings cost us a frame each, and phones their battery: those that come too often end the connection. */
  #onPing(): void {
    const { min_time, permit_without_stream } = this.#config.enforcement_policy
    const now = performance.now()
    const passed = now - this.#lastPing
    this.#lastPing = now
    if (this.#answered) {
      this.#answered = false
      this.#strikes = 0
      return
    }
    const least = this.#calls === 0 && !permit_without_stream ? PING_WITHOUT_STREAM_MS : min_time
    if (passed >= least || ++this.#strikes <= PING_STRIKES_MAX) return
    const { session } = this
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
    setImmediate(() => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM))
  }

  #after(ms: number, then: () => void): NodeJS.Timeout | undefined {
    if (ms > TIMER_MS_MAX || this.session.destroyed) return undefined
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      then()
    }, ms)
    this.#timers.add(timer.unref())
    return timer
  }

  #cancel(timer: NodeJS.Timeout | undefined): void {
    if (timer === undefined) return
    clearTimeout(timer)
    this.#timers.delete(timer)
  }
}
