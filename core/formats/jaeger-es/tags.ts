/**
 * Tags of Jaeger's documents, as its to_dbmodel.go makes them (1.76): in a list of {key, type, value}, or, where the
 * config says so, as fields of an object. Texts that are no UTF-8 become what Jaeger's sanitizer makes of them.
 */

import { isUtf8 } from 'node:buffer'
import { AnyValue } from '../../otlp/fields.ts'
import { copyPlainText, isPlainText, writeHex, writeJsonString } from '../../otlp/json-values.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import type { Counts } from './counts.ts'
import type { FieldName, FieldNames } from './field-names.ts'
import { FirstTags } from './first-tags.ts'
import { KnownAttributes } from './known-attributes.ts'
import { KnownKeys } from './known-keys.ts'
import * as layout from './reading-layout.ts'
import type { ReadingMemory } from './reading-memory.ts'
import type { SpanRanges } from './span-ranges.ts'
import { TagFields } from './tag-fields.ts'
import { TagValues } from './tag-values.ts'
import {
  KEY,
  NO_TAGS,
  OPEN_FIELDS,
  OPEN_TAGS,
  type PreparedKey,
  type PreparedTag,
  type TagOptions,
  type TagType,
  TEXT_TAIL,
  TYPES,
  tagBytes,
  VALUE,
} from './tag-words.ts'

const CLOSE_LIST = 0x5d
const CLOSE_OBJECT = 0x7d
const QUOTE = 0x22
const TRUE = Buffer.from('true')
const NULL = Buffer.from('null')
const INVALID_KEY = 'invalid-tag-key-'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { SHORT_TEXT_MAX, TEXT_MAX, TEXTS } = layout

const NOWHERE = new Writer(64)

/** Writes one list after the other. */
export class TagWriter {
  readonly pieces: Pieces
  readonly #names: FieldNames
  readonly values: TagValues
  readonly #counts: Counts
  readonly #keys: KnownKeys
  readonly #attributes: KnownAttributes
  readonly #types: Readonly<Record<TagType, Piece>>
  readonly #textTail: Piece
  readonly #firstTags: FirstTags
  readonly #firstFields: FirstTags
  readonly #tag = new KeyValueRange()
  #out = NOWHERE
  /** No tag was written yet. */
  #first = true
  /** Of the list that is being written: may its tags become fields? Does Jaeger's sanitizer look at it? */
  #span = false
  #invalidKeys = 0
  /** Of the next attribute. */
  #nth = 0
  readonly #fields: TagFields

  /** `memory`: where spans are read whose `attributes` are written. */
  constructor(names: FieldNames, options: TagOptions, counts: Counts, pieces: Pieces, memory: ReadingMemory) {
    this.pieces = pieces
    this.#names = names
    this.#keys = new KnownKeys(names, pieces, memory)
    memory.numbers[TEXT_MAX] = Math.min(options.maxValueBytes, SHORT_TEXT_MAX)
    this.#attributes = new KnownAttributes(pieces, memory)
    this.#types = {
      string: pieces.piece(TYPES.string),
      bool: pieces.piece(TYPES.bool),
      int64: pieces.piece(TYPES.int64),
      float64: pieces.piece(TYPES.float64),
      binary: pieces.piece(TYPES.binary),
    }
    this.#textTail = pieces.piece(TEXT_TAIL)
    this.#firstTags = new FirstTags(OPEN_TAGS, pieces)
    this.#firstFields = new FirstTags(OPEN_FIELDS, pieces)
    this.#fields = new TagFields(pieces)
    this.values = new TagValues(options.maxValueBytes, counts)
    this.#counts = counts
  }

  prepareKey(key: string): PreparedKey {
    const head = this.pieces.piece(Buffer.concat([KEY, Buffer.from(JSON.stringify(key)), VALUE]))
    return { head, name: this.#names.always(key) }
  }

  /** `place`: of the tag that it stands for from now on. */
  prepareText(key: string, text: Uint8Array, place?: number): PreparedTag {
    const value = new Writer(64)
    if (!writeJsonString(value, text, 0, this.values.cut(text, 0, text.length))) this.#counts.invalidText++
    return this.#prepare(key, value.copy(), TYPES.string, place)
  }

  prepareTrue(key: string): PreparedTag {
    return this.#prepare(key, TRUE, TYPES.bool)
  }

  #prepare(key: string, value: Uint8Array, type: Uint8Array, place?: number): PreparedTag {
    const name = this.#names.always(key)
    return { piece: this.pieces.piece(tagBytes(key, name, value, type), place), name }
  }

  /**
   * Begins, behind a comma, the tags of a span or a process, which may become fields and pass Jaeger's sanitizer; or the
   * fields of a log.
   */
  begin(out: Writer, of: 'span' | 'log'): void {
    this.#out = out
    this.#first = true
    this.#span = of === 'span'
    this.#invalidKeys = this.#nth = 0
    this.#fields.forget()
    this.#names.begin()
    this.#keys.begin()
  }

  /** Lets go of where the last list was written and came from, and of what the largest of all needed. */
  release(): void {
    this.#out = NOWHERE
    this.#fields.release()
  }

  /**
   * Ends the list, and writes the `tag` object behind it when there are fields. `empty` is what Jaeger writes when no tag
   * was given; with tags as fields it is always a list. The last bracket is left to the caller: this returns it, or 0 when
   * there is none.
   */
  end(empty: 'null' | '[]'): number {
    const out = this.#out
    const { any } = this.#fields
    const open = !this.#first
    if (!open) {
      out.raw(this.#opening, 0, this.#opening.length - 1)
      out.raw(empty === 'null' && !(this.#span && this.#names.any) ? NULL : NO_TAGS)
    }
    this.#fields.write(out, open)
    return any ? CLOSE_OBJECT : open ? CLOSE_LIST : 0
  }

  get #opening(): Uint8Array {
    return this.#span ? OPEN_TAGS : OPEN_FIELDS
  }

  prepared({ piece, name }: PreparedTag): void {
    if (name !== undefined) this.#fields.add(name, piece)
    else this.#begin(piece)
  }

  text({ head, name }: PreparedKey, bytes: Uint8Array, start: number, stop: number): void {
    const end = this.values.cut(bytes, start, stop)
    if (name !== undefined && this.#span) {
      if (!writeJsonString(this.#fields.values, bytes, start, end)) this.#counts.invalidText++
      this.#fields.add(name)
      return
    }
    this.#begin(head)
    if (!writeJsonString(this.#out, bytes, start, end)) this.#counts.invalidText++
    this.#type('string')
  }

  /** A tag whose value is bytes. */
  binary(key: string, bytes: Uint8Array): void {
    const out = this.#out
    this.#beginUnknown()
    out.raw(Buffer.from(JSON.stringify(key)))
    out.raw(VALUE)
    writeHex(out, bytes, 0, this.values.cutBinary(0, bytes.length))
    this.#type('binary')
  }

  /** All attributes of a span. */
  attributes({ bytes, attributes, attributesEnd, isInMemory }: SpanRanges): void {
    if (!isInMemory) {
      for (let i = 0; i < attributesEnd; i += 2) this.attribute(bytes, attributes[i]!, attributes[i + 1]!)
      return
    }
    const known = this.#attributes
    const count = attributesEnd >> 1
    for (let nth = 0; nth < count; nth++) {
      // What is written of one that is not known may take the slot of one behind it.
      for (const end = known.findMany(nth, count); nth < end; nth++) {
        const found = known.found(nth)
        if (found >= 0) this.#known(found)
        else this.#text(TEXTS - found, bytes, attributes[2 * nth]!, attributes[2 * nth + 1]!)
      }
      if (nth < count) this.#unknown(bytes, attributes[2 * nth]!, attributes[2 * nth + 1]!)
    }
  }

  /** The attribute that is the KeyValue `bytes[start, stop)`. */
  attribute(bytes: Uint8Array, start: number, stop: number): void {
    const slot = this.#attributes.find(bytes, start, stop, this.#nth++)
    if (slot >= 0) this.#known(slot)
    else this.#unknown(bytes, start, stop)
  }

  #unknown(bytes: Uint8Array, start: number, stop: number): void {
    if (!this.#plainText(bytes, start, stop) && !this.#inList(bytes, start, stop))
      this.#rareAttribute(bytes, start, stop)
  }

  #known(slot: number): void {
    const attributes = this.#attributes
    if (this.#first || !this.pieces.writePlace(attributes.firstPlace + slot)) this.#begin(attributes.at(slot))
  }

  /** The text of a known key, twice whose entry is `found`, and 1 more where what it begins with is known, too. */
  #text(found: number, bytes: Uint8Array, start: number, stop: number): void {
    const out = this.#out
    const isCommon = (found & 1) === 1
    if (this.#first || !this.pieces.writePlace(this.#keys.firstPlace + found)) {
      const key = this.#keys.at(found >> 1)
      this.#begin(isCommon ? key.start.piece! : key.head)
    }
    out.reserve(1 + stop - start)
    const target = out.bytes
    let pos = out.pos
    if (!isCommon) target[pos++] = QUOTE
    for (let i = start; i < stop; i++) target[pos++] = bytes[i]!
    out.pos = pos
    this.pieces.write(out, this.#textTail)
  }

  /** False, and nothing is written, when the attribute's key is not known, or it may become a field. */
  #inList(bytes: Uint8Array, start: number, stop: number): boolean {
    const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = this.#tag.find(bytes, start, stop)
    const known = this.#keys.find(bytes, keyStart, keyStop)
    if (known === undefined || !this.#stays(known.name)) return false
    const out = this.#out
    const counts = this.#counts
    const changes = counts.invalidText + counts.cutValues
    this.#begin(known.head)
    const from = out.pos
    const tail = this.#types[this.values.write(out, bytes, anyStart, anyStop, this.#span)]
    // What is counted must be counted again.
    if (this.#attributes.wanted && counts.invalidText + counts.cutValues === changes)
      this.#keep(bytes, start, stop, known.head, from, tail)
    this.pieces.write(out, tail)
    return true
  }

  /** The attribute is worth to be kept, and its value was written from `from` on. */
  #keep(bytes: Uint8Array, start: number, stop: number, head: Piece, from: number, tail: Piece): void {
    const value = this.#out.bytes.subarray(from, this.#out.pos)
    this.#attributes.keep(bytes, start, stop, head, value, tail)
  }

  /** True when a tag with that name is in the list: of what a log has, all are, but that is no rule for spans. */
  #stays(name: FieldName | undefined): boolean {
    if (name === undefined) return true
    this.#attributes.forgo()
    return !this.#span
  }

  /**
   * What most attributes are, in one go: a known key, and a text, both shorter than 128 bytes. False says nothing, and
   * nothing was written. Of spans in the window, `findText` of the loop (assembly/reading.ts) leaves few of them.
   *
   *     0a <length> key  12 <length> 0a <length> text
   */
  #plainText(bytes: Uint8Array, start: number, stop: number): boolean {
    if (bytes[start] !== 0x0a) return false
    const keyStop = start + 2 + bytes[start + 1]!
    const from = keyStop + 4
    if (bytes[start + 1]! >= 0x80 || from > stop || bytes[keyStop] !== 0x12) return false
    const length = bytes[keyStop + 3]!
    if (length > SHORT_TEXT_MAX || length > this.values.max || from + length !== stop) return false
    if (bytes[keyStop + 1] !== length + 2 || bytes[keyStop + 2] !== 0x0a) return false
    const known = this.#keys.find(bytes, start + 2, keyStop)
    if (known === undefined || !this.#stays(known.name)) return false
    const out = this.#out
    const { start: common } = known
    let inHead = common.of(bytes, from, stop)
    if (inHead > 0 && !isPlainText(bytes, from + inHead, stop)) inHead = 0
    const head = inHead > 0 ? common.piece! : known.head
    // Room for what the piece may leave there, too.
    out.reserve(head.bytes.length + OPEN_TAGS.length + 1 + length)
    this.#begin(head)
    const before = out.pos
    if (inHead > 0) out.pos = copyPlainText(out.bytes, before, bytes, from + inHead, stop)
    else {
      const pos = copyPlainText(out.bytes, before + 1, bytes, from, stop)
      if (pos === -1) {
        this.#type(this.values.write(out, bytes, keyStop + 2, stop, this.#span))
        return true
      }
      out.bytes[before] = QUOTE
      out.pos = pos
    }
    if (this.#attributes.wanted) this.#keep(bytes, start, stop, head, before, this.#textTail)
    this.pieces.write(out, this.#textTail)
    return true
  }

  /** One that becomes a field, or whose key is not known. */
  #rareAttribute(bytes: Uint8Array, start: number, stop: number): void {
    const { keyStart, keyStop, valueStart: anyStart, valueStop: anyStop } = this.#tag.find(bytes, start, stop)
    const name = this.#span && this.#names.any ? this.#names.find(bytes, keyStart, keyStop) : undefined
    if (name !== undefined) {
      const before = this.#fields.values.pos
      const type = this.values.write(this.#fields.values, bytes, anyStart, anyStop, this.#span)
      if (type !== 'binary' && isUtf8(bytes.subarray(keyStart, keyStop))) {
        this.#fields.add(name)
        return
      }
      this.#fields.values.rewind(before)
    }
    if (this.#span && !isUtf8(bytes.subarray(keyStart, keyStop))) {
      this.#counts.invalidText++
      this.#invalidKey(bytes.subarray(keyStart, keyStop), bytes, anyStart, anyStop)
      return
    }
    const out = this.#out
    this.#beginUnknown()
    if (!writeJsonString(out, bytes, keyStart, keyStop)) this.#counts.invalidText++
    out.raw(VALUE)
    this.#type(this.values.write(out, bytes, anyStart, anyStop, this.#span))
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

  /** The next tag, or what it begins with. */
  #begin(piece: Piece): void {
    const { pieces } = this
    const out = this.#out
    if (!this.#first) {
      pieces.write(out, piece)
      return
    }
    this.#first = false
    if (this.#span) this.#firstTags.write(out, piece)
    else this.#firstFields.write(out, piece)
  }

  /** The next tag, of whose key nothing is known. */
  #beginUnknown(): void {
    if (this.#first) this.#out.raw(this.#opening)
    this.#out.raw(KEY, this.#first ? 1 : 0)
    this.#first = false
  }

  #type(type: TagType): void {
    this.pieces.write(this.#out, this.#types[type])
  }
}
