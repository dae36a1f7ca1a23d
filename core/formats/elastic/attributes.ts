/** `attributes` of documents in mode otel: all but those that say where the document goes, points on the globe as such. */

import { Cursor, LEN, readDouble, readString, sameBytes } from '../../otlp/cursor.ts'
import { AnyValue } from '../../otlp/fields.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import type { Writer } from '../../otlp/writer.ts'
import { valueStart as anyStart, readKind } from '../any-value.ts'
import { KeysSeen } from './keys-seen.ts'
import { specialSlot } from './special.ts'
import { type ValueWriter, writeRadixDouble } from './values.ts'

const ATTRIBUTES = Buffer.from(',"attributes":{')
const COMMA = 0x2c
const COLON = 0x3a
const CLOSE = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const LATITUDE = Buffer.from('geo.location.lat')
const LONGITUDE = Buffer.from('geo.location.lon')
const DOT = 0x2e
const LETTER_N = 0x6e
const LETTER_T = 0x74

interface Point {
  latitude?: number
  longitude?: number
}

export class AttributeWriter {
  readonly #values: ValueWriter
  readonly #list = new Cursor(LATITUDE)
  readonly #entry = new KeyValueRange()
  readonly #seen = new KeysSeen()

  constructor(values: ValueWriter) {
    this.#values = values
  }

  /**
   * `,"attributes":{...}` of field `field` of `bytes[start, stop)`; nothing when there are none. `eventName`: the JSON text
   * that `event.name` has whatever the attributes say. `stringify`: maps become texts, as metrics have no objects.
   */
  write(
    out: Writer,
    bytes: Uint8Array,
    start: number,
    stop: number,
    field: number,
    { stringify = false, eventName }: { stringify?: boolean; eventName?: Uint8Array | undefined } = {},
  ): void {
    const list = this.#list.reset(bytes, start, stop)
    const seen = this.#seen
    seen.begin()
    let points: Map<string, Point> | undefined
    let any = false
    let first = true
    while (list.next()) {
      if (list.field !== field || list.wire !== LEN) continue
      if (!any) out.raw(ATTRIBUTES)
      any = true
      const { keyStart, keyStop, valueStart, valueStop } = this.#entry.find(bytes, list.start, list.stop)
      if (specialSlot(bytes, keyStart, keyStop) !== -1) continue
      if (eventName !== undefined && sameBytes(bytes, keyStart, keyStop, EVENT_NAME)) continue
      if (!seen.add(bytes, keyStart, keyStop)) continue
      const prefix = isPlace(bytes, keyStart, keyStop)
      if (prefix !== -1 && readKind(bytes, valueStart, valueStop) === AnyValue.doubleValue) {
        points ??= new Map()
        addPoint(points, bytes, keyStart, keyStop, readDouble(bytes, anyStart))
        continue
      }
      if (!first) out.byte(COMMA)
      first = false
      this.#values.text(out, bytes, keyStart, keyStop)
      out.byte(COLON)
      this.#values.value(out, bytes, valueStart, valueStop, stringify)
    }
    if (eventName !== undefined) {
      if (!any) out.raw(ATTRIBUTES)
      any = true
      if (!first) out.byte(COMMA)
      first = false
      out.raw(EVENT_NAME_KEY)
      out.raw(eventName)
    }
    if (points !== undefined) writePoints(out, points, first)
    if (any) out.byte(CLOSE)
  }
}

const EVENT_NAME = Buffer.from('event.name')
const EVENT_NAME_KEY = Buffer.from('"event.name":')

/** Where `geo.location.lat` or `.lon` begins in a key that is it or ends with it behind a dot; -1 for others. */
function isPlace(bytes: Uint8Array, start: number, stop: number): number {
  const last = bytes[stop - 1]
  if ((last !== LETTER_N && last !== LETTER_T) || stop - start < LATITUDE.length) return -1
  const from = stop - LATITUDE.length
  if (!sameBytes(bytes, from, stop, last === LETTER_T ? LATITUDE : LONGITUDE)) return -1
  return from === start || bytes[from - 1] === DOT ? from : -1
}

function addPoint(
  points: Map<string, Point>,
  bytes: Uint8Array,
  start: number,
  stop: number,
  degrees: number,
): void {
  const prefix = readString(bytes, start, stop - LATITUDE.length)
  let point = points.get(prefix)
  if (point === undefined) {
    point = {}
    points.set(prefix, point)
  }
  if (bytes[stop - 1] === LETTER_T) point.latitude = degrees
  else point.longitude = degrees
}

/** `"geo.location":[lon,lat]`; one without the other stays what it was. */
function writePoints(out: Writer, points: Map<string, Point>, first: boolean): void {
  const key = (name: string): void => {
    if (!first) out.byte(COMMA)
    first = false
    out.raw(Buffer.from(JSON.stringify(name)))
    out.byte(COLON)
  }
  for (const [prefix, { latitude, longitude }] of points) {
    if (latitude !== undefined && longitude !== undefined) {
      key(`${prefix}geo.location`)
      out.byte(OPEN_ARRAY)
      writeRadixDouble(out, longitude)
      out.byte(COMMA)
      writeRadixDouble(out, latitude)
      out.byte(CLOSE_ARRAY)
    } else if (latitude !== undefined) {
      key(`${prefix}${LATITUDE}`)
      writeRadixDouble(out, latitude)
    } else {
      key(`${prefix}${LONGITUDE}`)
      writeRadixDouble(out, longitude!)
    }
  }
}
