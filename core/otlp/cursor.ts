/**
 * Reading protobuf wire format, one field at a time, without allocating per field.
 *
 * Everything here trusts its bytes: `validate.ts` has walked them once at the door. On bytes that were not validated
 * these functions never read outside the array, but what they return means nothing.
 *
 * Wire format (protobuf.dev/programming-guides/encoding): a field is a tag varint `number << 3 | wire type`, then
 * VARINT 0: a varint; I64 1: 8 bytes; LEN 2: a varint length and that many bytes; I32 5: 4 bytes.
 */

export const VARINT = 0
export const I64 = 1
export const LEN = 2
export const I32 = 5

const TWO_32 = 0x1_0000_0000

/**
 * Walks the fields of one message. `next()` moves to the next field and skips its value, so a caller reads only what
 * it wants: for LEN fields the value is `bytes[start, stop)`, for the others it begins at `start`.
 *
 *     const c = new Cursor(bytes)
 *     while (c.next()) if (c.field === Span.name) name = readString(bytes, c.start, c.stop)
 */
export class Cursor {
  bytes: Uint8Array
  /** Where the next field's tag is. */
  pos: number
  end: number
  /** Number and wire type of the current field. */
  field: number
  wire: number
  /** Where the current field's tag begins: `[tagStart, stop)` is the whole field. */
  tagStart: number
  /** The current field's value, without its length prefix. */
  start: number
  stop: number

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = bytes
    this.pos = pos
    this.end = end
    this.field = 0
    this.wire = 0
    this.tagStart = pos
    this.start = pos
    this.stop = pos
  }

  /** Makes the cursor read another message; saves an allocation where many messages are walked. */
  reset(bytes: Uint8Array, pos: number, end: number): this {
    this.bytes = bytes
    this.pos = pos
    this.end = end
    return this
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    const bytes = this.bytes
    let pos = this.pos
    if (pos >= this.end) return false
    this.tagStart = pos
    // Nearly every OTLP tag is one byte (field numbers up to 15).
    let tag = bytes[pos++]!
    if (tag >= 0x80) {
      tag = readVarint(bytes, pos - 1)
      pos = varintEnd
    }
    const wire = tag & 7
    this.wire = wire
    this.field = tag >>> 3
    if (wire === LEN) {
      let length = bytes[pos++]!
      if (length >= 0x80) {
        // Up to 16 kB, as spans and most of what holds them are, without the call.
        const second = bytes[pos]!
        if (second < 0x80) {
          length = (length & 0x7f) | (second << 7)
          pos++
        } else {
          length = readVarint(bytes, pos - 1)
          pos = varintEnd
        }
      }
      this.start = pos
      pos += length
    } else {
      this.start = pos
      if (wire === VARINT) while (bytes[pos++]! >= 0x80);
      else if (wire === I64) pos += 8
      else if (wire === I32) pos += 4
      else pos = this.end
    }
    this.stop = pos
    this.pos = pos
    return true
  }
}

/** Where the varint ended that `readVarint` or `readVarint64` read last. A field, not a second result: no tuple. */
export let varintEnd = 0

/** Low and high 32 bits (unsigned) of what `readVarint64` read last. */
export let low = 0
export let high = 0

/**
 * A varint as an unsigned number; exact up to 2^53, which covers tags, lengths, enums and counts of a request.
 * 64-bit values go through `readVarint64`.
 */
export function readVarint(bytes: Uint8Array, pos: number): number {
  let b = bytes[pos++]!
  let value = b & 0x7f
  if (b >= 0x80) {
    b = bytes[pos++]!
    value |= (b & 0x7f) << 7
    if (b >= 0x80) {
      b = bytes[pos++]!
      value |= (b & 0x7f) << 14
      if (b >= 0x80) {
        b = bytes[pos++]!
        value |= (b & 0x7f) << 21
        if (b >= 0x80) {
          readVarint64(bytes, pos - 4)
          return high * TWO_32 + low
        }
      }
    }
  }
  varintEnd = pos
  return value
}

/** A varint as two unsigned halves, left in `low` and `high`. Bits past the 64th are dropped, as protobuf says. */
export function readVarint64(bytes: Uint8Array, pos: number): void {
  let lo = 0
  let hi = 0
  let shift = 0
  let b = 0x80
  while (b >= 0x80 && shift < 70) {
    b = bytes[pos++] ?? 0
    const bits = b & 0x7f
    if (shift < 28) lo |= bits << shift
    else if (shift === 28) {
      lo |= bits << 28
      hi = bits >>> 4
    } else hi |= bits << (shift - 32)
    shift += 7
  }
  low = lo >>> 0
  high = hi >>> 0
  varintEnd = pos
}

/** Eight little-endian bytes as two unsigned halves, left in `low` and `high`. */
export function readFixed64(bytes: Uint8Array, pos: number): void {
  low = readFixed32(bytes, pos)
  high = readFixed32(bytes, pos + 4)
}

export function readFixed32(bytes: Uint8Array, pos: number): number {
  return (bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24)) >>> 0
}

/** `uint64` and `fixed64` as bigint, for the edge where a digit is printed or compared. */
export function readVarintUint64(bytes: Uint8Array, pos: number): bigint {
  readVarint64(bytes, pos)
  return (BigInt(high) << 32n) | BigInt(low)
}

/** `int64` (two's complement, not zigzag) as bigint. */
export function readVarintInt64(bytes: Uint8Array, pos: number): bigint {
  return BigInt.asIntN(64, readVarintUint64(bytes, pos))
}

export function readFixedUint64(bytes: Uint8Array, pos: number): bigint {
  readFixed64(bytes, pos)
  return (BigInt(high) << 32n) | BigInt(low)
}

export function readFixedInt64(bytes: Uint8Array, pos: number): bigint {
  return BigInt.asIntN(64, readFixedUint64(bytes, pos))
}

const eight = new DataView(new ArrayBuffer(8))

export function readDouble(bytes: Uint8Array, pos: number): number {
  for (let i = 0; i < 8; i++) eight.setUint8(i, bytes[pos + i]!)
  return eight.getFloat64(0, true)
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** UTF-8 text; ill-formed sequences become U+FFFD. Short ASCII, the usual case, skips TextDecoder's fixed cost. */
export function readString(bytes: Uint8Array, start: number, stop: number): string {
  if (stop - start <= 24) {
    let text = ''
    let i = start
    for (; i < stop; i++) {
      const b = bytes[i]!
      if (b >= 0x80) break
      text += String.fromCharCode(b)
    }
    if (i === stop) return text
  }
  return utf8.decode(bytes.subarray(start, stop))
}

const HEX = Array.from({ length: 256 }, (_, b) => b.toString(16).padStart(2, '0'))

/** Lower-case hex, as ids are written in OTLP/JSON and in Jaeger. */
export function readHex(bytes: Uint8Array, start: number, stop: number): string {
  let text = ''
  for (let i = start; i < stop; i++) text += HEX[bytes[i]!]
  return text
}

/** True when the two byte ranges hold the same bytes. */
export function sameBytes(a: Uint8Array, aStart: number, aStop: number, b: Uint8Array): boolean {
  if (aStop - aStart !== b.length) return false
  for (let i = 0; i < b.length; i++) if (a[aStart + i] !== b[i]) return false
  return true
}

/** True when `a[aStart, aStop)` and `b[bStart, bStop)` hold the same bytes. */
export function sameRange(
  a: Uint8Array,
  aStart: number,
  aStop: number,
  b: Uint8Array,
  bStart: number,
  bStop: number,
): boolean {
  const length = aStop - aStart
  if (bStop - bStart !== length) return false
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}
