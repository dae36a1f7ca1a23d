/** Huffman codes as deflate has them (RFC 1951 3.2.2): canonical, of a limited length, their bits turned round. */

/** 9 bits for a symbol, the rest for how often it comes. */
const SYMBOLS_MAX = 512

/**
 * The length of each symbol's code: 0 for those that never come, at most `most` for the others. `frequencies` are less than
 * 2^40. A single symbol has a code of one bit.
 */
export function codeLengths(
  frequencies: Uint32Array,
  count: number,
  most: number,
  lengths: Uint8Array,
): void {
  lengths.fill(0, 0, count)
  const used: number[] = []
  for (let i = 0; i < count; i++) if (frequencies[i] !== 0) used.push(frequencies[i]! * SYMBOLS_MAX + i)
  if (used.length === 0) return
  const sorted = Float64Array.from(used).sort()
  const n = sorted.length
  if (n === 1) {
    lengths[sorted[0]! % SYMBOLS_MAX] = 1
    return
  }
  const depths = minimumRedundancy(sorted)
  const perLength = limited(depths, most)
  // The rarest has the longest.
  let next = 0
  for (let length = most; length > 0; length--)
    for (let i = perLength[length]!; i > 0; i--) lengths[sorted[next++]! % SYMBOLS_MAX] = length
}

/**
 * How deep each leaf of the Huffman tree is, the rarest first: Moffat and Katajainen, "In-Place Calculation of
 * Minimum-Redundancy Codes" (1995), in one array that first holds weights, then parents, then depths.
 */
function minimumRedundancy(sorted: Float64Array): Float64Array {
  const n = sorted.length
  const a = sorted.map(one => Math.floor(one / SYMBOLS_MAX))
  let leaf = 0
  let root = 0
  const lightest = (next: number): number => {
    if (leaf >= n || (root < next && a[root]! < a[leaf]!)) {
      const weight = a[root]!
      a[root++] = next
      return weight
    }
    return a[leaf++]!
  }
  for (let next = 0; next < n - 1; next++) {
    const first = lightest(next)
    a[next] = first + lightest(next)
  }
  a[n - 2] = 0
  for (let next = n - 3; next >= 0; next--) a[next] = a[a[next]!]! + 1
  let available = 1
  let depth = 0
  let inner = n - 2
  let next = n - 1
  while (available > 0) {
    let used = 0
    while (inner >= 0 && a[inner] === depth) {
      used++
      inner--
    }
    while (available > used) {
      a[next--] = depth
      available--
    }
    available = 2 * used
    depth++
  }
  return a
}

/** How many codes there are of each length when none is longer than `most`, and all together are still a whole tree. */
function limited(depths: Float64Array, most: number): Int32Array {
  const perLength = new Int32Array(most + 1)
  for (const depth of depths) perLength[Math.min(depth, most)]!++
  let room = 0
  for (let length = 1; length <= most; length++) room += perLength[length]! * 2 ** (most - length)
  // Those that were cut take too much of the tree: another one goes a step down for each, and makes room beside it.
  for (const all = 2 ** most; room > all; room--) {
    let length = most - 1
    while (perLength[length] === 0) length--
    perLength[most]!--
    perLength[length]!--
    perLength[length + 1]! += 2
  }
  return perLength
}

/** Each symbol's code, its first bit lowest, below 2^15, and from bit 16 on its length. */
export function codesOf(lengths: Uint8Array, count: number, codes: Int32Array): void {
  const perLength = new Int32Array(17)
  for (let i = 0; i < count; i++) perLength[lengths[i]!]!++
  const next = new Int32Array(17)
  perLength[0] = 0
  for (let length = 1; length <= 16; length++)
    next[length] = (next[length - 1]! + perLength[length - 1]!) << 1
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!
    if (length === 0) continue
    let code = next[length]!++
    let turned = 0
    for (let bit = 0; bit < length; bit++, code >>>= 1) turned = (turned << 1) | (code & 1)
    codes[i] = (length << 16) | turned
  }
}
