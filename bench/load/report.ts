/** What a run of the load benchmark found, as it is written to JSON, and how the rounds get into it. */

import { type Cell, type CellCase, type Door, type Encoding, PACED_SPANS } from './cases.ts'

/** By round; null where it was not measured: a server that had ended, a round that was not begun. */
export type Rounds = readonly (number | null)[]

/** One target, one cell, all rounds. CPU is the server's. */
export interface CellResult {
  readonly case: CellCase
  readonly door: Door
  readonly spans: number
  readonly encoding: Encoding
  readonly target: string
  /** Bytes of a request as sent, and requests of a round. */
  readonly bytes: number
  readonly requests: number
  /** Microseconds of CPU a request. */
  readonly cpuUs: Rounds
  readonly p50Ms: Rounds
  readonly p99Ms: Rounds
  /** `edit`: the share of spans that left the sampler. */
  readonly kept: Rounds
}

export interface PacedResult {
  readonly case: 'paced'
  readonly door: Door
  readonly target: string
  /** Spans a second, spans a request. */
  readonly rate: number
  readonly spans: number
  /** Per cent of one core. */
  readonly cpuPercent: Rounds
  /** From when a request was due. */
  readonly p50Ms: Rounds
  readonly p99Ms: Rounds
  /** The driver's own lateness, 99th percentile; part of the above. */
  readonly lateMs: Rounds
}

/** MiB resident of a process that got the same load as the others: before it, the most it had, and after it. */
export interface MemoryResult {
  readonly case: 'memory'
  readonly door: Door
  readonly target: string
  readonly startMib: Rounds
  readonly peakMib: Rounds
  readonly endMib: Rounds
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** Servers on core 0, the driver on core 1. */
  readonly pinned: boolean
  /** Of the last minute, when the run began: above a few tenths somebody else was at work. */
  readonly loadAverage: number
  readonly node: string
  /** By target; only those that took part. */
  readonly peers: Readonly<Record<string, string>>
  /** Who sends at full load, over HTTP and over gRPC. */
  readonly drivers: Readonly<Record<Door, string>>
}

export interface LoadReport {
  /** When it began, ISO 8601. */
  readonly at: string
  readonly preset: string
  readonly machine: Machine
  /** Rounds that were finished. */
  readonly rounds: number
  readonly cells: readonly CellResult[]
  readonly paced: readonly PacedResult[]
  readonly memory: readonly MemoryResult[]
  /** Errors, spans that did not arrive, servers that ended. Not empty: the figures mean nothing. */
  readonly problems: readonly string[]
}

export type AnyResult = CellResult | PacedResult | MemoryResult

/** One place of the run, without who was there: targets of the same place are compared. */
export function placeOf(result: AnyResult): string {
  const { case: name, door } = result
  if (name === 'memory') return `memory ${door}`
  if (name === 'paced') return `paced ${door} ${result.rate} spans/s`
  return `${name} ${door} ${result.encoding} ${result.spans}`
}

type Filled<T> = { -readonly [K in keyof T]: T[K] extends Rounds ? (number | null)[] : T[K] }

/** Collects what is measured round by round; `null` stands where nothing was. */
export class Recorder {
  readonly #rounds: number
  readonly #cells = new Map<string, Filled<CellResult>>()
  readonly #paced = new Map<string, Filled<PacedResult>>()
  readonly #memory = new Map<string, Filled<MemoryResult>>()

  constructor(rounds: number) {
    this.#rounds = rounds
  }

  #none(): (number | null)[] {
    return new Array<number | null>(this.#rounds).fill(null)
  }

  cell(
    round: number,
    target: string,
    cell: Cell,
    bytes: number,
    taken: Record<CellFigure, number | null>,
  ): void {
    const { case: name, door, spans, encoding, requests } = cell
    const key = `${target} ${name} ${door} ${spans} ${encoding}`
    const into = upsert(this.#cells, key, () => ({
      ...{ case: name, door, spans, encoding, target, bytes, requests },
      ...{ cpuUs: this.#none(), p50Ms: this.#none(), p99Ms: this.#none(), kept: this.#none() },
    }))
    for (const figure of CELL_FIGURES) into[figure][round] = taken[figure]
  }

  paced(round: number, target: string, door: Door, rate: number, taken: Record<PacedFigure, number>): void {
    const into = upsert(this.#paced, `${target} ${door}`, () => ({
      ...{ case: 'paced' as const, door, target, rate, spans: PACED_SPANS },
      ...{ cpuPercent: this.#none(), p50Ms: this.#none(), p99Ms: this.#none(), lateMs: this.#none() },
    }))
    for (const figure of PACED_FIGURES) into[figure][round] = taken[figure]
  }

  memory(round: number, target: string, door: Door, taken: Record<MemoryFigure, number>): void {
    const into = upsert(this.#memory, `${target} ${door}`, () => ({
      ...{ case: 'memory' as const, door, target },
      ...{ startMib: this.#none(), peakMib: this.#none(), endMib: this.#none() },
    }))
    for (const figure of MEMORY_FIGURES) into[figure][round] = taken[figure]
  }

  results(): Pick<LoadReport, 'cells' | 'paced' | 'memory'> {
    return {
      cells: [...this.#cells.values()],
      paced: [...this.#paced.values()],
      memory: [...this.#memory.values()],
    }
  }
}

const CELL_FIGURES = ['cpuUs', 'p50Ms', 'p99Ms', 'kept'] as const
const PACED_FIGURES = ['cpuPercent', 'p50Ms', 'p99Ms', 'lateMs'] as const
const MEMORY_FIGURES = ['startMib', 'peakMib', 'endMib'] as const
type CellFigure = (typeof CELL_FIGURES)[number]
type PacedFigure = (typeof PACED_FIGURES)[number]
type MemoryFigure = (typeof MEMORY_FIGURES)[number]

function upsert<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
