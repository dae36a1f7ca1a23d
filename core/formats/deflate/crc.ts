/**
 * CRC-32 (RFC 1952 8) of a text that is put together from pieces. Checksums are polynomials over GF(2), and what a piece
 * adds to that of the text is its own, multiplied with a power of x that says how far from the end it stands. As pieces come
 * again and again, only those powers are added up for each (by exclusive or), and multiplied with the piece's sum once for
 * many: writing a piece costs one number out of `WEIGHT_OF`.
 *
 * Sums here begin with 0 and have no bits turned over; who writes the checksum begins with -1 and turns all bits at the end.
 * The lowest bit stands for the highest power.
 */

import { PART_BYTES, SLACK } from './layout.ts'

const POLYNOMIAL = 0xedb8_8320 | 0
/** `x` to the power of 0. */
export const ONE = 0x8000_0000 | 0
const BYTE_BITS = 8

/** What each value of a byte adds. */
export const CRC_TABLE = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let sum = byte
  for (let bit = 0; bit < BYTE_BITS; bit++) sum = timesX(sum)
  CRC_TABLE[byte] = sum
}

function timesX(sum: number): number {
  return sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1
}

/** Of `bytes`, behind a text whose sum is `sum`. */
export function sumOf(bytes: Uint8Array, sum = 0): number {
  for (let i = 0; i < bytes.length; i++) sum = CRC_TABLE[(sum ^ bytes[i]!) & 0xff]! ^ (sum >>> 8)
  return sum
}

/** By number of bytes from the start of a part: what to multiply with what ends there. The inverse of that power of x. */
export const WEIGHT_OF = new Int32Array(PART_BYTES + SLACK)
{
  let weight = ONE
  for (let i = 0; i < WEIGHT_OF.length; i++) {
    WEIGHT_OF[i] = weight
    for (let bit = 0; bit < BYTE_BITS; bit++)
      weight = weight < 0 ? ((weight ^ POLYNOMIAL) << 1) | 1 : weight << 1
  }
}

function product(a: number, b: number): number {
  let sum = 0
  for (let bit = 31; bit >= 0; bit--) {
    sum ^= b & -((a >>> bit) & 1)
    b = timesX(b)
  }
  return sum
}

/** `x` to the power of 8, 16, 32, ...: a byte, two, four, ... */
const POWERS = new Int32Array(32)
POWERS[0] = ONE >>> BYTE_BITS
for (let i = 1; i < POWERS.length; i++) POWERS[i] = product(POWERS[i - 1]!, POWERS[i - 1]!)

/** The sum of a text behind which `length` bytes of nothing (zeros) stand. */
export function moved(sum: number, length: number): number {
  for (let i = 0; length > 0; i++, length >>>= 1) if (length & 1) sum = product(sum, POWERS[i]!)
  return sum
}
