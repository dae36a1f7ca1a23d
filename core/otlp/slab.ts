/**
 * Copies of small byte strings that will live for a while, many to a buffer: a buffer of its own for each message of a
 * few kB costs V8 more than the copy does.
 */

const SLAB = 64 * 1024
/** Larger ones are worth a buffer of their own; and they would leave large holes at the end of a slab. */
const SHARED_MAX = 8 * 1024

let slab = new Uint8Array(0)
let used = 0

/**
 * A copy of `bytes` that holds on to little else. Up to 8 KiB it may share its buffer of 64 KiB with what was copied just
 * before and after, which usually is let go together with it; memory is counted by whole buffers
 * (core/component/memory.ts), so what is held that way is seen.
 */
export function ownCopy(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  if (length > SHARED_MAX) return Uint8Array.prototype.slice.call(bytes)
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    used = 0
  }
  const copy = slab.subarray(used, used + length)
  copy.set(bytes)
  used += length
  return copy
}
