/** Values of tags, as JSON. */

import { high, low, readDouble, readVarint64 } from '../../otlp/cursor.ts'
import { writeInt64 } from '../../otlp/decimal.ts'
import { AnyValue } from '../../otlp/fields.ts'
import { writeDouble, writeHex, writeJsonString } from '../../otlp/json-values.ts'
import type { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import type { Counts } from './counts.ts'
import { endOfCharacters } from './letters.ts'
import type { TagType } from './tag-words.ts'

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')

export class TagValues {
  readonly max: number
  readonly #counts: Counts

  /** `max`: values of more bytes are cut. */
  constructor(max: number, counts: Counts) {
    this.max = max
    this.#counts = counts
  }

  /** Writes the value of an AnyValue and returns its type. `sanitizes`: a text that is no UTF-8 is binary. */
  write(out: Writer, bytes: Uint8Array, anyStart: number, anyStop: number, sanitizes: boolean): TagType {
    const kind = readKind(bytes, anyStart, anyStop)
    const from = valueStart
    const to = valueStop
    switch (kind) {
      case AnyValue.stringValue: {
        const before = out.pos
        if (writeJsonString(out, bytes, from, this.cut(bytes, from, to))) return 'string'
        this.#counts.invalidText++
        if (!sanitizes) return 'string'
        out.rewind(before)
        writeHex(out, bytes, from, this.cutBinary(from, to))
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
        writeHex(out, bytes, from, this.cutBinary(from, to))
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

  /** Where the text ends that is kept: never within a character. */
  cut(bytes: Uint8Array, start: number, stop: number): number {
    if (stop - start <= this.max) return stop
    this.#counts.cutValues++
    return endOfCharacters(bytes, start, start + this.max)
  }

  /** Where the bytes end that are kept, each of which takes two letters. */
  cutBinary(start: number, stop: number): number {
    const most = this.max >>> 1
    if (stop - start <= most) return stop
    this.#counts.cutValues++
    return start + most
  }
}
