/** XXH32 with seed 0 (xxhash spec, doc/xxhash_spec.md): the checksum of LZ4 frames. Unsigned. */

const P1 = 0x9e37_79b1
const P2 = 0x85eb_ca77
const P3 = 0xc2b2_ae3d
const P4 = 0x27d4_eb2f
const P5 = 0x1656_67b1

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))
const round = (acc: number, lane: number): number =>
  Math.imul(rotate((acc + Math.imul(lane, P2)) | 0, 13), P1)

export function xxh32(bytes: Uint8Array): number {
  const { length } = bytes
  let at = 0
  let h = P5
  const lane = (): number => {
    const value = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    at += 4
    return value
  }
  if (length >= 16) {
    let a = (P1 + P2) | 0
    let b = P2 | 0
    let c = 0
    let d = -P1 | 0
    while (at + 16 <= length) {
      a = round(a, lane())
      b = round(b, lane())
      c = round(c, lane())
      d = round(d, lane())
    }
    h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
  }
  h = (h + length) | 0
  while (at + 4 <= length) h = Math.imul(rotate((h + Math.imul(lane(), P3)) | 0, 17), P4)
  while (at < length) h = Math.imul(rotate((h + Math.imul(bytes[at++]!, P5)) | 0, 11), P1)
  h = Math.imul(h ^ (h >>> 15), P2)
  h = Math.imul(h ^ (h >>> 13), P3)
  return (h ^ (h >>> 16)) >>> 0
}
