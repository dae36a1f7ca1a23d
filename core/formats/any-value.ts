/**
 * One AnyValue, read from and written to its bytes: the value of an attribute, or the body of a log record.
 *
 * AnyValue has a oneof: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7, string index 8 (profiles only).
 * Of several fields the last counts, as protobuf says; none is an empty value.
 */

import {
  Cursor,
  LEN,
  low,
  readDouble,
  readString,
  readVarint64,
  readVarintInt64,
  sameRange,
} from '../otlp/cursor.ts'
import { AnyValue, ArrayValue, KeyValue, KeyValueList } from '../otlp/fields.ts'
import { Writer } from '../otlp/writer.ts'
import { formatDouble } from './go-numbers.ts'

/** Kinds of value are the oneof's field numbers; this one is "not set". */
export const EMPTY_VALUE = 0

/** Where the value is that `readKind` found: as a cursor's `start` and `stop`. */
export let valueStart = 0
export let valueStop = 0

const cursor = new Cursor(new Uint8Array())

/** Which kind of value the AnyValue `bytes[start, stop)` holds; leaves its range in `valueStart`, `valueStop`. */
export function readKind(bytes: Uint8Array, start: number, stop: number): number {
  const c = cursor.reset(bytes, start, stop)
  let kind = EMPTY_VALUE
  valueStart = valueStop = stop
  while (c.next()) {
    if (c.field > AnyValue.stringValueStrindex) continue
    kind = c.field
    valueStart = c.start
    valueStop = c.stop
  }
  return kind
}

/** The value as a text, as the Collector's `AsString`: '' when not set, base64 for bytes, JSON for arrays and maps. */
export function valueText(bytes: Uint8Array, start: number, stop: number): string {
  switch (readKind(bytes, start, stop)) {
    case AnyValue.stringValue:
      return readString(bytes, valueStart, valueStop)
    case AnyValue.boolValue:
      return readBool(bytes, valueStart) ? 'true' : 'false'
    case AnyValue.intValue:
      return readVarintInt64(bytes, valueStart).toString()
    case AnyValue.doubleValue:
      return formatDouble(readDouble(bytes, valueStart))
    case AnyValue.bytesValue:
      return base64(bytes, valueStart, valueStop)
    case AnyValue.arrayValue:
    case AnyValue.kvlistValue:
      return jsonText(bytes, start, stop, false) ?? ''
    default:
      return ''
  }
}

export function readBool(bytes: Uint8Array, pos: number): boolean {
  readVarint64(bytes, pos)
  return low !== 0
}

function base64(bytes: Uint8Array, start: number, stop: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, stop - start).toString('base64')
}

/**
 * The attributes in field `field` of the message `bytes[start, stop)` as Go's `json.Marshal` writes a map of them: `<`,
 * `>` and `&` are escaped. NaN and infinities, at which it fails, become texts.
 */
export function attributesJson(bytes: Uint8Array, start: number, stop: number, field: number): string {
  return jsonMap(bytes, start, stop, field, true) ?? ''
}

/** One value in the same spelling. */
export function valueJson(bytes: Uint8Array, start: number, stop: number): string {
  return jsonText(bytes, start, stop, true) ?? ''
}

/**
 * As Go's encoding/json writes the raw value; undefined when there is a NaN or infinity in it, where that fails, unless
 * it is a `marshal`.
 */
function jsonText(bytes: Uint8Array, start: number, stop: number, marshal: boolean): string | undefined {
  const kind = readKind(bytes, start, stop)
  const from = valueStart
  const to = valueStop
  if (kind === AnyValue.arrayValue) {
    const parts: string[] = []
    const c = new Cursor(bytes, from, to)
    while (c.next()) {
      if (c.field !== ArrayValue.values || c.wire !== LEN) continue
      const part = jsonText(bytes, c.start, c.stop, marshal)
      if (part === undefined) return undefined
      parts.push(part)
    }
    return `[${parts.join(',')}]`
  }
  if (kind === AnyValue.kvlistValue) return jsonMap(bytes, from, to, KeyValueList.values, marshal)
  if (kind === AnyValue.stringValue) return jsonString(readString(bytes, from, to), marshal)
  // No bytes are a nil slice there.
  if (kind === AnyValue.bytesValue && from === to) return 'null'
  if (kind === AnyValue.bytesValue) return `"${base64(bytes, from, to)}"`
  if (kind === AnyValue.doubleValue && !Number.isFinite(readDouble(bytes, from)))
    return marshal ? `"${readDouble(bytes, from)}"` : undefined
  if (kind === EMPTY_VALUE || kind === AnyValue.stringValueStrindex) return 'null'
  return valueText(bytes, start, stop)
}

/** A Go map: the last of equal keys counts, keys sorted by their bytes. */
function jsonMap(
  bytes: Uint8Array,
  start: number,
  stop: number,
  field: number,
  marshal: boolean,
): string | undefined {
  const entries = new Map<string, string | undefined>()
  const c = new Cursor(bytes, start, stop)
  while (c.next()) {
    if (c.field !== field || c.wire !== LEN) continue
    const entry = readEntry(bytes, c.start, c.stop)
    entries.set(entry.key, jsonText(bytes, entry.start, entry.stop, marshal))
  }
  if ([...entries.values()].includes(undefined)) return undefined
  const keys = [...entries.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return `{${keys.map(key => `${jsonString(key, marshal)}:${entries.get(key)}`).join(',')}}`
}

function readEntry(
  bytes: Uint8Array,
  start: number,
  stop: number,
): { key: string; start: number; stop: number } {
  const entry = { key: '', start: stop, stop }
  const c = new Cursor(bytes, start, stop)
  while (c.next()) {
    if (c.wire !== LEN) continue
    if (c.field === KeyValue.key) entry.key = readString(bytes, c.start, c.stop)
    else if (c.field === KeyValue.value) {
      entry.start = c.start
      entry.stop = c.stop
    }
  }
  return entry
}

/** Go escapes two more, because JavaScript once could not read them, and for `json.Marshal` those that HTML knows. */
function jsonString(text: string, marshal: boolean): string {
  const json = JSON.stringify(text)
  if (!(marshal ? /[\u2028\u2029<>&]/ : /[\u2028\u2029]/).test(json)) return json
  return json.replaceAll(marshal ? /[\u2028\u2029<>&]/g : /[\u2028\u2029]/g, escapeOne)
}

function escapeOne(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Deep equality as the Collector's matchers see it: kinds must be the same, NaN equals nothing (but itself inside an
 * array or map), order does not matter in maps.
 */
export function sameValue(
  a: Uint8Array,
  aStart: number,
  aStop: number,
  b: Uint8Array,
  bStart: number,
  bStop: number,
): boolean {
  const kind = readKind(a, aStart, aStop)
  const from = valueStart
  const to = valueStop
  if (readKind(b, bStart, bStop) !== kind) return false
  if (kind === AnyValue.doubleValue) return readDouble(a, from) === readDouble(b, valueStart)
  if (kind === AnyValue.stringValue || kind === AnyValue.bytesValue)
    return sameRange(a, from, to, b, valueStart, valueStop)
  return fingerprint(a, aStart, aStop) === fingerprint(b, bStart, bStop)
}

/** A text that is the same for equal values and different for others. */
export function fingerprint(bytes: Uint8Array, start: number, stop: number): string {
  const kind = readKind(bytes, start, stop)
  const from = valueStart
  const to = valueStop
  const parts: string[] = []
  if (kind === AnyValue.arrayValue) {
    const c = new Cursor(bytes, from, to)
    while (c.next()) {
      if (c.field === ArrayValue.values && c.wire === LEN) parts.push(fingerprint(bytes, c.start, c.stop))
    }
  } else if (kind === AnyValue.kvlistValue) {
    const c = new Cursor(bytes, from, to)
    while (c.next()) {
      if (c.field !== KeyValueList.values || c.wire !== LEN) continue
      const entry = readEntry(bytes, c.start, c.stop)
      parts.push(`${JSON.stringify(entry.key)}=${fingerprint(bytes, entry.start, entry.stop)}`)
    }
    parts.sort()
  } else if (kind === AnyValue.doubleValue)
    return `${kind}:${Buffer.from(bytes.subarray(from, to)).toString('hex')}`
  else return `${kind}:${JSON.stringify(valueText(bytes, start, stop))}`
  return `${kind}(${parts.join(',')})`
}

/** Makes the content of an AnyValue. Each call gives bytes of its own. */
const scratch = new Writer(256)

export function encodeText(text: string): Uint8Array {
  scratch.rewind()
  scratch.string(AnyValue.stringValue, text)
  return scratch.copy()
}

export function encodeInt(value: bigint): Uint8Array {
  scratch.rewind()
  scratch.tag(AnyValue.intValue, 0)
  scratch.bigVarint(value)
  return scratch.copy()
}

export function encodeDouble(value: number): Uint8Array {
  scratch.rewind()
  scratch.tag(AnyValue.doubleValue, 1)
  scratch.double(value)
  return scratch.copy()
}

export function encodeBool(value: boolean): Uint8Array {
  return Uint8Array.of((AnyValue.boolValue << 3) | 0, value ? 1 : 0)
}

/** An array of values, or a map when there are as many `keys`. */
export function encodeList(values: readonly Uint8Array[], keys?: readonly string[]): Uint8Array {
  const out = new Writer(256)
  const list = out.open(keys === undefined ? AnyValue.arrayValue : AnyValue.kvlistValue)
  for (const [i, value] of values.entries()) {
    if (keys === undefined) {
      out.lengthDelimited(ArrayValue.values, value)
      continue
    }
    const entry = out.open(KeyValueList.values)
    out.string(KeyValue.key, keys[i]!)
    out.lengthDelimited(KeyValue.value, value)
    out.close(entry)
  }
  out.close(list)
  return out.copy()
}
