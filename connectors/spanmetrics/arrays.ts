/** What the table of series does with its arrays. */

/** How arrays grow: by as much as there is room for. */
const GROWTH = [2, 1.25]

/** Multipliers that nobody outside knows. */
const SECRET = oddNumber()
const SECRET_2 = oddNumber()

/** The first bound that is not below `value`: bounds are inclusive. */
export function bucketOf(bounds: Float64Array, value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bounds[middle]! >= value) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * Nobody can make keys that all meet in one place without knowing the secrets. One lane would not do: the highest bit of
 * a word goes through a multiplication as it is, whatever the multiplier, so a second word could always undo it. What
 * undoes it in one lane does not in the other, because they shift differently.
 */
export function hashOf(key: Uint8Array, length: number): number {
  let hash = length
  let other = length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const word = key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24)
    hash = Math.imul(hash ^ word, SECRET)
    hash ^= hash >>> 15
    other = Math.imul(other ^ word, SECRET_2)
    other ^= other >>> 12
  }
  for (; i < length; i++) {
    hash = Math.imul(hash ^ key[i]!, SECRET)
    other = Math.imul(other ^ key[i]!, SECRET_2)
  }
  hash ^= Math.imul(other ^ (other >>> 15), SECRET)
  return hash ^ (hash >>> 16)
}

function oddNumber(): number {
  return (Math.floor(Math.random() * 0x7fff_ffff) << 1) | 1
}

/** The next size of an array, at least `wanted`: the largest that fits. 0 when none does and it is not `needed`. */
export function grown(
  size: number,
  wanted: number,
  fits: (size: number) => boolean,
  needed: boolean,
): number {
  for (const by of GROWTH) {
    const next = Math.max(Math.ceil(size * by), wanted)
    if (fits(next)) return next
  }
  return needed || fits(wanted) ? wanted : 0
}

export function powerAbove(least: number, smallest: number): number {
  let size = smallest
  while (size < least) size *= 2
  return size
}

export function fitted<A extends Uint8Array | Int32Array | Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from.length > to.length ? (from.subarray(0, to.length) as A) : from)
  return to
}
