/**
 * OTLP/JSON text to OTLP bytes, straight from one buffer into another: names are looked up by their bytes, strings
 * without escapes are copied as they stand, and no JavaScript value is made of anything but doubles.
 */

import { isUtf8 } from 'node:buffer'
import { high, low, parseDigits } from './decimal.ts'
import { expectation, inRange, parseDouble, writeDecoded } from './json-parse.ts'
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  hexValue,
  isDigit,
  MINUS,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  Scanner,
} from './json-scan.ts'
import { type Field, KIND, MESSAGES, type Message } from './json-table.ts'
import { NESTING_MAX } from './validate.ts'
import { Writer } from './writer.ts'

/** Arrays and objects inside a value that nobody reads. */
const SKIP_DEPTH_MAX = 64

/** Body bytes that may be quoted in an error. */
const QUOTED_MAX = 60

/** Of a deep path only so many names at its beginning and at its end are shown. */
const PATH_HEAD = 8
const PATH_TAIL = 4

/** What is wrong with a request in JSON, and where. */
export class OtlpJsonError extends Error {
  override readonly name = 'OtlpJsonError'
  /** `resourceSpans[0].scopeSpans[0].spans[3].traceId`; '' at the top. */
  readonly path: string
  /** From the start of the body, in bytes. */
  readonly offset: number

  constructor(path: string, problem: string, offset: number) {
    super(path === '' ? problem : `${path}: ${problem}`)
    this.path = path
    this.offset = offset
  }
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff')
const replacing = new TextDecoder('utf-8', { ignoreBOM: true })

/** The writer of the last request, kept unless that was a very large one: growing a new one costs more. */
let spare: Writer | undefined
const SPARE_MAX = 4 * 1024 * 1024

/** @throws OtlpJsonError */
export function readJson(body: Uint8Array, message: Message): Uint8Array {
  // Ill-formed UTF-8 becomes U+FFFD once, here, so that every string below can be copied as it is.
  const text = isUtf8(body) ? body : Buffer.from(replacing.decode(body))
  const out = spare ?? new Writer(text.length)
  spare = undefined
  out.rewind()
  new Reader(text, out).request(message)
  const request = out.copy()
  if (out.bytes.length <= SPARE_MAX) spare = out
  return request
}

const ANY_VALUE = MESSAGES.get('AnyValue')!

class Reader extends Scanner {
  readonly #out: Writer
  /** For errors: where the name of the member being read stands at each depth, and which element of it. */
  readonly #nameStarts: number[] = []
  readonly #nameStops: number[] = []
  readonly #elements: number[] = []
  #depth = 0
  /** AnyValues around the one being read. */
  #nesting = 0

  constructor(bytes: Uint8Array, out: Writer) {
    super(bytes)
    this.#out = out
  }

  request(message: Message): void {
    if (Buffer.compare(this.bytes.subarray(0, 3), BYTE_ORDER_MARK) === 0) this.pos = 3
    if (this.peek() !== OPEN_OBJECT) this.fail('an object')
    this.#object(message)
    this.peek()
    if (this.pos < this.end) this.fail('the end of the body')
  }

  override fail(expected: string): never {
    this.refuse(`expected ${expected}, got ${this.#found()}`)
  }

  override refuse(problem: string): never {
    throw new OtlpJsonError(this.#path(), problem, this.pos)
  }

  #found(): string {
    if (this.pos >= this.end) return 'the end of the body'
    const some = Buffer.from(this.bytes.subarray(this.pos, this.pos + QUOTED_MAX)).toString()
    const token = /^(?:"(?:[^"\\]|\\.)*"?|[-+.\w]+|.)/s.exec(some)![0]
    return `${token} at byte ${this.pos}`
  }

  #path(): string {
    let path = ''
    for (let depth = 1; depth <= this.#depth; depth++) {
      if (depth === PATH_HEAD + 1 && this.#depth > PATH_HEAD + PATH_TAIL) {
        path += '...'
        depth = this.#depth - PATH_TAIL + 1
      }
      const stop = Math.min(this.#nameStops[depth]!, this.#nameStarts[depth]! + QUOTED_MAX)
      const name = Buffer.from(this.bytes.subarray(this.#nameStarts[depth], stop)).toString()
      const element = this.#elements[depth]!
      // It is the name that cannot be read: the place is the object around it.
      if (name === '' && element < 0) continue
      path += `${path === '' ? '' : '.'}${name}${element < 0 ? '' : `[${element}]`}`
    }
    return path
  }

  /** Writes the fields of the object at `pos`. */
  #object(message: Message): void {
    this.pos++
    if (this.peek() === CLOSE_OBJECT) {
      this.pos++
      return
    }
    const depth = ++this.#depth
    let seen = 0
    do {
      this.#elements[depth] = -1
      const field = this.#name(message, depth)
      this.colon()
      const byte = this.peek()
      if (field === undefined) this.skip(SKIP_DEPTH_MAX)
      else if (byte === 0x6e) this.word('null')
      else if (field.repeated) this.#array(field, depth, byte)
      else if (field.kind !== KIND.message) this.#value(field, byte)
      else {
        // Protobuf would merge the two, JSON take the last; the door refuses them in bytes too (validate.ts).
        if ((seen & field.rivals) !== 0) this.refuse('comes twice, or beside another value that excludes it')
        seen |= 1 << field.index
        this.#value(field, byte)
      }
    } while (this.more(CLOSE_OBJECT))
    this.#depth--
  }

  #name(message: Message, depth: number): Field | undefined {
    if (this.peek() !== QUOTE) {
      this.#nameStarts[depth] = this.#nameStops[depth] = this.pos
      this.fail('a name in quotes')
    }
    this.#nameStarts[depth] = this.#nameStops[depth] = this.pos + 1
    this.string()
    this.#nameStops[depth] = this.pos - 1
    return message.byName.find(this.text, this.textStart, this.textStop)
  }

  #array(field: Field, depth: number, byte: number): void {
    if (byte !== OPEN_ARRAY) this.fail('an array')
    this.pos++
    if (this.peek() === CLOSE_ARRAY) {
      this.pos++
      return
    }
    const mark = field.packed ? this.#out.open(field.number) : 0
    do {
      this.#elements[depth]!++
      const next = this.peek()
      if (next === 0x6e && field.kind === KIND.message) {
        // A hole keeps its place: the elements after it would move otherwise.
        this.word('null')
        this.#out.lengthDelimited(field.number, NO_BYTES)
      } else this.#value(field, next)
    } while (this.more(CLOSE_ARRAY))
    if (field.packed) this.#out.close(mark)
  }

  /** One value: a member, or an element of a repeated field. `byte` is its first. */
  #value(field: Field, byte: number): void {
    switch (field.kind) {
      case KIND.message: {
        if (byte !== OPEN_OBJECT) this.fail('an object')
        this.#message(field)
        return
      }
      case KIND.string:
        this.#quoted('a string', byte)
        if (this.textStop > this.textStart || field.presence || field.repeated)
          this.#out.lengthDelimited(field.number, this.text, this.textStart, this.textStop)
        return
      case KIND.id:
        this.#id(field, byte)
        return
      case KIND.bytes:
        this.#bytes(field, byte)
        return
      case KIND.double:
        this.#double(field, byte)
        return
      case KIND.bool: {
        if (byte !== 0x74 && byte !== 0x66) this.fail('true or false')
        this.word(byte === 0x74 ? 'true' : 'false')
        this.#integer(field, byte === 0x74 ? 1 : 0, 0)
        return
      }
      default:
        this.#number(field, byte)
    }
  }

  #message(field: Field): void {
    const nests = field.message === ANY_VALUE
    if (nests && ++this.#nesting > NESTING_MAX) this.refuse(`values nested deeper than ${NESTING_MAX} levels`)
    const mark = this.#out.open(field.number)
    this.#object(field.message)
    this.#out.close(mark)
    if (nests) this.#nesting--
  }

  #quoted(expected: string, byte: number): void {
    if (byte !== QUOTE) this.fail(expected)
    this.string()
  }

  /** Puts `pos` back to where the value began, so that the error shows it. */
  #refuseValue(start: number, expected: string): never {
    this.pos = start
    this.fail(expected)
  }

  #id(field: Field, byte: number): void {
    const start = this.pos
    const expected = `${field.size * 2} hex digits`
    this.#quoted(expected, byte)
    const { text, textStart, textStop } = this
    if (textStart === textStop) return
    if (textStop - textStart !== field.size * 2) this.#refuseValue(start, expected)
    const out = this.#out
    out.reserve(field.size + 4)
    out.varint(field.tag)
    out.byte(field.size)
    out.reserve(field.size)
    for (let i = textStart; i < textStop; i += 2) {
      const value = (hexValue(text[i]!) << 4) | hexValue(text[i + 1]!)
      if (value < 0) this.#refuseValue(start, expected)
      out.bytes[out.pos++] = value
    }
  }

  #bytes(field: Field, byte: number): void {
    const start = this.pos
    this.#quoted('base64 in quotes', byte)
    if (this.textStart === this.textStop && !field.presence) return
    const mark = this.#out.open(field.number)
    if (!writeDecoded(this.#out, this.text, this.textStart, this.textStop))
      this.#refuseValue(start, 'base64 in quotes')
    this.#out.close(mark)
  }

  #double(field: Field, byte: number): void {
    const start = this.pos
    let value: number
    if (byte === QUOTE) {
      this.string()
      value = parseDouble(this.#latin(this.textStart, this.textStop))
    } else {
      if (byte !== MINUS && !isDigit(byte)) this.fail('a number')
      const from = this.number()
      this.text = this.bytes
      value = Number(this.#latin(from, this.pos))
      if (!Number.isFinite(value)) value = Number.NaN
    }
    if (Number.isNaN(value) && !(byte === QUOTE && this.#isNan()))
      this.#refuseValue(start, 'a number that fits a double')
    if (!field.repeated) {
      if (value === 0 && !Object.is(value, -0) && !field.presence) return
      this.#out.varint(field.tag)
    }
    this.#out.double(value)
  }

  #isNan(): boolean {
    return this.#latin(this.textStart, this.textStop).toLowerCase() === 'nan'
  }

  #latin(start: number, stop: number): string {
    if (stop - start > 32) return Buffer.from(this.text.subarray(start, stop)).toString('latin1')
    let text = ''
    for (let i = start; i < stop; i++) text += String.fromCharCode(this.text[i]!)
    return text
  }

  /** An integer or an enum, as a number or in quotes. */
  #number(field: Field, byte: number): void {
    const start = this.pos
    if (byte === QUOTE) {
      this.string()
      if (field.words !== undefined && this.#enumName(field)) return
    } else if (byte === MINUS || isDigit(byte)) {
      const from = this.number()
      if (this.fraction) this.#roundNumber(field, from)
      else {
        this.text = this.bytes
        this.textStart = from
        this.textStop = this.pos
      }
    } else this.#refuseValue(start, expectation(field))
    if (!this.#decimal(field)) this.#refuseValue(start, expectation(field))
  }

  #enumName(field: Field): boolean {
    const value = field.words!.get(this.#latin(this.textStart, this.textStop))
    if (value === undefined) return false
    this.#integer(field, value, 0)
    return true
  }

  /** `1e3` and `5.0` are whole numbers too, as proto3 JSON says. */
  #roundNumber(field: Field, from: number): void {
    this.text = this.bytes
    const value = Number(this.#latin(from, this.pos))
    if (!Number.isSafeInteger(value)) this.#refuseValue(from, expectation(field))
    this.text = Buffer.from(String(value))
    this.textStart = 0
    this.textStop = this.text.length
  }

  /** The digits in `text`, perhaps with a sign. False when they are none or out of the field's range. */
  #decimal(field: Field): boolean {
    const sign = this.text[this.textStart]
    const negative = this.textStart < this.textStop && sign === MINUS
    const start = this.textStart + (negative || sign === 0x2b ? 1 : 0)
    if (!parseDigits(this.text, start, this.textStop)) return false
    if (!inRange(field.kind, low, high, negative)) return false
    if (!negative) this.#integer(field, low, high)
    else {
      const negated = (~low + 1) >>> 0
      this.#integer(field, negated, (negated === 0 ? ~high + 1 : ~high) >>> 0)
    }
    return true
  }

  /** `lo` and `hi`: the value in 64-bit two's complement. */
  #integer(field: Field, lo: number, hi: number): void {
    const out = this.#out
    if (!field.repeated) {
      if (lo === 0 && hi === 0 && !field.presence) return
      out.varint(field.tag)
    }
    switch (field.kind) {
      case KIND.fixed32:
        out.fixed32(lo)
        return
      case KIND.fixed64:
      case KIND.sfixed64:
        out.fixed32(lo)
        out.fixed32(hi)
        return
      case KIND.sint32:
        out.varint(((lo << 1) ^ (hi === 0 ? 0 : -1)) >>> 0)
        return
      default:
        out.varint64(lo, hi)
    }
  }
}

const NO_BYTES = new Uint8Array(0)
