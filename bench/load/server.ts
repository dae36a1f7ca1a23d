/** A target as a process of its own: started on one core, its CPU and memory read from /proc, ended by pid. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/services/ports.ts'
import type { Door } from './cases.ts'
import { ProcessTree } from './process-tree.ts'
import type { Ports, Target } from './targets.ts'
import { TelemetryInbox } from './telemetry-inbox.ts'

const START_MS_MAX = 30_000
const GONE_MS_MAX = 1000

/** What a server says of itself. */
export interface Counts {
  /** Spans taken, by the door they came through. */
  readonly accepted: Readonly<Record<Door, number>>
  /** Spans that left the last processor that changes any; NaN where there is none. */
  readonly kept: number
}

/** No server outlives the benchmark, whatever ends it. */
const running = new Set<ChildProcess>()
let watching = false

function endWithUs(child: ChildProcess): void {
  running.add(child)
  child.on('close', () => running.delete(child))
  if (watching) return
  watching = true
  process.on('exit', () => {
    for (const one of running) one.kill('SIGKILL')
  })
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
}

/** A server that ended while it was needed. */
export class ServerGone extends Error {}

export class LoadServer {
  readonly target: Target
  readonly ports: Ports
  readonly tree: ProcessTree
  readonly #child: ChildProcess
  readonly #inbox: TelemetryInbox | undefined
  #output = ''
  /** What it printed since it was asked what arrived. */
  #answer = ''
  #ended: string | undefined

  private constructor(target: Target, ports: Ports, child: ChildProcess, inbox: TelemetryInbox | undefined) {
    this.target = target
    this.ports = ports
    this.#child = child
    this.#inbox = inbox
    this.tree = new ProcessTree(child.pid ?? 0)
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', text => {
        this.#output = (this.#output + text).slice(-20_000)
        this.#answer = (this.#answer + text).slice(-20_000)
      })
    }
    child.on('error', error => {
      this.#ended = error.message
    })
    child.on('close', (code, signal) => {
      this.#ended ??= code === null ? `by ${signal}` : `with code ${code}`
    })
  }

  /**
   * Resolves when its doors take connections. `core` pins it, where taskset exists; `outlet` is the port it exports to.
   * Throws with its output when it does not start.
   */
  static async start(target: Target, core: number | undefined, outlet = 0): Promise<LoadServer> {
    const inbox = target.counts === 'telemetry' ? await TelemetryInbox.open() : undefined
    const ports: Ports = {
      http: await freePort(),
      grpc: await freePort(),
      metrics: await freePort(),
      outlet,
      telemetry: inbox?.port ?? 0,
    }
    const pin = core === undefined ? [] : ['taskset', '-c', String(core)]
    const [program, ...args] = [...pin, ...target.command]
    const child = spawn(program!, args, { env: { ...process.env, ...target.env(ports) } })
    endWithUs(child)
    const server = new LoadServer(target, ports, child, inbox)
    const wanted = target.doors.map(door => ports[door])
    if (target.counts === 'metrics') wanted.push(ports.metrics)
    if (target.doors.length === 0) wanted.push(outlet)
    const looks = wanted.map(port => () => answers(port))
    // Its signal would end it before it listens to signals, which is after it takes connections.
    if (target.counts === 'signal') looks.push(async () => server.#output.includes('listening'))
    const before = performance.now()
    for (const look of looks) {
      while (!(await look())) {
        if (server.#ended !== undefined || performance.now() - before > START_MS_MAX) {
          await server.stop()
          throw new ServerGone(`${target.name} did not start:\n${server.#output}`)
        }
        await sleep(20)
      }
    }
    return server
  }

  /** Whether it has ended; connections break before that is known, so a moment is waited for it. */
  async gone(): Promise<boolean> {
    if (this.#ended === undefined) {
      const enough = new AbortController()
      const exited = once(this.#child, 'close', { signal: enough.signal }).catch(() => {})
      await Promise.race([exited, sleep(GONE_MS_MAX, undefined, { signal: enough.signal }).catch(() => {})])
      enough.abort()
    }
    return this.#ended !== undefined
  }

  /** Throws with its last words when it has ended. */
  check(): void {
    if (this.#ended === undefined) return
    const last = this.#output.trim().split('\n').slice(-5).join('\n')
    throw new ServerGone(`${this.target.name} ended ${this.#ended}${last === '' ? '' : `:\n${last}`}`)
  }

  /** What it counted so far; undefined where it says so only when it ends. */
  async counts(): Promise<Counts | undefined> {
    this.check()
    if (this.target.counts === 'telemetry') return undefined
    if (this.target.counts === 'signal') throw new Error(`${this.target.name} counts bytes`)
    return readCounts(await (await fetch(`http://127.0.0.1:${this.ports.metrics}/metrics`)).text())
  }

  /** Of a sink that counts. */
  async arrived(): Promise<{ bytes: number; spans: number }> {
    this.#answer = ''
    this.#child.kill('SIGUSR2')
    for (let tries = 0; tries < 1000; tries++) {
      const said = /arrived (\d+) (\d+) (\d+)\n/.exec(this.#answer)
      if (said !== null) return { bytes: Number(said[2]), spans: Number(said[3]) }
      this.check()
      await sleep(5)
    }
    throw new Error(`${this.target.name} does not say what arrived`)
  }

  /** Spans by door that it has reported, for one that reports at its end: right after `stop`. */
  reported(): Readonly<Record<Door, number>> | undefined {
    return this.#inbox?.accepted
  }

  /** Whether it had ended by itself. */
  async stop(): Promise<boolean> {
    const early = this.#ended !== undefined
    if (!early) {
      const exited = once(this.#child, 'close')
      this.#child.kill('SIGTERM')
      const killer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
      await exited
      clearTimeout(killer)
    }
    await this.#inbox?.close()
    return early
  }
}

/** From a metrics page of the Collector's names. */
export function readCounts(page: string): Counts {
  const accepted = { http: 0, grpc: 0 }
  let kept = Number.NaN
  for (const line of page.split('\n')) {
    const value = Number(line.slice(line.lastIndexOf(' ')))
    if (line.startsWith('otelcol_receiver_accepted_spans')) {
      for (const door of ['http', 'grpc'] as const)
        if (line.includes(`transport="${door}"`)) accepted[door] += value
    }
    // The processor behind the sampler in edit.yaml.
    if (line.startsWith('otelcol_processor_outgoing_items') && line.includes('processor="attributes"'))
      kept = value
  }
  return { accepted, kept }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
