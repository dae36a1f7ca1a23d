/**
 * What is kept of each series, by its number: labels as the text of a line in a ByteTable, times and values in typed
 * arrays. Objects with the same in them cost five times as much, and V8 walks all of them again and again.
 */

import { ByteTable } from '../../core/formats/byte-table.ts'
import { compareLabelBytes } from '../../core/formats/prometheus/label-text.ts'
import type { SeriesFamily, Target } from './store.ts'
import type { State } from './values.ts'

const SMALLEST = 256

/** What a value is: none yet, a number of either kind in the arrays, or an object of its own. */
const NOTHING = 0
const DOUBLE = 1
const INTEGER = 2
const OBJECT = 3

/** Bits of `flags`. */
const LIVE = 1
const PLAIN = 2
const LISTED = 4

export class SeriesTable {
  readonly #texts = new ByteTable()
  readonly #families: SeriesFamily[] = []
  readonly #origins: string[] = []
  readonly #targets: (Target | undefined)[] = []
  readonly #states: (State | undefined)[] = []
  #kinds = new Uint8Array(SMALLEST)
  #flags = new Uint8Array(SMALLEST)
  #labels = new Uint32Array(SMALLEST)
  #times = new BigUint64Array(SMALLEST)
  #starts = new BigUint64Array(SMALLEST)
  #updated = new Float64Array(SMALLEST)
  #doubles = new Float64Array(SMALLEST)
  #integers = new BigInt64Array(this.#doubles.buffer)

  /** Numbers that were given, those of removed series too. */
  get size(): number {
    return this.#texts.size
  }

  /** -1: there never was one. It may have been removed. */
  find(family: SeriesFamily, text: Uint8Array): number {
    return this.#texts.find(family.id, text, 0, text.length)
  }

  /** For what `find` has just said -1. `labels`: how many. `plain`: see `isPlain`. */
  add(family: SeriesFamily, text: Uint8Array, labels: number, plain: boolean): number {
    const index = this.#texts.add(family.id, text, 0, text.length)
    if (index >= this.#flags.length) this.#grow()
    this.#families.push(family)
    this.#origins.push('')
    this.#targets.push(undefined)
    this.#states.push(undefined)
    this.#labels[index] = labels
    this.#flags[index] = plain ? PLAIN : 0
    return index
  }

  /** Begins anew, without a point. */
  revive(index: number, origin: string, target: Target | undefined): void {
    this.#flags[index]! |= LIVE
    this.#kinds[index] = NOTHING
    this.#origins[index] = origin
    this.#targets[index] = target
    this.#updated[index] = 0
  }

  remove(index: number): void {
    this.#flags[index]! &= ~LIVE
    this.#kinds[index] = NOTHING
    this.#states[index] = undefined
    this.#targets[index] = undefined
  }

  isLive(index: number): boolean {
    return (this.#flags[index]! & LIVE) !== 0
  }

  /** All readers are given the same text of its labels. */
  isPlain(index: number): boolean {
    return (this.#flags[index]! & PLAIN) !== 0
  }

  /** True when it was not in its family's list before. */
  list(index: number): boolean {
    const before = this.#flags[index]!
    this.#flags[index] = before | LISTED
    return (before & LISTED) === 0
  }

  unlist(index: number): void {
    this.#flags[index]! &= ~LISTED
  }

  family(index: number): SeriesFamily {
    return this.#families[index]!
  }

  /** The metric and attribute keys it came from: another origin with the same labels is a clash. */
  origin(index: number): string {
    return this.#origins[index]!
  }

  target(index: number): Target | undefined {
    return this.#targets[index]
  }

  /** Its labels as they stand in a line, with UTF-8 names. */
  text(index: number): string {
    return this.#texts.text(index)
  }

  textBytes(index: number): Uint8Array {
    const start = this.#texts.startOf(index)
    return this.#texts.bytesOf(index).subarray(start, start + this.#texts.lengthOf(index))
  }

  labelCount(index: number): number {
    return this.#labels[index]!
  }

  /** Of the last point, and of the time it counts from: nanoseconds since 1970. */
  time(index: number): bigint {
    return this.#times[index]!
  }

  startTime(index: number): bigint {
    return this.#starts[index]!
  }

  /** When the last point came: ms, `performance.now()` clock. */
  updated(index: number): number {
    return this.#updated[index]!
  }

  hasState(index: number): boolean {
    return this.#kinds[index] !== NOTHING
  }

  /** Undefined until the first point is in. */
  state(index: number): State | undefined {
    switch (this.#kinds[index]) {
      case DOUBLE:
        return { kind: 'number', value: this.#doubles[index]!, exemplar: undefined }
      case INTEGER:
        return { kind: 'number', value: this.#integers[index]!, exemplar: undefined }
      default:
        return this.#states[index]
    }
  }

  put(index: number, state: State, time: bigint, startTime: bigint, now: number, target?: Target): void {
    this.#times[index] = time
    this.#starts[index] = startTime
    this.#updated[index] = now
    this.#targets[index] = target
    const plain = state.kind === 'number' && state.exemplar === undefined
    this.#states[index] = plain ? undefined : state
    if (!plain) this.#kinds[index] = OBJECT
    else if (typeof state.value === 'bigint') {
      this.#kinds[index] = INTEGER
      this.#integers[index] = state.value
    } else {
      this.#kinds[index] = DOUBLE
      this.#doubles[index] = state.value
    }
  }

  /** The order of a page: fewer labels first, then by their values in turn, as client_golang sorts. */
  compare(a: number, b: number): number {
    const fewer = this.#labels[a]! - this.#labels[b]!
    return fewer !== 0 ? fewer : compareLabelBytes(this.#bytes(a), this.#bytes(b))
  }

  /** Copies a series of another table. Gives its number here. */
  copy(from: SeriesTable, index: number): number {
    const family = from.family(index)
    const text = from.textBytes(index)
    this.find(family, text)
    const at = this.add(family, text, from.labelCount(index), from.isPlain(index))
    this.revive(at, from.origin(index), from.target(index))
    const state = from.state(index)
    if (state !== undefined)
      this.put(at, state, from.time(index), from.startTime(index), from.updated(index), from.target(index))
    return at
  }

  #bytes(index: number): { bytes: Uint8Array; start: number; stop: number } {
    const start = this.#texts.startOf(index)
    return { bytes: this.#texts.bytesOf(index), start, stop: start + this.#texts.lengthOf(index) }
  }

  #grow(): void {
    const more = <T extends { set(from: T): void }>(before: T, made: T): T => {
      made.set(before)
      return made
    }
    const size = this.#flags.length * 2
    this.#kinds = more(this.#kinds, new Uint8Array(size))
    this.#flags = more(this.#flags, new Uint8Array(size))
    this.#labels = more(this.#labels, new Uint32Array(size))
    this.#times = more(this.#times, new BigUint64Array(size))
    this.#starts = more(this.#starts, new BigUint64Array(size))
    this.#updated = more(this.#updated, new Float64Array(size))
    // Copied as integers: moved as a number, the bits of one that is none may change.
    this.#integers = more(this.#integers, new BigInt64Array(size))
    this.#doubles = new Float64Array(this.#integers.buffer)
  }
}
