/** Texts that come again and again, keys above all, made into strings once. */

import { readString, sameBytes } from '../otlp/cursor.ts'

const SLOTS = 2048
/** Longer texts seldom come again. */
const LENGTH_MAX = 48

interface Known {
  readonly bytes: Uint8Array
  readonly text: string
}

const slots = new Array<Known | undefined>(SLOTS).fill(undefined)

/** The UTF-8 text `bytes[start, stop)`, as `readString`. Holds at most SLOTS texts of LENGTH_MAX bytes. */
export function readCachedString(bytes: Uint8Array, start: number, stop: number): string {
  if (stop - start > LENGTH_MAX) return readString(bytes, start, stop)
  if (stop === start) return ''
  let hash = stop - start
  for (let i = start; i < stop; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
  const known = slots[slot]
  if (known !== undefined && sameBytes(bytes, start, stop, known.bytes)) return known.text
  const copy = Uint8Array.from(bytes.subarray(start, stop))
  const text = readString(copy, 0, copy.length)
  slots[slot] = { bytes: copy, text }
  return text
}
