/** A target as a process of its own: started on one core, its CPU and memory read from /proc, ended by pid. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/services/ports.ts'
import type { Door, Target } from './targets.ts'

const START_MS_MAX = 30_000

export class LoadServer {
  readonly target: Target
  readonly ports: Readonly<Record<Door | 'metrics', number>>
  readonly #child: ChildProcess
  #output = ''

  private constructor(target: Target, ports: LoadServer['ports'], child: ChildProcess) {
    this.target = target
    this.ports = ports
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', text => {
        this.#output = (this.#output + text).slice(-20_000)
      })
    }
  }

  /** Resolves when its doors take connections. `core` pins it, where taskset exists. */
  static async start(target: Target, core: number | undefined): Promise<LoadServer> {
    const ports = { http: await freePort(), grpc: await freePort(), metrics: await freePort() }
    const pin = core === undefined ? [] : ['taskset', '-c', String(core)]
    const [program, ...args] = [...pin, ...target.command]
    const env = {
      ...process.env,
      BENCH_PORT: String(ports[target.doors[0]!]),
      BENCH_HTTP_PORT: String(ports.http),
      BENCH_GRPC_PORT: String(ports.grpc),
      BENCH_METRICS_PORT: String(ports.metrics),
    }
    const server = new LoadServer(target, ports, spawn(program!, args, { env }))
    const wanted = [...target.doors, ...(target.counts === 'metrics' ? (['metrics'] as const) : [])]
    const before = performance.now()
    for (const door of wanted) {
      while (!(await answers(ports[door]))) {
        const late = performance.now() - before > START_MS_MAX
        if (late || server.#child.exitCode !== null) {
          await server.stop()
          throw new Error(`${target.name} did not start:\n${server.#output}`)
        }
        await sleep(20)
      }
    }
    return server
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Microseconds on a core since it started, all threads. */
  cpuUs(): number {
    let ns = 0
    for (const task of readdirSync(`/proc/${this.pid}/task`)) {
      try {
        ns += Number(readFileSync(`/proc/${this.pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
      } catch {
        // A thread that ended between listing and reading; its share is small.
      }
    }
    return ns / 1000
  }

  /** MiB: the most it ever had resident. */
  rssPeakMib(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
  }

  /** Spans taken so far. A sink counts bytes; `bytesPerSpan` of the case turns them into spans. */
  async spans(door: Door, spansPerByte: number): Promise<number> {
    if (this.target.counts === 'signal') {
      this.#output = ''
      this.#child.kill('SIGUSR2')
      for (let tries = 0; tries < 500; tries++) {
        const said = /arrived (\d+) (\d+)\n/.exec(this.#output)
        if (said !== null) return Number(said[2]) * spansPerByte
        await sleep(10)
      }
      throw new Error(`${this.target.name} does not say what arrived`)
    }
    const page = await (await fetch(`http://127.0.0.1:${this.ports.metrics}/metrics`)).text()
    let spans = 0
    for (const line of page.split('\n')) {
      if (!line.startsWith('otelcol_receiver_accepted_spans')) continue
      if (line.includes(`transport="${door}"`)) spans += Number(line.slice(line.lastIndexOf(' ')))
    }
    return spans
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
    await once(this.#child, 'exit')
    clearTimeout(killer)
  }
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
