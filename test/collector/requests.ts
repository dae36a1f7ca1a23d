/** What both are sent: requests of real clients, requests with every field of OTLP, requests made up at random. */

import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { generate } from '../kit/generate.ts'
import { goldenRequests } from '../kit/golden.ts'
import type { PipelineSignal } from '../kit/items.ts'

export interface TestRequest {
  readonly name: string
  readonly signal: PipelineSignal
  readonly bytes: Uint8Array
}

const WITHOUT_PROFILES = SIGNALS.filter((signal: Signal): signal is PipelineSignal => signal !== 'profiles')

/** The seed of this run; SLUICE_SEED repeats one. */
export const seed = Number(process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** What real clients sent, without what says the same again. */
export function golden(): TestRequest[] {
  return goldenRequests().map(({ name, signal, plain }) => ({
    name,
    signal: signal as PipelineSignal,
    bytes: plain,
  }))
}

/** Every field: the same requests in every run, so that a listed difference occurs in every run. */
export function generated(count: number, items = 12): TestRequest[] {
  return requestsFrom('generated', 1000, count, items)
}

/** Other requests in every run. Print `seed` beside what goes wrong with them. */
export function random(count: number, items = 12): TestRequest[] {
  return requestsFrom(`random (SLUICE_SEED=${seed})`, seed, count, items)
}

function requestsFrom(name: string, first: number, count: number, items: number): TestRequest[] {
  return WITHOUT_PROFILES.flatMap(signal =>
    Array.from({ length: count }, (_, i) => ({
      name: `${name} ${signal} ${i}`,
      signal,
      bytes: generate(signal, first + i, items).bytes,
    })),
  )
}
