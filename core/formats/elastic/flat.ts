/**
 * Documents whose fields come from everywhere and override each other: modes none, raw and ecs. Maps are flattened, their
 * keys joined with dots; fields are sorted; of equal keys the last counts; a value that stands where an object is goes to
 * `.value` in it (contrib elasticsearchexporter 0.155, internal/objmodel).
 *
 * Different on purpose: bytes are hex, where the Collector leaves them out; a value is moved out of the way of an object
 * also when another key sorts between them, where the Collector writes a document that is refused.
 */

import { Cursor, LEN } from '../../otlp/cursor.ts'
import { AnyValue, ArrayValue, KeyValueList } from '../../otlp/fields.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { Writer } from '../../otlp/writer.ts'
import { EMPTY_VALUE, readKind, valueStart, valueStop } from '../any-value.ts'
import { type CacheBudget, ENTRY_BYTES, TEXT_BYTES } from '../cache-budget.ts'
import { readCachedString } from '../text-cache.ts'
import { FieldOrder } from './field-order.ts'
import type { Route } from './route.ts'
import type { ValueWriter } from './values.ts'

const EMPTY = new Uint8Array()
const COMMA = 0x2c
const COLON = 0x3a
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const NULL = Buffer.from('null')

/** Fields that many documents have. */
export interface Prepared {
  readonly keys: readonly string[]
  /** Their JSON, one value after another, and where each ends. */
  readonly values: Uint8Array
  readonly stops: readonly number[]
}

export const NOTHING: Prepared = { keys: [], values: EMPTY, stops: [] }

/** In bytes. */
export function sizeOfPrepared({ keys, values }: Prepared): number {
  return keys.reduce((sum, { length }) => sum + length + TEXT_BYTES, values.length)
}

/** A buffer for values that has grown larger is let go. */
const KEPT_BYTES_MAX = 256 * 1024

export class FlatDocument {
  /** JSON of values, one after another. Write one here, then call `end` with its key. */
  out = new Writer(4096)
  readonly #values: ValueWriter
  readonly #keys: string[] = []
  readonly #stops: number[] = []
  readonly #budget: CacheBudget
  readonly #order: FieldOrder
  readonly #names: FieldNames
  readonly #list = new Cursor(EMPTY)
  #nested: FlatDocument | undefined

  constructor(values: ValueWriter, budget: CacheBudget, names = new FieldNames(budget)) {
    this.#values = values
    this.#budget = budget
    this.#order = new FieldOrder(budget)
    this.#names = names
  }

  begin(): this {
    this.out.rewind()
    this.#keys.length = 0
    this.#stops.length = 0
    return this
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0
  }

  /** Ends the value that was written to `out` last. */
  end(key: string): void {
    this.#keys.push(key)
    this.#stops.push(this.out.pos)
  }

  /** A field whose JSON is known. */
  raw(key: string, json: Uint8Array): void {
    this.out.raw(json)
    this.end(key)
  }

  /** A UTF-8 text; nothing when it is empty. */
  text(key: string, bytes: Uint8Array, start: number, stop: number): void {
    if (start === stop) return
    this.#values.text(this.out, bytes, start, stop)
    this.end(key)
  }

  /** The parts of a data stream's name, which are fields of its documents. */
  stream(prefix: string, { stream }: Route): void {
    if (stream === undefined) return
    for (const [part, word] of Object.entries(stream)) {
      const bytes = Buffer.from(word)
      this.text(`${prefix === '' ? '' : `${prefix}.`}data_stream.${part}`, bytes, 0, bytes.length)
    }
  }

  prepared({ keys, values, stops }: Prepared): void {
    const start = this.out.pos
    this.out.raw(values)
    for (const [i, key] of keys.entries()) {
      this.#keys.push(key)
      this.#stops.push(start + stops[i]!)
    }
  }

  /** What is in it, kept for other documents. */
  prepare(): Prepared {
    return { keys: [...this.#keys], values: Uint8Array.from(this.out.take()), stops: [...this.#stops] }
  }

  /** Lets go of what the largest of all documents needed. */
  release(): void {
    if (this.out.bytes.length > KEPT_BYTES_MAX) this.out = new Writer(4096)
    this.begin()
    this.#nested?.release()
  }

  /** Attributes in field `field` of `bytes[start, stop)`, each under `prefix` and its key. */
  attributes(prefix: string, bytes: Uint8Array, start: number, stop: number, field: number): void {
    // Its own when a map is in a map.
    const list = field === KeyValueList.values ? new Cursor(bytes, start, stop) : this.#list
    list.reset(bytes, start, stop)
    const entry = new KeyValueRange()
    while (list.next()) {
      if (list.field !== field || list.wire !== LEN) continue
      const found = entry.find(bytes, list.start, list.stop)
      const key = readCachedString(bytes, found.keyStart, found.keyStop)
      this.attribute(prefix === '' ? key : `${prefix}.${key}`, bytes, found.valueStart, found.valueStop)
    }
  }

  /** One AnyValue; nothing when it is not set, an empty array or an empty map. */
  attribute(key: string, bytes: Uint8Array, start: number, stop: number): void {
    const kind = readKind(bytes, start, stop)
    const from = valueStart
    const to = valueStop
    if (kind === EMPTY_VALUE || kind === AnyValue.stringValueStrindex) return
    if (kind === AnyValue.kvlistValue) {
      this.attributes(key, bytes, from, to, KeyValueList.values)
      return
    }
    if (kind === AnyValue.arrayValue) {
      if (!this.#array(this.out, bytes, from, to)) return
    } else this.#values.value(this.out, bytes, start, stop, false)
    this.end(key)
  }

  /** False, with nothing written, when it is empty. Maps in it are objects with objects in them. */
  #array(out: Writer, bytes: Uint8Array, start: number, stop: number): boolean {
    const list = new Cursor(bytes, start, stop)
    const before = out.pos
    let any = false
    out.byte(OPEN_ARRAY)
    while (list.next()) {
      if (list.field !== ArrayValue.values || list.wire !== LEN) continue
      if (any) out.byte(COMMA)
      any = true
      this.#element(out, bytes, list.start, list.stop)
    }
    if (any) out.byte(CLOSE_ARRAY)
    else out.rewind(before)
    return any
  }

  #element(out: Writer, bytes: Uint8Array, start: number, stop: number): void {
    const kind = readKind(bytes, start, stop)
    const from = valueStart
    const to = valueStop
    if (kind === AnyValue.arrayValue) {
      if (!this.#array(out, bytes, from, to)) {
        out.byte(OPEN_ARRAY)
        out.byte(CLOSE_ARRAY)
      }
    } else if (kind === AnyValue.kvlistValue) {
      this.#nested ??= new FlatDocument(this.#values, this.#budget, this.#names)
      const nested = this.#nested.begin()
      nested.attributes('', bytes, from, to, KeyValueList.values)
      if (nested.isEmpty) out.raw(NULL)
      else nested.write(out, true)
    } else this.#values.value(out, bytes, start, stop, false)
  }

  #startOf(field: number): number {
    return field === 0 ? 0 : this.#stops[field - 1]!
  }

  /**
   * The document. `dedot`: keys with dots become objects in objects. Where an object would stand at one of the `kept`
   * keys, which the schema says are values, the object goes.
   */
  write(out: Writer, dedot: boolean, kept?: ReadonlySet<string>): void {
    const { keys, fields } = this.#order.sort(this.#keys, kept)
    const values = this.out.bytes
    let open = ''
    let first = true
    out.byte(OPEN)
    for (const [at, key] of keys.entries()) {
      let name = key
      if (dedot) {
        const common = commonObject(open, key)
        for (let i = common; i < open.length; i++) if (open[i] === '.') out.byte(CLOSE)
        const last = key.lastIndexOf('.') + 1
        if (common < open.length) first = false
        for (let from = common; from < last; ) {
          const dot = key.indexOf('.', from)
          if (!first) out.byte(COMMA)
          first = true
          this.#names.write(out, key.slice(from, dot))
          out.byte(OPEN)
          from = dot + 1
        }
        open = key.slice(0, last)
        name = key.slice(last)
      }
      if (!first) out.byte(COMMA)
      first = false
      this.#names.write(out, name)
      const field = fields[at]!
      out.raw(values, this.#startOf(field), this.#stops[field]!)
    }
    if (dedot) for (const letter of open) if (letter === '.') out.byte(CLOSE)
    out.byte(CLOSE)
  }
}

/** How much of `open`, which ends with a dot or is empty, `key` goes on with. */
function commonObject(open: string, key: string): number {
  let common = 0
  for (let i = 0; i < open.length && open[i] === key[i]; i++) if (open[i] === '.') common = i + 1
  return common
}

/** Names of fields as JSON with a colon behind. */
class FieldNames {
  readonly #budget: CacheBudget
  readonly #known = new Map<string, Uint8Array>()

  constructor(budget: CacheBudget) {
    this.#budget = budget
    budget.join(() => this.#known.clear())
  }

  write(out: Writer, key: string): void {
    const known = this.#known.get(key)
    if (known !== undefined) {
      out.raw(known)
      return
    }
    const bytes = Buffer.from(key)
    const made = new Writer(bytes.length + 3)
    writeJsonString(made, bytes, 0, bytes.length)
    made.byte(COLON)
    out.raw(made.take())
    if (this.#budget.take(key.length + made.pos + ENTRY_BYTES))
      this.#known.set(key, Uint8Array.from(made.take()))
  }
}
