/**
 * 64 bits that tell spans apart which have the same span id, whatever their trace is: two lanes of four bytes each, which
 * feed each other: alone, a lane would take the top bit of a word for another bit of the word before.
 * FNV-1a, a byte at a time, would cost as much as writing the document.
 */

const C1 = 0xcc9e_2d51
const C2 = 0x1b87_3593
const C3 = 0x85eb_ca6b
const C4 = 0xc2b2_ae35

/** What `contentHash` came to, signed: V8 would make an object of a larger number. */
export let contentLow = 0
export let contentHigh = 0

/** Of what `view` has in `[start, stop)`, and of what was hashed to `low` and `high` before. */
export function contentHash(view: DataView, start: number, stop: number, low: number, high: number): void {
  let a = low ^ (stop - start)
  let b = high ^ C1
  let i = start
  for (const last = stop - 8; i <= last; i += 8) {
    a ^= view.getInt32(i, true)
    a = (Math.imul((a << 13) | (a >>> 19), C1) + b) | 0
    b ^= view.getInt32(i + 4, true)
    b = (Math.imul((b << 17) | (b >>> 15), C2) + a) | 0
  }
  // What is left, up to seven bytes, in two words.
  let word = 0
  for (let shift = 0; i < stop && shift < 32; i++, shift += 8) word |= view.getUint8(i) << shift
  a = Math.imul(a ^ word, C3)
  word = 0
  for (let shift = 0; i < stop; i++, shift += 8) word |= view.getUint8(i) << shift
  b = (Math.imul(b ^ word, C4) + ((a << 13) | (a >>> 19))) | 0
  contentLow = avalanche(a + b)
  contentHigh = avalanche(b ^ (contentLow << 7))
}

/** Every bit of the input changes half of those of the output. */
function avalanche(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), C3)
  h = Math.imul(h ^ (h >>> 13), C4)
  return h ^ (h >>> 16)
}

/** For `contentHash`. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
