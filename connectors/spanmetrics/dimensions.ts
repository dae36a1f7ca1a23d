/**
 * What tells series apart. The key of a series is bytes: what of span, event and resource the series is named after, one
 * after the other, each with its length. Only when a series is new are its attributes written.
 */

import { encodeText, readKind, valueStart, valueStop, valueText } from '../../core/formats/any-value.ts'
import { readCachedString } from '../../core/formats/text-cache.ts'
import { Cursor, high, LEN, low, readVarint64 } from '../../core/otlp/cursor.ts'
import { AnyValue, Resource } from '../../core/otlp/fields.ts'
import type { KeySet } from '../../core/otlp/keys.ts'
import { KeyValueRange } from '../../core/otlp/value.ts'
import { Writer } from '../../core/otlp/writer.ts'
import type { DimensionConfig } from './config.ts'
import { Glob } from './glob.ts'
import type { SlotValues } from './slot-values.ts'

const STRING_TAG = (AnyValue.stringValue << 3) | LEN
/** Stands in a key where a dimension has no value; lengths are one more than they are. */
const ABSENT = 0
const SMALL = 10_000

interface Named {
  readonly key: string
  readonly slot: number
  /** AnyValue. */
  readonly default: Uint8Array | undefined
}

/** The attributes of a message, for globs: they look at all of them. */
export interface AllAttributes {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
  readonly field: number
}

/** Where values are looked for, in this order. */
export interface Sources {
  readonly span: SlotValues
  readonly event: SlotValues | undefined
  readonly resource: SlotValues
}

/** An attribute of a series: its AnyValue is `bytes[start, stop)`. */
export interface Value {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
}

const NOTHING = new Uint8Array()
const cursor = new Cursor(NOTHING)
const entry = new KeyValueRange()

/** One list of the config. */
export class DimensionList {
  readonly named: readonly Named[]
  readonly globs: readonly Glob[]

  /** Enters its keys into `keys`. */
  constructor(written: readonly DimensionConfig[], keys: KeySet) {
    this.named = written
      .filter(({ glob }) => glob === '')
      .map(({ name, default: usual }) => ({
        key: name,
        slot: keys.add(name),
        default: usual === undefined ? undefined : encodeText(usual),
      }))
    this.globs = written.filter(({ glob }) => glob !== '').map(({ glob }) => new Glob(glob))
  }

  /** Appends the values to a key. Allocates nothing: it runs for every span. */
  writeKey(out: Writer, span: SlotValues, event: SlotValues | undefined, resource: SlotValues): void {
    const { named } = this
    for (let i = 0; i < named.length; i++) {
      const { slot, default: usual } = named[i]!
      let from = span
      if (span.starts[slot] === -1) from = event !== undefined && event.starts[slot] !== -1 ? event : resource
      const start = from.starts[slot]!
      if (start !== -1) writeText(out, from.bytes, start, from.stops[slot]!)
      else if (usual !== undefined) writeText(out, usual, 0, usual.length)
      else out.byte(ABSENT)
    }
  }

  /** Adds the attributes to those of a series; a later one takes the place of one with its key. */
  collect(into: Map<string, Value>, { span, event, resource }: Sources): void {
    for (const { key, slot, default: usual } of this.named) {
      const from = [span, event, resource].find(one => one !== undefined && one.starts[slot] !== -1)
      if (from !== undefined)
        into.set(key, { bytes: from.bytes, start: from.starts[slot]!, stop: from.stops[slot]! })
      else if (usual !== undefined) into.set(key, { bytes: usual, start: 0, stop: usual.length })
    }
  }
}

/** The values that globs pick out of attributes, by key; of equal keys the first counts, in the first of `messages`. */
export function matched(
  globs: readonly Glob[],
  messages: readonly AllAttributes[],
): readonly (readonly [string, Value])[] {
  const seen = new Set<string>()
  const found: [string, Value][] = []
  for (const { bytes, start, stop, field } of messages) {
    const own: [string, Value][] = []
    cursor.reset(bytes, start, stop)
    while (cursor.next()) {
      if (cursor.field !== field || cursor.wire !== LEN) continue
      entry.find(bytes, cursor.start, cursor.stop)
      const key = readCachedString(bytes, entry.keyStart, entry.keyStop)
      if (seen.has(key)) continue
      seen.add(key)
      if (globs.some(glob => glob.matches(key)))
        own.push([key, { bytes, start: entry.valueStart, stop: entry.valueStop }])
    }
    found.push(...own)
  }
  cursor.reset(NOTHING, 0, 0)
  return found.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Appends what globs have found to a key. */
export function writeMatched(out: Writer, found: readonly (readonly [string, Value])[]): void {
  for (const [key, { bytes, start, stop }] of found) {
    out.varint(key.length + 1)
    out.string(1, key)
    writeText(out, bytes, start, stop)
  }
  out.byte(ABSENT)
}

/** The text of an AnyValue with its length in front: values of different kinds that look alike are one. */
function writeText(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
  const length = stop - start - 2
  if (length >= 0 && length < 0x7f && bytes[start] === STRING_TAG && bytes[start + 1] === length) {
    out.byte(length + 1)
    out.raw(bytes, start + 2, stop)
    return
  }
  const kind = readKind(bytes, start, stop)
  if (kind === AnyValue.stringValue) {
    out.varint(valueStop - valueStart + 1)
    out.raw(bytes, valueStart, valueStop)
    return
  }
  if (kind === AnyValue.intValue) {
    readVarint64(bytes, valueStart)
    if (high === 0 && low < SMALL) {
      writeDigits(out, low)
      return
    }
  }
  const text = Buffer.from(valueText(bytes, start, stop))
  out.varint(text.length + 1)
  out.raw(text)
}

/** A number below SMALL as its text: codes of answers come with every span. */
function writeDigits(out: Writer, value: number): void {
  const digits = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4
  out.reserve(5)
  const { bytes, pos } = out
  bytes[pos] = digits + 1
  let rest = value | 0
  for (let at = pos + digits; at > pos; at--) {
    const tenth = (rest / 10) | 0
    bytes[at] = 0x30 + rest - tenth * 10
    rest = tenth
  }
  out.pos = pos + digits + 1
}

/** KeyValues as field 1. */
export function encodeAttributes(attributes: ReadonlyMap<string, Value>): Uint8Array {
  scratch.rewind()
  for (const [key, { bytes, start, stop }] of attributes) {
    const mark = scratch.open(Resource.attributes)
    scratch.string(1, key)
    scratch.lengthDelimited(2, bytes, start, stop)
    scratch.close(mark)
  }
  const copy = scratch.copy()
  scratch.trim(KEPT_BYTES)
  return copy
}

/** Buffers of this size are kept: nearly all keys and attributes fit into it. */
export const KEPT_BYTES = 64 * 1024

const scratch = new Writer(1024)
