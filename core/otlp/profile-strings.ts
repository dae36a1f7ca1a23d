/**
 * Attributes of profiles may have their keys and text values in the request's string table (`key_strindex`,
 * `string_value_strindex`). To be edited they are written out first, which means the same.
 *
 * Grammar: ExportProfilesServiceRequest { resource_profiles 1, dictionary 2 }; ProfilesDictionary { string_table 5 }.
 */

import { Cursor, LEN, low, readVarint64, VARINT } from './cursor.ts'
import { AnyValue, ArrayValue, KeyValue, KeyValueList, Resource } from './fields.ts'
import { Writer } from './writer.ts'

const DICTIONARY = 2
const STRING_TABLE = 5

/** The string table of one profiles request: where each text begins and ends in its bytes. */
export class ProfileStrings {
  readonly #bytes: Uint8Array
  readonly #ranges: number[]
  readonly #out: Writer

  constructor(request: Uint8Array) {
    this.#bytes = request
    this.#ranges = []
    this.#out = new Writer()
    const c = new Cursor(request)
    while (c.next()) {
      if (c.field !== DICTIONARY || c.wire !== LEN) continue
      const table = new Cursor(request, c.start, c.stop)
      while (table.next()) {
        if (table.field === STRING_TABLE && table.wire === LEN) this.#ranges.push(table.start, table.stop)
      }
    }
  }

  /** The content of the Resource `[start, stop)` of the request, with nothing in it that needs the table. */
  writeOut(start: number, stop: number): Uint8Array {
    const out = this.#out
    out.rewind()
    const c = new Cursor(this.#bytes, start, stop)
    while (c.next()) {
      if (c.field === Resource.attributes && c.wire === LEN) this.#keyValue(Resource.attributes, c)
      else out.raw(this.#bytes, c.tagStart, c.stop)
    }
    return out.copy()
  }

  #keyValue(field: number, at: Cursor): void {
    const out = this.#out
    const mark = out.open(field)
    const c = new Cursor(this.#bytes, at.start, at.stop)
    while (c.next()) {
      if (c.field === KeyValue.value && c.wire === LEN) this.#value(KeyValue.value, c)
      else if (c.field === KeyValue.keyStrindex && c.wire === VARINT) this.#text(KeyValue.key, c)
      else out.raw(this.#bytes, c.tagStart, c.stop)
    }
    out.close(mark)
  }

  #value(field: number, at: Cursor): void {
    const out = this.#out
    const mark = out.open(field)
    const c = new Cursor(this.#bytes, at.start, at.stop)
    while (c.next()) {
      if (c.field === AnyValue.stringValueStrindex && c.wire === VARINT) this.#text(AnyValue.stringValue, c)
      else if (c.field === AnyValue.arrayValue && c.wire === LEN) this.#list(c, ArrayValue.values, false)
      else if (c.field === AnyValue.kvlistValue && c.wire === LEN) this.#list(c, KeyValueList.values, true)
      else out.raw(this.#bytes, c.tagStart, c.stop)
    }
    out.close(mark)
  }

  #list(at: Cursor, field: number, keyed: boolean): void {
    const out = this.#out
    const mark = out.open(at.field)
    const c = new Cursor(this.#bytes, at.start, at.stop)
    while (c.next()) {
      if (c.field !== field || c.wire !== LEN) out.raw(this.#bytes, c.tagStart, c.stop)
      else if (keyed) this.#keyValue(field, c)
      else this.#value(field, c)
    }
    out.close(mark)
  }

  /** The text an index means; an index that the table does not have stays as it is. */
  #text(field: number, at: Cursor): void {
    readVarint64(this.#bytes, at.start)
    const start = this.#ranges[low * 2]
    const stop = this.#ranges[low * 2 + 1]
    if (start === undefined || stop === undefined) this.#out.raw(this.#bytes, at.tagStart, at.stop)
    else if (field !== KeyValue.key || stop > start)
      this.#out.lengthDelimited(field, this.#bytes, start, stop)
  }
}
