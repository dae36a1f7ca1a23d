/**
 * Reading snappy, both forms (google/snappy: format_description.txt, framing_format.txt).
 *
 *     block:  varint length, then literals and copies from what was already written
 *     framed: chunks of 1 byte type, 3 bytes length (little endian), content. 0xff begins a stream ("sNaPpY"),
 *             0x00 holds a block, 0x01 plain bytes, both behind a masked CRC-32C of up to 64 KiB of content;
 *             0x80 to 0xfe may be skipped, 0x02 to 0x7f may not.
 *
 * It is ours because bodies come from strangers: the package that writes has no limit when it reads, and what it cannot
 * read makes its memory grow.
 */

import { crc32c } from './crc32c.ts'

export const STREAM_ID = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1')
export const BLOCK_MAX = 65_536

/** The content would be longer than the limit that was given. */
export class SnappyTooLong extends Error {
  override readonly name = 'SnappyTooLong'
}

/** Throws SnappyTooLong before anything is allocated, and an Error that says what is wrong with the bytes. */
export function decompressBlock(bytes: Uint8Array, limit: number): Uint8Array {
  let pos = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const b = bytes[pos++]
    if (b === undefined || shift > 28) throw new Error('snappy: the length at the start is not whole')
    length += (b & 0x7f) * 2 ** shift
    if (b < 0x80) break
  }
  if (length > limit) throw new SnappyTooLong(`snappy: ${length} bytes are more than ${limit}`)
  // One byte becomes 32 at most (a copy of 64 takes two or three): a longer claim is a lie, not worth its memory.
  if (length > bytes.length * 32) throw new Error('snappy: the length at the start cannot be true')
  const out = Buffer.allocUnsafeSlow(length)
  if (inflateBlock(bytes, pos, out) !== length) throw new Error('snappy: the content is shorter than it says')
  return out
}

/** Returns how much was written. Throws on a copy from before the start and on everything that runs past an end. */
function inflateBlock(bytes: Uint8Array, start: number, out: Uint8Array): number {
  let pos = start
  let at = 0
  while (pos < bytes.length) {
    const tag = bytes[pos++]!
    const kind = tag & 3
    let length = (tag >>> 2) + 1
    if (kind === 0) {
      if (length > 60) {
        const extra = length - 60
        length = littleEndian(bytes, pos, extra) + 1
        pos += extra
      }
      if (pos + length > bytes.length) throw new Error('snappy: a literal runs past the end')
      if (at + length > out.length) throw new Error('snappy: the content is longer than it says')
      out.set(bytes.subarray(pos, pos + length), at)
      pos += length
    } else {
      let offset: number
      if (kind === 1) {
        length = ((tag >>> 2) & 7) + 4
        offset = ((tag >>> 5) << 8) | littleEndian(bytes, pos, 1)
        pos += 1
      } else {
        const width = kind === 2 ? 2 : 4
        offset = littleEndian(bytes, pos, width)
        pos += width
      }
      if (offset === 0 || offset > at) throw new Error('snappy: a copy begins before the start')
      if (at + length > out.length) throw new Error('snappy: the content is longer than it says')
      // Byte by byte: source and target may overlap, and then the bytes just written are the ones to copy.
      for (let i = 0; i < length; i++) out[at + i] = out[at + i - offset]!
    }
    at += length
  }
  return at
}

function littleEndian(bytes: Uint8Array, pos: number, width: number): number {
  if (pos + width > bytes.length) throw new Error('snappy: an element runs past the end')
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[pos + i]!
  return value
}

/** True when the bytes are the framed form. */
export function isFramed(bytes: Uint8Array): boolean {
  return bytes.length >= STREAM_ID.length && STREAM_ID.equals(bytes.subarray(0, STREAM_ID.length))
}

/** Throws SnappyTooLong as soon as the limit is passed, and an Error that says what is wrong with the bytes. */
export function decompressFramed(bytes: Uint8Array, limit: number): Uint8Array {
  if (!isFramed(bytes)) throw new Error('snappy: the stream does not begin with its identifier')
  const parts: Uint8Array[] = []
  let total = 0
  let pos = STREAM_ID.length
  while (pos < bytes.length) {
    const type = bytes[pos]!
    const start = pos + 4
    const stop = start + littleEndian(bytes, pos + 1, 3)
    if (stop > bytes.length) throw new Error('snappy: a chunk runs past the end')
    if (type <= 1) {
      const part = chunkContent(type, bytes.subarray(start, stop), limit - total)
      total += part.length
      parts.push(part)
    } else if (type < 0x80) throw new Error(`snappy: chunk type ${type} is not known`)
    pos = stop
  }
  return Buffer.concat(parts, total)
}

function chunkContent(type: number, chunk: Uint8Array, limit: number): Uint8Array {
  if (chunk.length < 4) throw new Error('snappy: a chunk has no checksum')
  const body = chunk.subarray(4)
  if (type === 1 && body.length > limit)
    throw new SnappyTooLong(`snappy: more than ${limit} bytes are left over`)
  const plain = type === 0 ? decompressBlock(body, limit) : body
  if (plain.length > BLOCK_MAX) throw new Error('snappy: a chunk holds more than 64 KiB')
  if (maskedCrc(plain) !== littleEndian(chunk, 0, 4)) throw new Error('snappy: a checksum is wrong')
  return plain
}

/** CRC-32C (Castagnoli), rotated and offset as the framing format wants it. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
}
