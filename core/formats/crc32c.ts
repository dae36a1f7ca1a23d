/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), sixteen bytes a step.
 *
 * node:zlib has only the other polynomial. Measured with 272 kB: one byte a step 635 us, sixteen 132 us, a WebAssembly
 * package 150 us.
 */

const STEP = 16

/** Sixteen tables of 256: the remainder of a byte that has n bytes behind it. Signed: V8 keeps them as small integers. */
const TABLE = makeTable()

function makeTable(): Int32Array {
  const table = new Int32Array(STEP * 256)
  for (let n = 0; n < 256; n++) {
    let crc = n
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
    table[n] = crc
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256]!
    table[at] = (before >>> 8) ^ table[before & 0xff]!
  }
  return table
}

/** The checksum of `bytes`, or of what came before them and `bytes`, when given its checksum. Unsigned. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const t = TABLE
  let crc = ~before
  let i = 0
  for (const stop = bytes.length - STEP; i <= stop; i += STEP) {
    crc =
      t[3840 + ((crc ^ bytes[i]!) & 0xff)]! ^
      t[3584 + (((crc >>> 8) ^ bytes[i + 1]!) & 0xff)]! ^
      t[3328 + (((crc >>> 16) ^ bytes[i + 2]!) & 0xff)]! ^
      t[3072 + ((crc >>> 24) ^ bytes[i + 3]!)]! ^
      t[2816 + bytes[i + 4]!]! ^
      t[2560 + bytes[i + 5]!]! ^
      t[2304 + bytes[i + 6]!]! ^
      t[2048 + bytes[i + 7]!]! ^
      t[1792 + bytes[i + 8]!]! ^
      t[1536 + bytes[i + 9]!]! ^
      t[1280 + bytes[i + 10]!]! ^
      t[1024 + bytes[i + 11]!]! ^
      t[768 + bytes[i + 12]!]! ^
      t[512 + bytes[i + 13]!]! ^
      t[256 + bytes[i + 14]!]! ^
      t[bytes[i + 15]!]!
  }
  for (; i < bytes.length; i++) crc = t[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
