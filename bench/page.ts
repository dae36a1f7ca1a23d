/** The generated part of docs/performance.md; the rest of the page is written by hand and stays. */

import {
  type CellResult,
  type LoadReport,
  type MemoryResult,
  type PacedResult,
  placeOf,
  type Rounds,
} from './load/report.ts'
import { BARE, COLLECTOR, ROTEL, SLUICE } from './load/targets.ts'
import { measured, roundRatios, spreadOf } from './stats.ts'

export const BEGIN = '<!-- From here to the next such line `npm run bench -- --publish` writes. -->'
export const END = '<!-- Written by hand again. -->'

const NAMES: Readonly<Record<string, string>> = {
  [SLUICE]: 'Sluice',
  [COLLECTOR]: 'Collector',
  [ROTEL]: 'Rotel',
}
const DOOR = { http: 'HTTP', grpc: 'gRPC' } as const

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
const tenth = (value: number): string => value.toFixed(1)
const two = (value: number): string => value.toFixed(2)

type Show = (value: number) => string

function middle(rounds: Rounds | undefined, show: Show): string {
  const values = measured(rounds ?? [])
  return values.length === 0 ? '' : show(spreadOf(values).median)
}

function spread(values: readonly number[], show: Show): string {
  if (values.length === 0) return ''
  const { median, low, high } = spreadOf(values)
  return values.length === 1 ? show(median) : `${show(median)} (${show(low)}-${show(high)})`
}

const ratio = (above: Rounds | undefined, below: Rounds | undefined, show: Show): string =>
  above === undefined || below === undefined ? '' : spread(roundRatios(above, below), show)

/** Columns that are empty everywhere are left out: a run without Rotel has none of it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = head.map((_, i) => rows.some(row => row[i] !== ''))
  const line = (cells: readonly string[]) => `| ${cells.filter((_, i) => used[i]).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Those of one place, by target; `bare` is the sink that ratios are against. */
function placesOf<T extends CellResult | PacedResult | MemoryResult>(
  results: readonly T[],
): Map<string, T>[] {
  const places = new Map<string, Map<string, T>>()
  for (const result of results) {
    const place = places.get(placeOf(result)) ?? new Map<string, T>()
    places.set(placeOf(result), place)
    place.set(result.target === BARE[result.door] ? 'bare' : result.target, result)
  }
  return [...places.values()].filter(place => place.has(SLUICE))
}

function cellTable(cells: readonly CellResult[]): string {
  const rows = placesOf(cells).map(place => {
    const ours = place.get(SLUICE)!
    const cpu = (name: string) => place.get(name)?.cpuUs
    const perSecond = measured(ours.cpuUs).map(us => (ours.spans * 1e6) / us)
    return [
      `${DOOR[ours.door]}${ours.encoding === 'gzip' ? ', gzip' : ''}`,
      ...[whole(ours.spans), spread(measured(ours.cpuUs), whole), middle(cpu('bare'), whole)],
      ...[middle(cpu(COLLECTOR), whole), middle(cpu(ROTEL), whole)],
      ...[ratio(cpu(COLLECTOR), ours.cpuUs, tenth), ratio(cpu(ROTEL), ours.cpuUs, tenth)],
      ...[ratio(ours.cpuUs, cpu('bare'), two), whole(spreadOf(perSecond).median / 1000)],
    ]
  })
  const head = ['door', 'spans a request', 'Sluice, us', 'bare, us', 'Collector, us', 'Rotel, us']
  return table(
    [...head, 'Collector / Sluice', 'Rotel / Sluice', 'Sluice / bare', 'Sluice, k spans per CPU-second'],
    rows,
  )
}

function pacedTable(paced: readonly PacedResult[]): string {
  const rows = paced.map(one => [
    ...[DOOR[one.door], NAMES[one.target] ?? one.target, spread(measured(one.cpuPercent), tenth)],
    ...[spread(measured(one.p50Ms), two), spread(measured(one.p99Ms), two), middle(one.lateMs, two)],
  ])
  return table(['door', 'server', 'CPU, % of a core', 'p50, ms', 'p99, ms', 'driver late by, p99, ms'], rows)
}

function memoryTable(memory: readonly MemoryResult[]): string {
  const rows = memory.map(one => [
    ...[DOOR[one.door], NAMES[one.target] ?? one.target, middle(one.startMib, whole)],
    ...[spread(measured(one.peakMib), whole), spread(measured(one.endMib), whole)],
  ])
  return table(['door', 'server', 'started, MiB', 'peak, MiB', 'at the end, MiB'], rows)
}

function machineText({ at, machine, rounds, preset }: LoadReport): string {
  const { cpu, cores, pinned, node, peers, drivers } = machine
  const versions = [
    `Node ${node.slice(1)}`,
    ...Object.entries(peers).map(([name, version]) => `${NAMES[name]} ${version}`),
  ]
  return [
    `${at.slice(0, 10)}, ${cores} cores of ${cpu}, ${versions.join(', ')}; ${rounds} round${rounds === 1 ? '' : 's'} (\`${preset}\`).`,
    `Figures are medians over the rounds, with the lowest and the highest in brackets; ratios are taken within each round.`,
    pinned ? 'Servers ran on one core, the load came from another.' : 'Nothing was pinned to a core.',
    `HTTP was driven by ${drivers.http}, gRPC by ${drivers.grpc}.`,
  ].join('\n')
}

const EXPLAINED = {
  nop: [
    'OTLP -> memory_limiter, batch -> nop',
    'CPU time of the server for one request. Rotel has no memory limiter.',
  ],
  autocannon: [
    'HTTP, with a slower driver',
    'The same driven by autocannon, which is slower than the servers, so that they sleep between requests. These cells come later in a round than those above, when V8 has optimized more of what they run.',
  ],
  edit: [
    'With sampling and editing',
    'memory_limiter, `probabilistic_sampler` at 10 %, `attributes` with one insert and one delete, batch, nop.',
  ],
  export: [
    'OTLP -> batch -> otlp_http',
    'Uncompressed, to a sink that counted every span; CPU until the last one had arrived there.',
  ],
} as const

/** What stands between BEGIN and END. */
export function generated(report: LoadReport): string {
  const parts = [machineText(report), '![Spans per second of CPU by spans a request](performance.svg)']
  for (const name of ['nop', 'autocannon', 'edit', 'export'] as const) {
    const cells = report.cells.filter(cell => cell.case === name)
    if (cells.length > 0) parts.push(`### ${EXPLAINED[name][0]}`, EXPLAINED[name][1], cellTable(cells))
  }
  const [paced] = report.paced
  if (paced !== undefined) {
    parts.push(
      `### At ${whole(paced.rate)} spans a second`,
      `In requests of ${paced.spans} spans, sent when they are due whatever the server does; latency counts from when a request was due.`,
      pacedTable(report.paced),
    )
  }
  if (report.memory.length > 0)
    parts.push(
      '### Memory',
      'Whole process, the same load for each: a fresh server for each door.',
      memoryTable(report.memory),
    )
  return parts.join('\n\n')
}

/** The page with its generated part replaced. Throws when its marks are not there. */
export function withGenerated(page: string, part: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md lacks its marks:\n${BEGIN}\n${END}`)
  return `${page.slice(0, begin)}${BEGIN}\n\n${part}\n\n${page.slice(end)}`
}
