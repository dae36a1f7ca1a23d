/**
 * CRC-32 (RFC 1952 8) of a text that is put together from pieces: what a piece adds is known once for all, and only has to
 * be moved past what comes behind it. Sums here begin with 0 and have no bits turned over, which makes them add up by
 * exclusive or; who writes the checksum begins with -1 and turns all bits at the end.
 */

const POLYNOMIAL = 0xedb8_8320 | 0

/** What each value of a byte adds. */
export const CRC_TABLE = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1
  CRC_TABLE[byte] = sum
}

/** Longer moves are several of this. A table for each length is 4 KiB. */
const STEP = 512
const tables = new Array<Int32Array | undefined>(STEP + 1).fill(undefined)

/** Of `bytes`. */
export function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i++) sum = CRC_TABLE[(sum ^ bytes[i]!) & 0xff]! ^ (sum >>> 8)
  return sum
}

/** The sum of a text behind which `length` bytes of nothing (zeros) stand. */
export function moved(sum: number, length: number): number {
  for (; length > STEP; length -= STEP) sum = move(sum, tables[STEP] ?? tableOf(STEP))
  return move(sum, tables[length] ?? tableOf(length))
}

function move(sum: number, table: Int32Array): number {
  return (
    table[sum & 15]! ^
    table[16 | ((sum >>> 4) & 15)]! ^
    table[32 | ((sum >>> 8) & 15)]! ^
    table[48 | ((sum >>> 12) & 15)]! ^
    table[64 | ((sum >>> 16) & 15)]! ^
    table[80 | ((sum >>> 20) & 15)]! ^
    table[96 | ((sum >>> 24) & 15)]! ^
    table[112 | (sum >>> 28)]!
  )
}

function tableOf(length: number): Int32Array {
  const table = new Int32Array(8 * 16)
  for (let bit = 0; bit < 32; bit++) {
    let sum = 1 << bit
    for (let i = 0; i < length; i++) sum = CRC_TABLE[sum & 0xff]! ^ (sum >>> 8)
    const from = (bit >>> 2) << 4
    const low = 1 << (bit & 3)
    for (let value = low; value < 2 * low; value++) table[from + value] = table[from + value - low]! ^ sum
  }
  tables[length] = table
  return table
}
