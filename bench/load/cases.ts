/** What is measured: the cases by name, their cells, and the two presets. */

import { gzipSync } from 'node:zlib'
import { realisticTraces } from '../../test/kit/realistic.ts'

export const DOORS = ['http', 'grpc'] as const
export type Door = (typeof DOORS)[number]

/** Each has a config of its own, `<name>.yaml` in this folder. */
export const PIPELINES = ['nop', 'edit', 'export', 'spanmetrics'] as const
export type Pipeline = (typeof PIPELINES)[number]

/** What shots are fired for: the pipelines at full load, and `nop` over HTTP as autocannon drives it. */
export const CELL_CASES = [...PIPELINES, 'autocannon'] as const
export type CellCase = (typeof CELL_CASES)[number]

export const CASES = [...CELL_CASES, 'paced', 'memory'] as const
export type CaseName = (typeof CASES)[number]

export const ENCODINGS = ['plain', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** One shot: so many equal requests through one door of one pipeline, as fast as they are answered. */
export interface Cell {
  readonly case: CellCase
  readonly pipeline: Pipeline
  readonly door: Door
  readonly spans: number
  readonly encoding: Encoding
  readonly requests: number
}

export interface Preset {
  readonly cases: readonly CaseName[]
  readonly doors: readonly Door[]
  /** Spans a request; `undefined` leaves it to the case. */
  readonly spans: readonly number[] | undefined
  readonly encodings: readonly Encoding[]
  readonly rounds: number
  /** Of the usual number of requests. */
  readonly scale: number
  /** Servers are started anew for every round, so that the luck of one start is not taken for a property. */
  readonly restart: boolean
  readonly pacedSeconds: number
  /** Spans a second of the paced case. */
  readonly rate: number
  /** No round is begun that would not be over by then: a busy machine gets fewer rounds, not a longer wait. */
  readonly minutes: number
}

export const PRESETS = {
  quick: {
    cases: ['nop'],
    doors: DOORS,
    spans: [10, 512],
    encodings: ['plain'],
    rounds: 3,
    scale: 0.25,
    restart: false,
    pacedSeconds: 2,
    rate: 20_000,
    minutes: 1,
  },
  full: {
    cases: CASES,
    doors: DOORS,
    spans: undefined,
    encodings: ENCODINGS,
    rounds: 5,
    scale: 1,
    restart: true,
    pacedSeconds: 5,
    rate: 20_000,
    minutes: 40,
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof PRESETS

/** Sizes where none are asked for. What one SDK sends at most is 512; what a gateway sends on is larger. */
const SPANS: Readonly<Record<CellCase, readonly number[]>> = {
  nop: [1, 10, 100, 512, 2000],
  autocannon: [1, 10, 100, 512],
  edit: [100, 512],
  export: [10, 100, 512],
  spanmetrics: [10, 100, 512],
}

/** Compression belongs to the door, and the door is measured with nop. */
const ENCODINGS_OF: Readonly<Record<CellCase, readonly Encoding[]>> = {
  nop: ENCODINGS,
  autocannon: ['plain'],
  edit: ['plain'],
  export: ['plain'],
  spanmetrics: ['plain'],
}

export const PACED_SPANS = 100

/** Enough that each cell takes some tenths of a second of server time. */
export function requestsFor(spans: number, encoding: Encoding, scale: number): number {
  const plain = 800_000 / (100 + 1.7 * spans)
  return Math.max(20, Math.round((encoding === 'gzip' ? plain / 3 : plain) * scale))
}

/** What is fired at one pipeline. */
export function cellsOf(preset: Preset, pipeline: Pipeline): Cell[] {
  const cells = cellsFor(preset, pipeline, pipeline, preset.doors)
  if (pipeline !== 'nop') return cells
  const http = preset.doors.filter(door => door === 'http')
  return [...cells, ...cellsFor(preset, 'autocannon', pipeline, http)]
}

function cellsFor(preset: Preset, name: CellCase, pipeline: Pipeline, doors: readonly Door[]): Cell[] {
  if (!preset.cases.includes(name)) return []
  const cells: Cell[] = []
  for (const encoding of preset.encodings.filter(one => ENCODINGS_OF[name].includes(one))) {
    for (const door of doors) {
      for (const spans of preset.spans ?? SPANS[name]) {
        const requests = requestsFor(spans, encoding, preset.scale)
        cells.push({ case: name, pipeline, door, spans, encoding, requests })
      }
    }
  }
  return cells
}

export interface Body {
  /** As it is sent. */
  readonly bytes: Buffer
  readonly encoding: Encoding
  /** Before compression. */
  readonly plainBytes: number
}

/** Seeds with which the sampler of `edit` keeps about a tenth: it keeps whole traces, and small requests have few. */
const SEEDS: Readonly<Record<number, number>> = { 10: 5, 100: 3 }

const bodies = new Map<string, Body>()

export function bodyOf(spans: number, encoding: Encoding): Body {
  const key = `${spans} ${encoding}`
  const known = bodies.get(key)
  if (known !== undefined) return known
  const plain = realisticTraces(spans, SEEDS[spans] ?? 1)
  const bytes = Buffer.from(encoding === 'gzip' ? gzipSync(plain) : plain)
  const body = { bytes, encoding, plainBytes: plain.length }
  bodies.set(key, body)
  return body
}
