/**
 * The decision about one item, the same for spans and log records (contrib probabilisticsamplerprocessor 0.155,
 * sampler_mode.go). One object, used for every item: the caller gives it randomness and what the item carries, and
 * reads the outcome from its fields.
 */

import { Memo } from '../../core/formats/re2.ts'
import {
  ALWAYS,
  type Bits56,
  formatThreshold,
  isLess,
  keeps,
  MOST_RANDOM,
  NEVER,
  parseThreshold,
  probabilityOf,
  thresholdOf,
} from '../../core/formats/sampling.ts'
import { type Mode, modeOf, type SamplerConfig } from './config.ts'

/** What samplers before us have written into the item. */
export interface Carried {
  readonly broken: boolean
  readonly randomness: Bits56 | undefined
  readonly threshold: Bits56 | undefined
  readonly th: string
}

/** Where randomness came from: the label `policy` of the metric. */
export const POLICIES = [
  'missing_randomness',
  'trace_id_hash',
  'trace_id_w3c',
  'sampling_randomness',
  'sampling_priority',
] as const
export const MISSING = 0
export const TRACE_ID_HASH = 1
export const TRACE_ID = 2
export const RANDOMNESS = 3
export const PRIORITY = 4
/** Its name is that of the attribute. */
export const ATTRIBUTE_HASH = 5

export type Failure =
  | 'its sampling information cannot be read'
  | 'it has sampling randomness already: use mode equalizing or proportional'
  | 'it has a sampling threshold already: use mode equalizing or proportional'
  | 'it has no trace id or attribute to sample by'
  | 'it should not have got here: its threshold is above its randomness'

const BUCKETS = 0x4000

export class Sampler {
  readonly mode: Mode
  /** Randomness of the item: the caller sets it with `useHash` or `useTraceId`, `judge` may replace it. */
  readonly random: { high: number; low: number }
  /** Outcome: how the decision was made. */
  policy: number
  sampled: boolean
  /** Why the item could not be sampled as configured; it may be kept all the same. */
  failure: Failure | undefined
  /** For an item that is kept: does it get new sampling information, and which threshold? */
  writes: boolean
  th: string
  /** Its own threshold contradicted its randomness and was taken away. */
  cleared: boolean
  readonly #failClosed: boolean
  readonly #own: Bits56
  readonly #ownText: string
  readonly #seeded: number
  readonly #products: Memo<{ bits: Bits56; text: string }>

  constructor(config: SamplerConfig) {
    // The Collector's percentage is a float32, and its share of hash buckets a float32 product, cut off.
    const percent = Math.min(Math.fround(config.sampling_percentage), 100)
    const buckets = Math.trunc(Math.fround(percent * Math.fround(BUCKETS / 100)))
    const mode = modeOf(config)
    const ratio = Math.max(percent / 100, 2 ** -56)
    this.mode = percent === 0 || (mode === 'hash_seed' && buckets === 0) ? 'never' : mode
    this.random = { high: 0, low: 0 }
    this.policy = MISSING
    this.sampled = false
    this.failure = undefined
    this.writes = false
    this.th = ''
    this.cleared = false
    this.#failClosed = config.fail_closed
    const precision = config.sampling_precision
    if (this.mode === 'never') this.#own = NEVER
    else if (this.mode === 'hash_seed') this.#own = { high: (BUCKETS - buckets) * BUCKETS, low: 0 }
    else this.#own = thresholdOf(ratio, precision) ?? NEVER
    this.#ownText = formatThreshold(this.#own)
    this.#seeded = fnv(FNV_OFFSET, seedBytes(config.hash_seed), 0, 4)
    this.#products = new Memo(th => {
      const bits = thresholdOf(probabilityOf(parseThreshold(th)!) * ratio, precision) ?? NEVER
      return { bits, text: formatThreshold(bits) }
    })
  }

  /** Forgets the item before. */
  begin(): void {
    this.random.high = MOST_RANDOM.high
    this.random.low = MOST_RANDOM.low
    this.policy = MISSING
  }

  /** Randomness made of the FNV-1a hash of `bytes[start, stop)`: its 14 low bits decide, as they always have. */
  useHash(bytes: Uint8Array, start: number, stop: number, policy: number): void {
    const hash = fnv(this.#seeded, bytes, start, stop)
    const bucket = hash & (BUCKETS - 1)
    const rest = hash >>> 18
    const mixed = rest ^ (rest << 10)
    this.random.high = (BUCKETS - 1 - bucket) * BUCKETS + (mixed >>> 14)
    this.random.low = (mixed & (BUCKETS - 1)) * BUCKETS + bucket
    this.policy = policy
  }

  /** Randomness as W3C defines it: the last seven bytes of the trace id. */
  useTraceId(id: Uint8Array, start: number): void {
    const at = start + 9
    const middle = id[at + 3]!
    this.random.high = ((id[at]! << 20) | (id[at + 1]! << 12) | (id[at + 2]! << 4) | (middle >>> 4)) >>> 0
    this.random.low = ((middle & 15) << 24) | (id[at + 4]! << 16) | (id[at + 5]! << 8) | id[at + 6]!
    this.policy = TRACE_ID
  }

  /** Decides. `priority` is the threshold that the item asks for itself, when it does. */
  judge(carried: Carried, priority: Bits56 | undefined): void {
    const { mode } = this
    this.failure = undefined
    this.cleared = false
    let carries = true
    if (mode === 'never') {
      this.random.high = MOST_RANDOM.high
      this.random.low = MOST_RANDOM.low
      this.policy = PRIORITY
      if (carried.broken) this.failure = 'its sampling information cannot be read'
    } else {
      this.failure = mode === 'hash_seed' ? this.#refusesCarried(carried) : this.#takesCarried(carried)
      carries = this.failure === undefined
    }
    this.failure ??= this.#contradiction(carried)
    let threshold =
      this.failure === undefined ? this.#thresholdFor(carried) : this.#failClosed ? NEVER : ALWAYS
    if (priority !== undefined) {
      threshold = priority
      this.policy = PRIORITY
    }
    this.sampled = keeps(threshold, this.random)
    this.writes = this.sampled && carries
    if (this.writes) this.th = this.#textFor(threshold, carried)
  }

  /** hash_seed does not mix with consistent sampling. */
  #refusesCarried(carried: Carried): Failure | undefined {
    if (carried.broken) return 'its sampling information cannot be read'
    if (carried.randomness !== undefined)
      return 'it has sampling randomness already: use mode equalizing or proportional'
    if (carried.threshold !== undefined)
      return 'it has a sampling threshold already: use mode equalizing or proportional'
    return undefined
  }

  #takesCarried(carried: Carried): Failure | undefined {
    if (carried.broken) {
      this.begin()
      return 'its sampling information cannot be read'
    }
    if (carried.randomness === undefined) return undefined
    this.random.high = carried.randomness.high
    this.random.low = carried.randomness.low
    this.policy = RANDOMNESS
    return undefined
  }

  #contradiction({ threshold }: Carried): Failure | undefined {
    if (this.policy === MISSING) return 'it has no trace id or attribute to sample by'
    if (threshold === undefined || keeps(threshold, this.random)) return undefined
    this.cleared = true
    return 'it should not have got here: its threshold is above its randomness'
  }

  #thresholdFor({ threshold, th }: Carried): Bits56 {
    if (threshold === undefined || this.mode === 'never' || this.mode === 'hash_seed') return this.#own
    if (this.mode === 'proportional') return this.#products.get(th).bits
    return isLess(this.#own, threshold) ? threshold : this.#own
  }

  /** A threshold in the item is never lowered: that would claim it stands for fewer others than it does. */
  #textFor(threshold: Bits56, carried: Carried): string {
    const before = this.cleared ? undefined : carried.threshold
    if (before !== undefined && isLess(threshold, before)) return carried.th
    if (threshold === this.#own) return this.#ownText
    return threshold === ALWAYS ? '0' : formatThreshold(threshold)
  }
}

const FNV_OFFSET = 0x811c_9dc5
const FNV_PRIME = 0x0100_0193

function fnv(hash: number, bytes: Uint8Array, start: number, stop: number): number {
  for (let i = start; i < stop; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME)
  return hash >>> 0
}

function seedBytes(seed: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(seed)
  return bytes
}
