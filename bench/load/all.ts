/**
 * Load on whole processes: what a request costs the server in CPU time, at the gateway and at sinks that only receive.
 * All targets stand side by side and take turns case by case, so that a noisy minute hits everybody.
 */

import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { gzipSync } from 'node:zlib'
import { realisticTraces } from '../../test/kit/realistic.ts'
import { quantile } from '../micro/harness.ts'
import { figure, table } from '../table.ts'
import { drive, GRPC_DRIVER } from './drive.ts'
import { LoadServer } from './server.ts'
import { BASELINE, type Door, type Target, targets } from './targets.ts'

interface LoadCase {
  readonly spans: number
  readonly gzip: boolean
  readonly requests: number
  readonly plainBytes: number
  readonly body: Buffer
}

/** One target, one door, one case, all rounds. CPU is the server's, in microseconds a request. */
export interface LoadResult {
  readonly target: string
  readonly door: Door
  readonly spans: number
  readonly gzip: boolean
  readonly bytes: number
  readonly requests: number
  readonly cpuUs: { readonly rounds: readonly number[]; readonly median: number; readonly perSpan: number }
  /** Against the bare sink of the library that the gateway stands on, same door, same run. */
  readonly ratio: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
}

export interface LoadReport {
  readonly node: string
  readonly cpu: string
  readonly pinned: boolean
  readonly grpcDriver: string
  readonly rssPeakMib: Readonly<Record<string, number>>
  readonly results: readonly LoadResult[]
  /** Errors and items that did not arrive. Not empty: the figures mean nothing. */
  readonly problems: readonly string[]
}

interface Sample {
  readonly cpuUs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
}

function loadCase(spans: number, gzip: boolean, requests: number): LoadCase {
  const plain = realisticTraces(spans, spans)
  const body = Buffer.from(gzip ? gzipSync(plain) : plain)
  return { spans, gzip, requests, plainBytes: plain.length, body }
}

/** Enough requests that each cell takes some tenths of a second of server time. */
function cases(quick: boolean): LoadCase[] {
  if (quick) return [loadCase(10, false, 3000), loadCase(512, false, 300), loadCase(512, true, 200)]
  const counts: [spans: number, requests: number][] = [
    [1, 8000],
    [10, 6000],
    [100, 2500],
    [512, 800],
    [2000, 200],
  ]
  return [false, true].flatMap(gzip =>
    counts.map(([spans, requests]) => loadCase(spans, gzip, gzip ? Math.ceil(requests / 3) : requests)),
  )
}

/** Everybody on its own core, so that the driver does not push the server aside. */
function pinSelf(): boolean {
  if (availableParallelism() < 2) return false
  try {
    execFileSync('taskset', ['-a', '-cp', '1', String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** All at once: whoever is not asked costs nothing, and every case then meets them all in the same minute. */
async function startAll(all: readonly Target[], pinned: boolean): Promise<LoadServer[]> {
  const servers: LoadServer[] = []
  for (const target of all) servers.push(await LoadServer.start(target, pinned ? 0 : undefined))
  return servers
}

/** No round is begun that would not be over by then: a busy machine gets fewer rounds, not a longer wait. */
const BUDGET_MS = 8 * 60_000

const WARM_UP = [
  [10, false, 4000],
  [512, false, 200],
  [512, true, 100],
] as const

/** Compiled code is what runs for days; what runs in the first second is not measured. */
async function warmUp(server: LoadServer): Promise<void> {
  for (const door of server.target.doors) {
    for (const [spans, gzip, requests] of WARM_UP) {
      const { body } = loadCase(spans, gzip, 1)
      await drive(door, { port: server.ports[door], requests, body, gzip })
    }
  }
}

async function sample(server: LoadServer, door: Door, one: LoadCase, problems: string[]): Promise<Sample> {
  const { spans, plainBytes, requests, body, gzip } = one
  const count = () => server.spans(door, spans / plainBytes)
  const [spansBefore, cpuBefore] = [await count(), server.cpuUs()]
  const hit = await drive(door, { port: server.ports[door], requests, body, gzip })
  const cpuUs = (server.cpuUs() - cpuBefore) / requests
  const arrived = Math.round((await count()) - spansBefore)
  const cell = `${server.target.name} ${door} ${spans} spans${gzip ? ' gzip' : ''}`
  if (hit.errors > 0) problems.push(`${cell}: ${hit.errors} errors`)
  if (arrived !== requests * spans) problems.push(`${cell}: ${arrived} of ${requests * spans} spans arrived`)
  return { cpuUs, p50Ms: hit.p50Ms, p99Ms: hit.p99Ms, errors: hit.errors }
}

function summary(target: Target, door: Door, one: LoadCase, samples: readonly Sample[]): LoadResult {
  const median = (pick: (sample: Sample) => number) =>
    quantile(
      samples.map(pick).sort((a, b) => a - b),
      0.5,
    )
  const cpu = median(({ cpuUs }) => cpuUs)
  return {
    target: target.name,
    door,
    spans: one.spans,
    gzip: one.gzip,
    bytes: one.body.length,
    requests: one.requests,
    cpuUs: { rounds: samples.map(({ cpuUs }) => cpuUs), median: cpu, perSpan: cpu / one.spans },
    ratio: Number.NaN,
    p50Ms: median(({ p50Ms }) => p50Ms),
    p99Ms: median(({ p99Ms }) => p99Ms),
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
  }
}

function withRatios(results: readonly LoadResult[]): LoadResult[] {
  return results.map(result => {
    const base = results.find(
      other =>
        other.target === BASELINE[result.door] &&
        other.spans === result.spans &&
        other.gzip === result.gzip &&
        other.door === result.door,
    )
    return { ...result, ratio: base === undefined ? Number.NaN : result.cpuUs.median / base.cpuUs.median }
  })
}

export async function load(quick: boolean): Promise<LoadReport> {
  const pinned = pinSelf()
  const all = targets()
  const list = cases(quick)
  const rounds = quick ? 1 : 3
  const began = performance.now()
  const problems: string[] = []
  const rssPeakMib: Record<string, number> = {}
  const samples = new Map<string, Sample[]>()
  console.log(
    `load: Node ${process.version}, ${rounds} round(s), gRPC by ${GRPC_DRIVER}, server ${pinned ? 'on a core of its own' : 'not pinned'}`,
  )
  for (let round = 0; round < rounds; round++) {
    const servers = await startAll(all, pinned)
    try {
      for (const server of servers) await warmUp(server)
      for (const [i, one] of list.entries()) {
        for (const door of ['http', 'grpc'] as const) {
          for (const server of servers.filter(({ target }) => target.doors.includes(door))) {
            const key = `${server.target.name} ${door} ${i}`
            const taken = samples.get(key) ?? []
            taken.push(await sample(server, door, one, problems))
            samples.set(key, taken)
          }
        }
      }
      for (const server of servers) {
        const { name } = server.target
        rssPeakMib[name] = Math.max(rssPeakMib[name] ?? 0, server.rssPeakMib())
      }
    } finally {
      await Promise.all(servers.map(server => server.stop()))
    }
    console.log(`  round ${round + 1} of ${rounds} done`)
    const spent = performance.now() - began
    if (spent + spent / (round + 1) > BUDGET_MS) break
  }
  const results = withRatios(
    all.flatMap(target =>
      target.doors.flatMap(door =>
        list.map((one, i) => summary(target, door, one, samples.get(`${target.name} ${door} ${i}`)!)),
      ),
    ),
  )
  const report: LoadReport = {
    node: process.version,
    cpu: cpus()[0]?.model ?? '',
    pinned,
    grpcDriver: GRPC_DRIVER,
    rssPeakMib,
    results,
    problems,
  }
  print(report)
  return report
}

function print({ results, rssPeakMib, problems }: LoadReport): void {
  for (const door of ['http', 'grpc'] as const) {
    const rows = results
      .filter(result => result.door === door)
      .sort((a, b) => Number(a.gzip) - Number(b.gzip) || a.spans - b.spans)
      .map(({ target, spans, gzip, bytes, cpuUs, ratio, p50Ms, p99Ms }) => {
        const [low, high] = [Math.min(...cpuUs.rounds), Math.max(...cpuUs.rounds)]
        const name = `${String(spans).padStart(4)} spans${gzip ? ' gzip' : '     '}  ${target}`
        const cells = [bytes, cpuUs.median].map(figure)
        cells.push(`${figure(low)}-${figure(high)}`, figure(cpuUs.perSpan * 1000), ratio.toFixed(2))
        return [name, ...cells, figure(p50Ms), figure(p99Ms)]
      })
    const head = [`${door} (ratio: to ${BASELINE[door]})`, 'bytes', 'CPU us', 'rounds', 'ns/span', 'ratio']
    console.log(`\n${table([...head, 'p50 ms', 'p99 ms'], rows)}`)
  }
  const peaks = Object.entries(rssPeakMib).map(([name, mib]) => `${name} ${figure(mib)}`)
  console.log(`\nRSS peak in MiB: ${peaks.join(', ')}`)
  for (const problem of problems) console.log(`PROBLEM: ${problem}`)
  if (problems.length === 0) console.log('Every request succeeded and every span arrived.')
}
