/**
 * 64 bits that tell spans apart which have the same ids: two lanes of MurmurHash3's mixing over words of four bytes.
 * FNV-1a, a byte at a time, would cost as much as writing the document.
 */

const C1 = 0xcc9e_2d51
const C2 = 0x1b87_3593
const C3 = 0x85eb_ca6b
const C4 = 0xc2b2_ae35

/** What `contentHash` came to, unsigned. */
export let contentLow = 0
export let contentHigh = 0

/** Of `bytes[start, stop)`, and of what was hashed to `low` and `high` before. */
export function contentHash(bytes: Uint8Array, start: number, stop: number, low: number, high: number): void {
  let a = low ^ (stop - start)
  let b = high ^ C1
  let i = start
  for (; i + 4 <= stop; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    let k = Math.imul(word, C1)
    k = (k << 15) | (k >>> 17)
    a ^= Math.imul(k, C2)
    a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe654_6b64) | 0
    b = Math.imul(((b ^ word) << 16) | ((b ^ word) >>> 16), C3) + a
  }
  let word = 0
  for (let shift = 0; i < stop; i++, shift += 8) word |= bytes[i]! << shift
  a ^= Math.imul(word, C2)
  b = (b ^ Math.imul(word, C1)) + a
  contentLow = avalanche(a + b) >>> 0
  contentHigh = avalanche(b ^ (contentLow << 7)) >>> 0
}

/** Every bit of the input changes half of those of the output. */
function avalanche(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), C3)
  h = Math.imul(h ^ (h >>> 13), C4)
  return h ^ (h >>> 16)
}
