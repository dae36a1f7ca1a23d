/**
 * The Collector's hash of attributes (contrib pkg/pdatautil 0.155, MapHash): 16 bytes, the same whatever the order of
 * the attributes. Kafka records keyed by resource have it as their key.
 *
 * What is hashed is each key behind 0xf4, in the order of the keys' bytes, and behind it the value: 0xf7 text, 0xf6
 * bytes, 0xf8 true, 0xf9 false, 0xfa int64, 0xfb double (both little endian), 0xf5 nothing, 0xfc map 0xfd,
 * 0xfe array 0xff. The first half is XXH64 of that, the second of that and 0xf3.
 */

import { Cursor, LEN, readVarintInt64 } from '../otlp/cursor.ts'
import { AnyValue, ArrayValue, KeyValue, KeyValueList } from '../otlp/fields.ts'
import { Writer } from '../otlp/writer.ts'
import { readBool, readKind, valueStart, valueStop } from './any-value.ts'
import { xxh64 } from './xxhash.ts'

const NOTHING = Buffer.alloc(16)

/** Of the attributes in `field` of the message `bytes[start, stop)`. */
export function mapHash(bytes: Uint8Array, start: number, stop: number, field: number): Buffer {
  const out = new Writer()
  if (writeMap(out, bytes, start, stop, field) === 0) return NOTHING
  const hash = Buffer.alloc(16)
  hash.writeBigUInt64LE(xxh64(out.bytes.subarray(0, out.pos)))
  out.byte(0xf3)
  hash.writeBigUInt64LE(xxh64(out.bytes.subarray(0, out.pos)), 8)
  return hash
}

interface Entry {
  readonly key: Uint8Array
  readonly start: number
  readonly stop: number
}

/** How many entries. Of equal keys the first one's value is written for each, as Go's Map.Get finds it. */
function writeMap(out: Writer, bytes: Uint8Array, start: number, stop: number, field: number): number {
  const entries: Entry[] = []
  const c = new Cursor(bytes, start, stop)
  while (c.next()) if (c.field === field && c.wire === LEN) entries.push(readEntry(bytes, c.start, c.stop))
  // A stable sort: of equal keys the first comes first.
  entries.sort((a, b) => Buffer.compare(a.key, b.key))
  let first: Entry | undefined
  for (const entry of entries) {
    if (first === undefined || Buffer.compare(first.key, entry.key) !== 0) first = entry
    out.byte(0xf4)
    out.raw(entry.key)
    writeValue(out, bytes, first.start, first.stop)
  }
  return entries.length
}

function readEntry(bytes: Uint8Array, start: number, stop: number): Entry {
  let key: Uint8Array = NOTHING.subarray(0, 0)
  let from = stop
  let to = stop
  const c = new Cursor(bytes, start, stop)
  while (c.next()) {
    if (c.wire !== LEN) continue
    if (c.field === KeyValue.key) key = bytes.subarray(c.start, c.stop)
    else if (c.field === KeyValue.value) {
      from = c.start
      to = c.stop
    }
  }
  return { key, start: from, stop: to }
}

function writeValue(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
  const kind = readKind(bytes, start, stop)
  const from = valueStart
  const to = valueStop
  switch (kind) {
    case AnyValue.stringValue:
      out.byte(0xf7)
      out.raw(bytes, from, to)
      break
    case AnyValue.bytesValue:
      out.byte(0xf6)
      out.raw(bytes, from, to)
      break
    case AnyValue.boolValue:
      out.byte(readBool(bytes, from) ? 0xf8 : 0xf9)
      break
    case AnyValue.intValue:
      out.byte(0xfa)
      out.bigFixed64(readVarintInt64(bytes, from))
      break
    case AnyValue.doubleValue:
      out.byte(0xfb)
      out.raw(bytes, from, from + 8)
      break
    case AnyValue.kvlistValue:
      out.byte(0xfc)
      writeMap(out, bytes, from, to, KeyValueList.values)
      out.byte(0xfd)
      break
    case AnyValue.arrayValue:
      out.byte(0xfe)
      writeArray(out, bytes, from, to)
      out.byte(0xff)
      break
    default:
      out.byte(0xf5)
  }
}

function writeArray(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
  const c = new Cursor(bytes, start, stop)
  while (c.next())
    if (c.field === ArrayValue.values && c.wire === LEN) writeValue(out, bytes, c.start, c.stop)
}
