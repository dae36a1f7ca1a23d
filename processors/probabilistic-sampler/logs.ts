/**
 * Log records: by trace id or an attribute. What spans have in tracestate, records have in the attributes
 * sampling.threshold and sampling.randomness.
 */

import { encodeText, readKind, valueStart, valueStop, valueText } from '../../core/formats/any-value.ts'
import { Memo } from '../../core/formats/re2.ts'
import {
  type Bits56,
  formatRandomness,
  parseRandomness,
  parseThreshold,
  thresholdOf,
} from '../../core/formats/sampling.ts'
import { AttributeTable } from '../../core/otlp/attributes.ts'
import { Cursor, LEN, readDouble, readString, readVarintInt64 } from '../../core/otlp/cursor.ts'
import { AnyValue, LogRecord } from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import type { Patch } from '../../core/otlp/patch.ts'
import { CHANGE, DROP, type Editor, KEEP, type Verdict } from '../../core/otlp/rewrite.ts'
import type { SamplerConfig } from './config.ts'
import { ATTRIBUTE_HASH, type Carried, MISSING, type Sampler, TRACE_ID_HASH } from './sampler.ts'
import type { Tally } from './tally.ts'

export class LogEditor implements Editor {
  readonly dropsEmpty = true
  readonly #sampler: Sampler
  readonly #tally: Tally
  readonly #byTraceId: boolean
  readonly #precision: number
  readonly #table: AttributeTable
  readonly #thresholdSlot: number
  readonly #randomnessSlot: number
  /** -1 when the config names no attribute. */
  readonly #sourceSlot: number
  readonly #prioritySlot: number
  readonly #cursor: Cursor
  readonly #thresholds: Memo<Uint8Array>
  /** The randomness is a hash, which no later sampler could find again unless it is written down. */
  #hashed: boolean

  constructor(config: SamplerConfig, sampler: Sampler, tally: Tally) {
    const keys = new KeySet()
    this.#sampler = sampler
    this.#tally = tally
    this.#byTraceId = config.attribute_source === 'traceID'
    this.#precision = config.sampling_precision
    this.#thresholdSlot = keys.add('sampling.threshold')
    this.#randomnessSlot = keys.add('sampling.randomness')
    this.#sourceSlot = config.from_attribute === '' ? -1 : keys.add(config.from_attribute)
    this.#prioritySlot = config.sampling_priority === '' ? -1 : keys.add(config.sampling_priority)
    this.#table = new AttributeTable(keys)
    this.#cursor = new Cursor(new Uint8Array())
    this.#thresholds = new Memo(encodeText)
    this.#hashed = false
  }

  item(bytes: Uint8Array, start: number, stop: number): Verdict {
    const sampler = this.#sampler
    const table = this.#table
    table.read(bytes, start, stop, LogRecord.attributes)
    const carried = this.#carried()
    sampler.begin()
    this.#randomize(bytes, start, stop)
    sampler.judge(carried, this.#priority())
    this.#tally.add(sampler)
    if (!sampler.sampled) return DROP
    if (!sampler.writes) return KEEP
    if (sampler.cleared) table.remove(table.find(this.#thresholdSlot))
    this.#writeSampling(sampler)
    return table.changed ? CHANGE : KEEP
  }

  write(patch: Patch): void {
    this.#table.write(patch)
  }

  #writeSampling(sampler: Sampler): void {
    if (this.#hashed) this.#table.put(this.#randomnessSlot, encodeText(formatRandomness(sampler.random)))
    this.#table.put(this.#thresholdSlot, this.#thresholds.get(sampler.th))
  }

  /** Gives the sampler its randomness, when there is any. */
  #randomize(bytes: Uint8Array, start: number, stop: number): void {
    const sampler = this.#sampler
    const hashes = sampler.mode === 'hash_seed'
    const id = hashes && !this.#byTraceId ? -1 : this.#traceId(bytes, start, stop)
    if (id >= 0) {
      if (hashes) sampler.useHash(bytes, id, id + 16, TRACE_ID_HASH)
      else sampler.useTraceId(bytes, id)
    } else if (hashes && this.#sourceSlot >= 0) this.#hashAttribute()
    this.#hashed = hashes && sampler.policy !== MISSING
  }

  #traceId(bytes: Uint8Array, start: number, stop: number): number {
    let id = -1
    const c = this.#cursor.reset(bytes, start, stop)
    while (c.next())
      if (c.field === LogRecord.traceId && c.wire === LEN && c.stop - c.start === 16) id = c.start
    for (let i = id; id >= 0 && i < id + 16; i++) if (bytes[i] !== 0) return id
    return -1
  }

  #hashAttribute(): void {
    const table = this.#table
    const row = table.find(this.#sourceSlot)
    if (row < 0) return
    const { bytes } = table
    const kind = readKind(bytes, table.valueStart(row), table.valueStop(row))
    if (kind === AnyValue.bytesValue || kind === AnyValue.stringValue) {
      if (valueStop > valueStart) this.#sampler.useHash(bytes, valueStart, valueStop, ATTRIBUTE_HASH)
      return
    }
    const text = Buffer.from(valueText(bytes, table.valueStart(row), table.valueStop(row)))
    if (text.length > 0) this.#sampler.useHash(text, 0, text.length, ATTRIBUTE_HASH)
  }

  #carried(): Carried {
    const th = this.#text(this.#thresholdSlot)
    const rv = this.#text(this.#randomnessSlot)
    if (th === '' && rv === '') return NOTHING
    const threshold = parseThreshold(th)
    const randomness = parseRandomness(rv)
    const broken = (th !== '' && threshold === undefined) || (rv !== '' && randomness === undefined)
    return { broken, randomness, threshold, th }
  }

  /** A text attribute; '' when it is not there or of another type. */
  #text(slot: number): string {
    const table = this.#table
    const row = table.find(slot)
    if (row < 0) return ''
    const kind = readKind(table.bytes, table.valueStart(row), table.valueStop(row))
    return kind === AnyValue.stringValue ? readString(table.bytes, valueStart, valueStop) : ''
  }

  /** A percentage of the record's own; 0, and what is no percentage, leaves the configured one. */
  #priority(): Bits56 | undefined {
    const table = this.#table
    const row = this.#prioritySlot < 0 ? -1 : table.find(this.#prioritySlot)
    if (row < 0) return undefined
    const { bytes } = table
    const kind = readKind(bytes, table.valueStart(row), table.valueStop(row))
    if (kind === AnyValue.doubleValue)
      return thresholdOf(readDouble(bytes, valueStart) / 100, this.#precision)
    if (kind !== AnyValue.intValue) return undefined
    return thresholdOf(Number(readVarintInt64(bytes, valueStart)) / 100, this.#precision)
  }
}

const NOTHING: Carried = Object.freeze({ broken: false, randomness: undefined, threshold: undefined, th: '' })
