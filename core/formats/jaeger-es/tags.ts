/**
 * Tags of Jaeger's documents, as its to_dbmodel.go makes them (1.76): in a list of {key, type, value}, or, where the
 * config says so, as fields of an object. Texts that are no UTF-8 become what Jaeger's sanitizer makes of them.
 */

import { isUtf8 } from 'node:buffer'
import { high, low, readDouble, readVarint64 } from '../../otlp/cursor.ts'
import { writeInt64 } from '../../otlp/decimal.ts'
import { AnyValue } from '../../otlp/fields.ts'
import { copyPlainText, writeDouble, writeHex, writeJsonString } from '../../otlp/json-values.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import type { Counts } from './counts.ts'
import type { FieldName, FieldNames } from './field-names.ts'
import { KnownKeys } from './known-keys.ts'

const COMMA = 0x2c
const COLON = 0x3a
const OPEN = 0x5b
const CLOSE = 0x5d
const CLOSE_OBJECT = 0x7d
const KEY = Buffer.from('{"key":')
const VALUE = Buffer.from(',"value":')
const TYPES = {
  string: Buffer.from(',"type":"string"}'),
  bool: Buffer.from(',"type":"bool"}'),
  int64: Buffer.from(',"type":"int64"}'),
  float64: Buffer.from(',"type":"float64"}'),
  binary: Buffer.from(',"type":"binary"}'),
} as const
/** Behind the letters of a text. */
const TEXT_TAIL = Buffer.from('","type":"string"}')
const QUOTE = 0x22
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
const TAG = Buffer.from('"tag":{')
/** A buffer for values that has grown larger is let go. */
const KEPT_BYTES_MAX = 256 * 1024
const INVALID_KEY = 'invalid-tag-key-'

/** A tag that many spans have. */
export interface PreparedTag {
  /** For the list; undefined when it becomes a field. */
  readonly nested: Uint8Array | undefined
  readonly name: FieldName | undefined
  /** Its value as JSON. */
  readonly value: Uint8Array
}

/** A key that many tags have. */
export interface PreparedKey {
  readonly json: Uint8Array
  readonly name: FieldName | undefined
}

export interface TagOptions {
  /** Longer values are cut. */
  readonly maxValueBytes: number
}

const NOWHERE = new Writer(64)

/** Writes one list after the other. */
export class TagWriter {
  readonly #names: FieldNames
  readonly #max: number
  readonly #counts: Counts
  readonly #keys: KnownKeys
  readonly #tag = new KeyValueRange()
  #out = NOWHERE
  #start = 0
  #first = true
  /** Of the list that is being written: may its tags become fields? Does Jaeger's sanitizer look at it? */
  #span = false
  #invalidKeys = 0
  /** The fields' values one after another, and where each ends. */
  #values = new Writer(4096)
  readonly #ends: number[] = []
  readonly #fieldNames: FieldName[] = []

  constructor(names: FieldNames, options: TagOptions, counts: Counts) {
    this.#names = names
    this.#keys = new KnownKeys(names)
    this.#max = options.maxValueBytes
    this.#counts = counts
  }

  prepareKey(key: string): PreparedKey {
    return { json: Buffer.from(JSON.stringify(key)), name: this.#names.always(key) }
  }

  prepareText(key: string, text: Uint8Array): PreparedTag {
    const value = new Writer(64)
    if (!writeJsonString(value, text, 0, this.cut(text, 0, text.length))) this.#counts.invalidText++
    return this.#prepare(key, value.copy(), TYPES.string)
  }

  prepareTrue(key: string): PreparedTag {
    return this.#prepare(key, TRUE, TYPES.bool)
  }

  #prepare(key: string, value: Uint8Array, type: Uint8Array): PreparedTag {
    const name = this.#names.always(key)
    if (name !== undefined) return { nested: undefined, name, value }
    const parts = [KEY, Buffer.from(JSON.stringify(key)), VALUE, value, type]
    return { nested: Buffer.concat(parts), name, value }
  }

  /** Tags of a span or a process, which may become fields and pass Jaeger's sanitizer; or fields of a log. */
  begin(out: Writer, of: 'span' | 'log'): void {
    this.#out = out
    this.#start = out.pos
    this.#first = true
    this.#span = of === 'span'
    this.#invalidKeys = 0
    this.#values.rewind()
    this.#ends.length = 0
    this.#fieldNames.length = 0
    this.#names.begin()
    out.byte(OPEN)
  }

  /** Lets go of where the last list was written, and of what the largest of all needed. */
  release(): void {
    this.#out = NOWHERE
    if (this.#values.bytes.length > KEPT_BYTES_MAX) this.#values = new Writer(4096)
  }

  /** Ends the list. `empty` is what Jaeger writes when no tag was given; with tags as fields it is always a list. */
  end(empty: 'null' | '[]'): void {
    const out = this.#out
    if (empty === 'null' && this.#first && !(this.#span && this.#names.any)) {
      out.rewind(this.#start)
      out.raw(NULL)
    } else out.byte(CLOSE)
  }

  /** `"tag":{...}` behind a comma, when there are any. Of fields with one name the last counts. */
  writeFields(out: Writer): void {
    const names = this.#fieldNames
    if (names.length === 0) return
    const values = this.#values.bytes
    out.byte(COMMA)
    out.raw(TAG)
    let start = 0
    let first = true
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      const end = this.#ends[i]!
      if (name.last === i) {
        if (!first) out.byte(COMMA)
        first = false
        out.raw(name.json)
        out.byte(COLON)
        out.raw(values, start, end)
      }
      start = end
    }
    out.byte(CLOSE_OBJECT)
  }

  prepared({ nested, name, value }: PreparedTag): void {
    if (nested !== undefined) {
      this.#comma()
      this.#out.raw(nested)
      return
    }
    this.#values.raw(value)
    this.#field(name!)
  }

  text({ json, name }: PreparedKey, bytes: Uint8Array, start: number, stop: number): void {
    const end = this.cut(bytes, start, stop)
    if (name !== undefined && this.#span) {
      if (!writeJsonString(this.#values, bytes, start, end)) this.#counts.invalidText++
      this.#field(name)
      return
    }
    const out = this.#out
    this.#comma()
    out.raw(KEY)
    out.raw(json)
    out.raw(VALUE)
    if (!writeJsonString(out, bytes, start, end)) this.#counts.invalidText++
    out.raw(TYPES.string)
  }

  /** A tag whose value is bytes. */
  binary(key: string, bytes: Uint8Array): void {
    const out = this.#out
    this.#comma()
    out.raw(KEY)
    out.raw(Buffer.from(JSON.stringify(key)))
    out.raw(VALUE)
    writeHex(out, bytes, 0, this.#cutBinary(0, bytes.length))
    out.raw(TYPES.binary)
  }

  /** The attribute that is the KeyValue `bytes[start, stop)`. */
  attribute(bytes: Uint8Array, start: number, stop: number): void {
    if (this.#plainText(bytes, start, stop)) return
    const found = this.#tag.find(bytes, start, stop)
    const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = found
    const known = this.#keys.find(bytes, keyStart, keyStop)
    if (known !== undefined && (known.name === undefined || !this.#span)) {
      const out = this.#out
      out.raw(this.#first ? known.firstHead : known.head)
      this.#first = false
      out.raw(this.#value(out, bytes, anyStart, anyStop))
      return
    }
    this.#rareAttribute(bytes, keyStart, keyStop, anyStart, anyStop)
  }

  /**
   * What most attributes are, in one go: a known key, and a text as it stands in JSON, both shorter than 128 bytes. False
   * says nothing, and nothing was written.
   *
   *     0a <length> key  12 <length> 0a <length> text
   */
  #plainText(bytes: Uint8Array, start: number, stop: number): boolean {
    if (bytes[start] !== 0x0a) return false
    const keyStop = start + 2 + bytes[start + 1]!
    const from = keyStop + 4
    if (bytes[start + 1]! >= 0x80 || from > stop || bytes[keyStop] !== 0x12) return false
    const length = bytes[keyStop + 3]!
    if (length >= 0x80 || from + length !== stop || length > this.#max) return false
    if (bytes[keyStop + 1] !== length + 2 || bytes[keyStop + 2] !== 0x0a) return false
    const known = this.#keys.find(bytes, start + 2, keyStop)
    if (known === undefined || (known.name !== undefined && this.#span)) return false
    const out = this.#out
    const head = this.#first ? known.firstHead : known.head
    out.reserve(head.length + 1 + length + TEXT_TAIL.length)
    const target = out.bytes
    let { pos } = out
    target.set(head, pos)
    pos += head.length
    target[pos++] = QUOTE
    pos = copyPlainText(target, pos, bytes, from, stop)
    if (pos === -1) return false
    target.set(TEXT_TAIL, pos)
    out.pos = pos + TEXT_TAIL.length
    this.#first = false
    return true
  }

  /** One that becomes a field, or whose key is not known. */
  #rareAttribute(
    bytes: Uint8Array,
    keyStart: number,
    keyStop: number,
    anyStart: number,
    anyStop: number,
  ): void {
    const name = this.#span && this.#names.any ? this.#names.find(bytes, keyStart, keyStop) : undefined
    if (name !== undefined) {
      const before = this.#values.pos
      const type = this.#value(this.#values, bytes, anyStart, anyStop)
      if (type !== TYPES.binary && isUtf8(bytes.subarray(keyStart, keyStop))) {
        this.#field(name)
        return
      }
      this.#values.rewind(before)
    }
    const out = this.#out
    const before = out.pos
    this.#comma()
    out.raw(KEY)
    if (!writeJsonString(out, bytes, keyStart, keyStop)) {
      this.#counts.invalidText++
      if (this.#span) {
        out.rewind(before)
        this.#first = before === this.#start + 1
        this.#invalidKey(bytes.subarray(keyStart, keyStop), bytes, anyStart, anyStop)
        return
      }
    }
    out.raw(VALUE)
    out.raw(this.#value(out, bytes, anyStart, anyStop))
  }

  /** Writes an AnyValue's value and returns what says its type. */
  #value(out: Writer, bytes: Uint8Array, anyStart: number, anyStop: number): Uint8Array {
    const kind = readKind(bytes, anyStart, anyStop)
    const from = valueStart
    const to = valueStop
    switch (kind) {
      case AnyValue.stringValue: {
        const before = out.pos
        if (writeJsonString(out, bytes, from, this.cut(bytes, from, to))) return TYPES.string
        this.#counts.invalidText++
        if (!this.#span) return TYPES.string
        out.rewind(before)
        writeHex(out, bytes, from, this.#cutBinary(from, to))
        return TYPES.binary
      }
      case AnyValue.boolValue:
        readVarint64(bytes, from)
        out.raw(low !== 0 || high !== 0 ? TRUE : FALSE)
        return TYPES.bool
      case AnyValue.intValue:
        readVarint64(bytes, from)
        out.reserve(20)
        out.pos = writeInt64(out.bytes, out.pos, low, high)
        return TYPES.int64
      case AnyValue.doubleValue:
        writeDouble(out, readDouble(bytes, from))
        return TYPES.float64
      case AnyValue.bytesValue:
        writeHex(out, bytes, from, this.#cutBinary(from, to))
        return TYPES.binary
      case AnyValue.arrayValue:
      case AnyValue.kvlistValue: {
        const text = Buffer.from(valueText(bytes, anyStart, anyStop))
        writeJsonString(out, text, 0, this.cut(text, 0, text.length))
        return TYPES.string
      }
      default:
        out.raw(NULL)
        return TYPES.string
    }
  }

  /** Jaeger keeps such a key, and the value as a text, in the bytes of another tag. */
  #invalidKey(key: Uint8Array, bytes: Uint8Array, anyStart: number, anyStop: number): void {
    const kind = readKind(bytes, anyStart, anyStop)
    const asIs = kind === AnyValue.bytesValue || kind === AnyValue.stringValue
    const value = asIs
      ? bytes.subarray(valueStart, valueStop)
      : Buffer.from(valueText(bytes, anyStart, anyStop))
    this.binary(`${INVALID_KEY}${++this.#invalidKeys}`, Buffer.concat([key, Buffer.from(':'), value]))
  }

  #field(name: FieldName): void {
    name.last = this.#fieldNames.length
    this.#fieldNames.push(name)
    this.#ends.push(this.#values.pos)
  }

  #comma(): void {
    if (!this.#first) this.#out.byte(COMMA)
    this.#first = false
  }

  /** Where the text ends that is kept: never within a character. */
  cut(bytes: Uint8Array, start: number, stop: number): number {
    if (stop - start <= this.#max) return stop
    this.#counts.cutValues++
    let end = start + this.#max
    while (end > start && (bytes[end]! & 0xc0) === 0x80) end--
    return end
  }

  /** A byte takes two letters. */
  #cutBinary(start: number, stop: number): number {
    const most = this.#max >>> 1
    if (stop - start <= most) return stop
    this.#counts.cutValues++
    return start + most
  }
}
