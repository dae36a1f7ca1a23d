/** Attributes under the names of the Elastic Common Schema. */

import { Cursor, LEN } from '../../otlp/cursor.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { readCachedString } from '../text-cache.ts'
import type { Conversions } from './ecs-fields.ts'
import type { FlatDocument } from './flat.ts'
import { HINTS, specialSlot } from './special.ts'

const attributeList = new Cursor(new Uint8Array())
const attributeEntry = new KeyValueRange()

/** Attributes under the names that ECS has for them; those it has no name for under their own. */
export function convertAttributes(
  document: FlatDocument,
  bytes: Uint8Array,
  start: number,
  stop: number,
  field: number,
  fields: Conversions,
): void {
  const list = attributeList.reset(bytes, start, stop)
  let present: Set<string> | undefined
  while (list.next()) {
    if (list.field !== field || list.wire !== LEN) continue
    const { keyStart, keyStop, valueStart, valueStop } = attributeEntry.find(bytes, list.start, list.stop)
    if (specialSlot(bytes, keyStart, keyStop) === HINTS) continue
    const key = readCachedString(bytes, keyStart, keyStop)
    const conversion = fields.get(key)
    if (conversion === undefined) {
      document.attribute(key, bytes, valueStart, valueStop)
      continue
    }
    const { to, keepsOriginal = false, unlessThere = false } = conversion
    if (to === undefined) continue
    if (unlessThere) present ??= keysOf(bytes, start, stop, field)
    if (!present?.has(to) || !unlessThere) document.attribute(to, bytes, valueStart, valueStop)
    if (keepsOriginal) document.attribute(key, bytes, valueStart, valueStop)
  }
}

function keysOf(bytes: Uint8Array, start: number, stop: number, field: number): Set<string> {
  const keys = new Set<string>()
  const list = new Cursor(bytes, start, stop)
  const entry = new KeyValueRange()
  while (list.next()) {
    if (list.field !== field || list.wire !== LEN) continue
    const { keyStart, keyStop } = entry.find(bytes, list.start, list.stop)
    keys.add(readCachedString(bytes, keyStart, keyStop))
  }
  return keys
}
