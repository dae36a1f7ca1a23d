/** What the translators of spans read from OTLP's bytes, all of which have passed `validate`. */

import { Cursor, sameBytes, sameRange } from '../../otlp/cursor.ts'
import { KeyValue } from '../../otlp/fields.ts'
import type { MessageView } from '../../otlp/message.ts'

const EMPTY = new Uint8Array()

export interface Range {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
}

/** The range that no other is the same as. */
export const NO_RANGE: Range = Object.freeze({ bytes: EMPTY, start: -1, stop: -1 })

/** True when the two hold the same bytes. */
export function isSame(last: Range, bytes: Uint8Array, start: number, stop: number): boolean {
  if (last.start === -1) return false
  if (last.bytes === bytes && last.start === start && last.stop === stop) return true
  return sameRange(last.bytes, last.start, last.stop, bytes, start, stop)
}

/** Zeros where the id is absent. */
export function copyId(id: Uint8Array, message: MessageView, field: number): void {
  const start = message.startOf(field)
  const { bytes } = message
  if (start === -1 || message.stopOf(field) - start !== id.length) id.fill(0)
  else for (let i = 0; i < id.length; i++) id[i] = bytes[start + i]!
}

/** The AnyValue that `findAttribute` found. */
export let foundStart = 0
export let foundStop = 0
const list = new Cursor(EMPTY)
const entry = new Cursor(EMPTY)

/** Looks for the first attribute with that key in field `field` of `[start, stop)`. */
export function findAttribute(
  bytes: Uint8Array,
  start: number,
  stop: number,
  field: number,
  key: Uint8Array,
): boolean {
  list.reset(bytes, start, stop)
  while (list.next()) {
    if (list.field !== field) continue
    let isKey = false
    foundStart = foundStop = list.start
    entry.reset(bytes, list.start, list.stop)
    while (entry.next()) {
      if (entry.field === KeyValue.key) isKey = sameBytes(bytes, entry.start, entry.stop, key)
      else if (entry.field === KeyValue.value) {
        foundStart = entry.start
        foundStop = entry.stop
      }
    }
    if (isKey) return true
  }
  return false
}
