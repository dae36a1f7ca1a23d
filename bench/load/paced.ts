/**
 * Load at a fixed pace, whatever the server does: request n is due at n times the interval, and is sent then, whether
 * or not earlier ones were answered. Its latency counts from when it was due, not from when it got out, so a server
 * that stalls pays for everything that should have been sent meanwhile. (A driver that waits for answers sends less
 * while the server stalls and so leaves the slow requests out: coordinated omission.)
 */

import { Agent, request } from 'node:http'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { quantile } from '../stats.ts'
import type { Body, Door } from './cases.ts'
import { callGrpc, frame, grpcHeaders, httpHeaders, METHOD, openSessions } from './drive.ts'

export interface PacedImpact {
  /** Requests that were not answered with success, or not sent because too many were unanswered. */
  readonly errors: number
  /** From when a request was due. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** How far behind its schedule the driver itself was, 99th percentile. It is part of every latency. */
  readonly lateMs: number
}

/** Unanswered at once: a server this far behind has failed, and sending on would measure our own memory. */
const OPEN_MAX = 2000
/** How long after the last was sent answers are waited for. */
const LAST_MS_MAX = 10_000
/** Timers are this exact; the rest is spent turning the event loop, which also takes the answers in. */
const TIMER_MS = 2

/** What time it is, in ms, and waiting for a time. */
export interface Clock {
  now(): number
  until(due: number): Promise<void>
}

const REAL: Clock = {
  now: () => performance.now(),
  async until(due) {
    // At least one turn, also when it is late already: answers must come in.
    do {
      const left = due - performance.now()
      if (left > TIMER_MS) await sleep(left - TIMER_MS)
      else await turn()
    } while (due > performance.now())
  },
}

/** `send` resolves with whether it succeeded. Returns when all have been answered, or after 10 s more. */
export async function openLoop(
  send: () => Promise<boolean>,
  requests: number,
  intervalMs: number,
  { clock = REAL, openMax = OPEN_MAX, lastMsMax = LAST_MS_MAX } = {},
): Promise<PacedImpact> {
  const took: number[] = []
  const late: number[] = []
  const open = new Set<Promise<void>>()
  let good = 0
  const began = clock.now() + TIMER_MS
  for (let n = 0; n < requests; n++) {
    const due = began + n * intervalMs
    await clock.until(due)
    late.push(clock.now() - due)
    if (open.size >= openMax) continue
    const answered: Promise<void> = send().then(ok => {
      took.push(clock.now() - due)
      if (ok) good++
      open.delete(answered)
    })
    open.add(answered)
  }
  const enough = new AbortController()
  await Promise.race([
    Promise.all(open),
    sleep(lastMsMax, undefined, { signal: enough.signal }).catch(() => {}),
  ])
  enough.abort()
  took.sort((a, b) => a - b)
  late.sort((a, b) => a - b)
  return {
    errors: requests - good,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
    lateMs: quantile(late, 0.99),
  }
}

/** As many as a few dozen SDKs keep; more than that wait in line here, and their waiting counts. */
const CONNECTIONS = 64

/** Sends one request each time it is asked, over connections that stay. */
export interface Sender {
  /** Resolves with whether it was answered with success; never rejects. */
  send(): Promise<boolean>
  close(): void
}

export function openSender(door: Door, port: number, body: Body): Sender {
  return door === 'http' ? httpSender(port, body) : grpcSender(port, body)
}

function httpSender(port: number, body: Body): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const headers = { ...httpHeaders(body), 'content-length': body.bytes.length }
  const options = { agent, host: '127.0.0.1', port, path: '/v1/traces', method: 'POST', headers }
  return {
    send: () =>
      new Promise(resolve => {
        const call = request(options)
        call.on('response', response => {
          response.resume().on('close', () => resolve(response.statusCode === 200 && response.complete))
        })
        call.on('error', () => resolve(false))
        call.end(body.bytes)
      }),
    close: () => agent.destroy(),
  }
}

function grpcSender(port: number, body: Body): Sender {
  const sessions = openSessions(port)
  const headers = { ':method': 'POST', ':path': METHOD, ...grpcHeaders(body) }
  const message = frame(body)
  let nth = 0
  return {
    send: () => callGrpc(sessions[nth++ % sessions.length]!, headers, message),
    close: () => {
      for (const session of sessions) session.destroy()
    },
  }
}
