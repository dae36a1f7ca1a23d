/**
 * Attribute values as JSON, straight from the wire, as the Collector writes them for Elasticsearch (0.155,
 * internal/jsonwriter): doubles always with a point, so that they are mapped as doubles; bytes as hex; NaN and infinities
 * as null. Different on purpose: of equal keys the first is kept in nested maps too, where it leaves a document that
 * Elasticsearch refuses.
 */

import { Cursor, high, LEN, low, readDouble, readVarint64 } from '../../otlp/cursor.ts'
import { writeInt64, writeUint64 } from '../../otlp/decimal.ts'
import { AnyValue, ArrayValue, KeyValueList } from '../../otlp/fields.ts'
import { writeHex, writeJsonString } from '../../otlp/json-values.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import type { Writer } from '../../otlp/writer.ts'
import { EMPTY_VALUE, readBool, readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import { writeAscii } from '../jaeger-es/letters.ts'
import { KeysSeen } from './keys-seen.ts'

const COMMA = 0x2c
const COLON = 0x3a
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')

/** What one level of nesting needs. */
class Level {
  readonly list = new Cursor(NULL)
  readonly entry = new KeyValueRange()
  readonly seen = new KeysSeen()
}

export class ValueWriter {
  /** Texts that were no UTF-8, since it was made. */
  invalidText = 0
  readonly #levels: Level[] = []
  #depth = 0

  /** The AnyValue `bytes[start, stop)`. `stringify`: maps become texts of JSON. */
  value(out: Writer, bytes: Uint8Array, start: number, stop: number, stringify: boolean): void {
    const kind = readKind(bytes, start, stop)
    const from = valueStart
    const to = valueStop
    switch (kind) {
      case AnyValue.stringValue:
        this.text(out, bytes, from, to)
        break
      case AnyValue.boolValue:
        out.raw(readBool(bytes, from) ? TRUE : FALSE)
        break
      case AnyValue.intValue:
        readVarint64(bytes, from)
        writeInt(out, low, high)
        break
      case AnyValue.doubleValue:
        writeRadixDouble(out, readDouble(bytes, from))
        break
      case AnyValue.bytesValue:
        writeHex(out, bytes, from, to)
        break
      case AnyValue.arrayValue:
        this.#array(out, bytes, from, to, stringify)
        break
      case AnyValue.kvlistValue:
        if (stringify) {
          const json = Buffer.from(valueText(bytes, start, stop))
          writeJsonString(out, json, 0, json.length)
        } else this.map(out, bytes, from, to)
        break
      default:
        out.raw(NULL)
    }
  }

  /** A UTF-8 text. */
  text(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
    if (!writeJsonString(out, bytes, start, stop)) this.invalidText++
  }

  /** A KeyValueList as an object. */
  map(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
    const { list, entry, seen } = this.#enter()
    seen.begin()
    list.reset(bytes, start, stop)
    out.byte(OPEN)
    let first = true
    while (list.next()) {
      if (list.field !== KeyValueList.values || list.wire !== LEN) continue
      const { keyStart, keyStop, valueStart, valueStop } = entry.find(bytes, list.start, list.stop)
      if (!seen.add(bytes, keyStart, keyStop)) continue
      if (!first) out.byte(COMMA)
      first = false
      this.text(out, bytes, keyStart, keyStop)
      out.byte(COLON)
      this.value(out, bytes, valueStart, valueStop, false)
    }
    out.byte(CLOSE)
    this.#depth--
  }

  #array(out: Writer, bytes: Uint8Array, start: number, stop: number, stringify: boolean): void {
    const { list } = this.#enter()
    list.reset(bytes, start, stop)
    out.byte(OPEN_ARRAY)
    let first = true
    while (list.next()) {
      if (list.field !== ArrayValue.values || list.wire !== LEN) continue
      if (!first) out.byte(COMMA)
      first = false
      this.value(out, bytes, list.start, list.stop, stringify)
    }
    out.byte(CLOSE_ARRAY)
    this.#depth--
  }

  #enter(): Level {
    const level = this.#levels[this.#depth] ?? new Level()
    this.#levels[this.#depth++] = level
    return level
  }
}

/** Every element is a map: Elasticsearch takes an array as an object's field only then. */
export function isArrayOfMaps(bytes: Uint8Array, start: number, stop: number): boolean {
  const list = new Cursor(bytes, start, stop)
  while (list.next()) {
    if (list.field !== ArrayValue.values || list.wire !== LEN) continue
    if (readKind(bytes, list.start, list.stop) !== AnyValue.kvlistValue) return false
  }
  return true
}

/** False when nothing is in it. */
export function isSet(bytes: Uint8Array, start: number, stop: number): boolean {
  return start !== stop && readKind(bytes, start, stop) !== EMPTY_VALUE
}

export function writeInt(out: Writer, lo: number, hi: number): void {
  out.reserve(20)
  out.pos = writeInt64(out.bytes, out.pos, lo, hi)
}

export function writeUint(out: Writer, lo: number, hi: number): void {
  out.reserve(20)
  out.pos = writeUint64(out.bytes, out.pos, lo, hi)
}

/** `1.0`, `1.5e-7`, `1.0e21`; null for what JSON has no number for. */
export function writeRadixDouble(out: Writer, value: number): void {
  if (!Number.isFinite(value)) {
    out.raw(NULL)
    return
  }
  const text = Object.is(value, -0) ? '-0' : String(value)
  if (text.includes('.')) writeAscii(out, text)
  else if (!text.includes('e')) writeAscii(out, `${text}.0`)
  else writeAscii(out, text.replace('e', '.0e'))
}
