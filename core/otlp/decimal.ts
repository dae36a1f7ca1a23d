/**
 * 64-bit integers as decimal digits and back, exact, without bigint: 18 digits of a timestamp cost about 20 ns.
 * A value is two unsigned halves, as in cursor.ts.
 */

const TWO_16 = 0x1_0000
const TWO_32 = 0x1_0000_0000
const BILLION = 1e9

/** Writes the digits of an unsigned 64-bit value at `pos` and returns where they end. Needs room for 20 bytes. */
export function writeUint64(target: Uint8Array, pos: number, low: number, high: number): number {
  if (high === 0) return writeUint(target, pos, low)
  // Long division of (high, upper half of low, lower half of low) by 10^9: every partial dividend is below 2^47.
  const q1 = Math.floor(high / BILLION)
  let part = (high - q1 * BILLION) * TWO_16 + (low >>> 16)
  const q2 = Math.floor(part / BILLION)
  part = (part - q2 * BILLION) * TWO_16 + (low & 0xffff)
  const q3 = Math.floor(part / BILLION)
  const rest = part - q3 * BILLION
  const end = writeUint(target, pos, q1 * TWO_32 + q2 * TWO_16 + q3)
  return writePadded(target, end, rest)
}

/** The same for a two's complement value. Needs room for 20 bytes. */
export function writeInt64(target: Uint8Array, pos: number, low: number, high: number): number {
  if (high < 0x8000_0000) return writeUint64(target, pos, low, high)
  target[pos] = 0x2d
  const negated = (~low + 1) >>> 0
  return writeUint64(target, pos + 1, negated, (negated === 0 ? ~high + 1 : ~high) >>> 0)
}

/** Writes the digits of a whole number from 0 to 2^53 at `pos` and returns where they end. */
export function writeUint(target: Uint8Array, pos: number, value: number): number {
  if (value >= BILLION) {
    const upper = Math.floor(value / BILLION)
    return writePadded(target, writeUint(target, pos, upper), value - upper * BILLION)
  }
  let end = pos + 1
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end++
  writeBackwards(target, end, pos, value)
  return end
}

/** Nine digits, zeros in front. */
function writePadded(target: Uint8Array, pos: number, value: number): number {
  writeBackwards(target, pos + 9, pos, value)
  return pos + 9
}

function writeBackwards(target: Uint8Array, end: number, start: number, value: number): void {
  while (end > start) {
    const tenth = (value / 10) | 0
    target[--end] = 0x30 + value - tenth * 10
    value = tenth
  }
}

/** What `parseDigits` read last. */
export let low = 0
export let high = 0

/**
 * Reads the digits `source[start, stop)` into `low` and `high`. False when they are none, not all digits, or more than
 * 2^64 - 1.
 */
export function parseDigits(source: Uint8Array, start: number, stop: number): boolean {
  while (stop - start > 1 && source[start] === 0x30) start++
  const count = stop - start
  if (count === 0 || count > 20) return false
  const split = count > 9 ? stop - 9 : start
  let upper = 0
  let lower = 0
  for (let i = start; i < stop; i++) {
    const digit = source[i]! - 0x30
    if (digit < 0 || digit > 9) return false
    if (i < split) upper = upper * 10 + digit
    else lower = lower * 10 + digit
  }
  // upper * 10^9 + lower, in two products that stay below 2^53.
  const upperRest = upper % TWO_16
  const a = upperRest * BILLION + lower
  const b = ((upper - upperRest) / TWO_16) * BILLION
  const sum = (a % TWO_32) + (b % TWO_16) * TWO_16
  low = sum % TWO_32
  high = Math.floor(a / TWO_32) + Math.floor(b / TWO_16) + Math.floor(sum / TWO_32)
  return high < TWO_32
}
