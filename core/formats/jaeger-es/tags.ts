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
import { type Piece, Repeats } from '../deflate/repeats.ts'
import { viewOf } from './content-hash.ts'
import type { Counts } from './counts.ts'
import type { FieldName, FieldNames } from './field-names.ts'
import { KnownAttributes } from './known-attributes.ts'
import { KnownKeys } from './known-keys.ts'
import { TagFields } from './tag-fields.ts'
import {
  KEY,
  NO_TAGS,
  type PreparedKey,
  type PreparedTag,
  type TagType,
  TEXT_TAIL,
  TYPES,
  VALUE,
} from './tag-words.ts'

const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d
const QUOTE = 0x22
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
const INVALID_KEY = 'invalid-tag-key-'

export interface TagOptions {
  /** Longer values are cut. */
  readonly maxValueBytes: number
}

const NOWHERE = new Writer(64)
const NO_VIEW = viewOf(new Uint8Array())

/** Writes one list after the other. */
export class TagWriter {
  readonly repeats: Repeats
  readonly #names: FieldNames
  readonly #max: number
  readonly #counts: Counts
  readonly #keys: KnownKeys
  readonly #attributes: KnownAttributes
  readonly #types: Readonly<Record<TagType, Piece>>
  readonly #textTail: Piece
  /** Of the attribute that was written last. */
  #head: Piece
  #tail: Piece
  readonly #tag = new KeyValueRange()
  #out = NOWHERE
  /** Of the bytes that attributes are in. */
  #view = NO_VIEW
  /** Before the next tag: what opens the list, or a comma. */
  #separator = OPEN
  /** Of the list that is being written: may its tags become fields? Does Jaeger's sanitizer look at it? */
  #span = false
  #invalidKeys = 0
  readonly #fields: TagFields

  constructor(names: FieldNames, options: TagOptions, counts: Counts, repeats = new Repeats(false)) {
    this.repeats = repeats
    this.#names = names
    this.#keys = new KnownKeys(names, repeats)
    this.#attributes = new KnownAttributes(repeats)
    this.#types = {
      string: repeats.piece(TYPES.string),
      bool: repeats.piece(TYPES.bool),
      int64: repeats.piece(TYPES.int64),
      float64: repeats.piece(TYPES.float64),
      binary: repeats.piece(TYPES.binary),
    }
    this.#textTail = this.#head = this.#tail = repeats.piece(TEXT_TAIL)
    this.#fields = new TagFields(repeats)
    this.#max = options.maxValueBytes
    this.#counts = counts
  }

  prepareKey(key: string): PreparedKey {
    return { json: Buffer.from(JSON.stringify(key)), name: this.#names.always(key) }
  }

  /** `place`: of the tag that it stands for from now on. */
  prepareText(key: string, text: Uint8Array, place = this.repeats.place()): PreparedTag {
    const value = new Writer(64)
    if (!writeJsonString(value, text, 0, this.cut(text, 0, text.length))) this.#counts.invalidText++
    return this.#prepare(key, value.copy(), TYPES.string, place)
  }

  prepareTrue(key: string): PreparedTag {
    return this.#prepare(key, TRUE, TYPES.bool, this.repeats.place())
  }

  #prepare(key: string, value: Uint8Array, type: Uint8Array, nth: number): PreparedTag {
    const name = this.#names.always(key)
    const parts =
      name === undefined
        ? [KEY, Buffer.from(JSON.stringify(key)), VALUE, value, type]
        : [name.json, Buffer.from(':'), value]
    this.repeats.forget(nth)
    return { piece: { bytes: Uint8Array.from(Buffer.concat(parts)), nth }, name }
  }

  /**
   * Tags of a span or a process, which may become fields and pass Jaeger's sanitizer; or fields of a log. `view` shows the
   * bytes that attributes are in.
   */
  begin(out: Writer, of: 'span' | 'log', view: DataView): void {
    this.#out = out
    this.#view = view
    this.#separator = OPEN
    this.#span = of === 'span'
    this.#invalidKeys = 0
    this.#fields.forget()
    this.#names.begin()
  }

  /** Lets go of where the last list was written and came from, and of what the largest of all needed. */
  release(): void {
    this.#out = NOWHERE
    this.#view = NO_VIEW
    this.#fields.release()
  }

  /** Ends the list. `empty` is what Jaeger writes when no tag was given; with tags as fields it is always a list. */
  end(empty: 'null' | '[]'): void {
    const out = this.#out
    if (this.#separator === COMMA) out.byte(CLOSE)
    else if (empty === 'null' && !(this.#span && this.#names.any)) out.raw(NULL)
    else out.raw(NO_TAGS)
  }

  /** `"tag":{...}` behind a comma, when there are any. */
  writeFields(out: Writer): void {
    this.#fields.write(out)
  }

  prepared({ piece, name }: PreparedTag): void {
    if (name !== undefined) {
      this.#fields.add(name, piece)
      return
    }
    this.#separate()
    this.repeats.write(this.#out, piece)
  }

  text({ json, name }: PreparedKey, bytes: Uint8Array, start: number, stop: number): void {
    const end = this.cut(bytes, start, stop)
    if (name !== undefined && this.#span) {
      if (!writeJsonString(this.#fields.values, bytes, start, end)) this.#counts.invalidText++
      this.#fields.add(name)
      return
    }
    const out = this.#out
    this.#separate()
    out.raw(KEY)
    out.raw(json)
    out.raw(VALUE)
    if (!writeJsonString(out, bytes, start, end)) this.#counts.invalidText++
    this.#type('string')
  }

  /** A tag whose value is bytes. */
  binary(key: string, bytes: Uint8Array): void {
    const out = this.#out
    this.#separate()
    out.raw(KEY)
    out.raw(Buffer.from(JSON.stringify(key)))
    out.raw(VALUE)
    writeHex(out, bytes, 0, this.#cutBinary(0, bytes.length))
    this.#type('binary')
  }

  /** The attribute that is the KeyValue `[start, stop)` of what `view` shows, which is in `bytes`. */
  attribute(bytes: Uint8Array, start: number, stop: number): void {
    const attributes = this.#attributes
    const { repeats } = this
    const out = this.#out
    const same = attributes.find(this.#view, start, stop)
    if (same !== undefined) {
      this.#separate()
      repeats.moved(same.head.nth, out.pos)
      repeats.write(out, same)
      repeats.moved(same.tail.nth, out.pos - same.tail.bytes.length)
      return
    }
    const { pos } = out
    if (!this.#inList(bytes, start, stop)) this.#rareAttribute(bytes, start, stop)
    else if (attributes.wanted) {
      const json = out.bytes.subarray(pos + 1, out.pos)
      attributes.keep(this.#view, start, stop, json, this.#head, this.#tail)
    }
  }

  /** True when the attribute was written to the list and would be written there in the same way wherever it came again. */
  #inList(bytes: Uint8Array, start: number, stop: number): boolean {
    if (this.#plainText(bytes, start, stop)) return true
    const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = this.#tag.find(bytes, start, stop)
    const known = this.#keys.find(bytes, keyStart, keyStop)
    if (known === undefined || !this.#stays(known.name)) return false
    const out = this.#out
    const counts = this.#counts
    const changes = counts.invalidText + counts.cutValues
    this.#separate()
    this.repeats.write(out, known.head)
    this.#head = known.head
    this.#tail = this.#types[this.#value(out, bytes, anyStart, anyStop)]
    this.repeats.write(out, this.#tail)
    // What is counted must be counted again.
    if (counts.invalidText + counts.cutValues !== changes) this.#attributes.wanted = false
    return true
  }

  /** True when a tag with that name is in the list: of what a log has, all are, but that is no rule for spans. */
  #stays(name: FieldName | undefined): boolean {
    if (name === undefined) return true
    this.#attributes.wanted = false
    return !this.#span
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
    if (known === undefined || !this.#stays(known.name)) return false
    const out = this.#out
    const { head } = known
    const begin = out.pos
    const text = begin + 2 + head.bytes.length
    out.reserve(2 + head.bytes.length + length)
    const target = out.bytes
    const pos = copyPlainText(target, text, bytes, from, stop)
    if (pos === -1) return false
    target[begin] = this.#separator
    out.pos = begin + 1
    this.repeats.write(out, head)
    target[text - 1] = QUOTE
    out.pos = pos
    this.repeats.write(out, this.#textTail)
    this.#separator = COMMA
    this.#head = head
    this.#tail = this.#textTail
    return true
  }

  /** One that becomes a field, or whose key is not known. */
  #rareAttribute(bytes: Uint8Array, start: number, stop: number): void {
    const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = this.#tag.find(bytes, start, stop)
    const name = this.#span && this.#names.any ? this.#names.find(bytes, keyStart, keyStop) : undefined
    if (name !== undefined) {
      const before = this.#fields.values.pos
      const type = this.#value(this.#fields.values, bytes, anyStart, anyStop)
      if (type !== 'binary' && isUtf8(bytes.subarray(keyStart, keyStop))) {
        this.#fields.add(name)
        return
      }
      this.#fields.values.rewind(before)
    }
    const out = this.#out
    const before = out.pos
    const separator = this.#separator
    this.#separate()
    out.raw(KEY)
    if (!writeJsonString(out, bytes, keyStart, keyStop)) {
      this.#counts.invalidText++
      if (this.#span) {
        out.rewind(before)
        this.#separator = separator
        this.#invalidKey(bytes.subarray(keyStart, keyStop), bytes, anyStart, anyStop)
        return
      }
    }
    out.raw(VALUE)
    this.#type(this.#value(out, bytes, anyStart, anyStop))
  }

  /** Writes an AnyValue's value and returns its type. */
  #value(out: Writer, bytes: Uint8Array, anyStart: number, anyStop: number): TagType {
    const kind = readKind(bytes, anyStart, anyStop)
    const from = valueStart
    const to = valueStop
    switch (kind) {
      case AnyValue.stringValue: {
        const before = out.pos
        if (writeJsonString(out, bytes, from, this.cut(bytes, from, to))) return 'string'
        this.#counts.invalidText++
        if (!this.#span) return 'string'
        out.rewind(before)
        writeHex(out, bytes, from, this.#cutBinary(from, to))
        return 'binary'
      }
      case AnyValue.boolValue:
        readVarint64(bytes, from)
        out.raw(low !== 0 || high !== 0 ? TRUE : FALSE)
        return 'bool'
      case AnyValue.intValue:
        readVarint64(bytes, from)
        out.reserve(20)
        out.pos = writeInt64(out.bytes, out.pos, low, high)
        return 'int64'
      case AnyValue.doubleValue:
        writeDouble(out, readDouble(bytes, from))
        return 'float64'
      case AnyValue.bytesValue:
        writeHex(out, bytes, from, this.#cutBinary(from, to))
        return 'binary'
      case AnyValue.arrayValue:
      case AnyValue.kvlistValue: {
        const text = Buffer.from(valueText(bytes, anyStart, anyStop))
        writeJsonString(out, text, 0, this.cut(text, 0, text.length))
        return 'string'
      }
      default:
        out.raw(NULL)
        return 'string'
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

  #separate(): void {
    this.#out.byte(this.#separator)
    this.#separator = COMMA
  }

  #type(type: TagType): void {
    this.repeats.write(this.#out, this.#types[type])
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
