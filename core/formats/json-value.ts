/** JSON text as values, where the members of an object can come in any order and mean something together. */

import { isUtf8 } from 'node:buffer'
import { readString } from '../otlp/cursor.ts'
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  isDigit,
  MINUS,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  Scanner,
} from '../otlp/json-scan.ts'
import { BadMessage, Budget } from './bad-message.ts'

/** A whole number that a double cannot hold is a bigint: nothing is rounded but fractions. */
export type JsonValue = null | boolean | string | number | bigint | JsonValue[] | JsonObject
/** Of equal names the last counts. A Map, because `__proto__` is a name like any other. */
export type JsonObject = Map<string, JsonValue>

/** An array or object is level 1, one inside it level 2, ... Below the 64 levels that OTLP values may nest here. */
export const JSON_DEPTH_MAX = 60

/** Longer integers are doubles: no format has them, and making a bigint of a million digits takes its time. */
const DIGITS_MAX = 40

const replacing = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Ill-formed UTF-8 becomes U+FFFD; a byte order mark is skipped. `format` stands in errors.
 * @throws BadMessage when it is not JSON, nests deeper than JSON_DEPTH_MAX or has too many values.
 */
export function parseJson(bytes: Uint8Array, format: string): JsonValue {
  return new Reader(isUtf8(bytes) ? bytes : Buffer.from(replacing.decode(bytes)), format).read()
}

class Reader extends Scanner {
  readonly #format: string
  readonly #budget: Budget

  constructor(bytes: Uint8Array, format: string) {
    super(bytes)
    this.#format = format
    this.#budget = new Budget(format)
  }

  read(): JsonValue {
    if (this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) this.pos = 3
    const value = this.#value(JSON_DEPTH_MAX)
    this.peek()
    if (this.pos < this.end) this.fail('the end of the text')
    return value
  }

  override fail(expected: string): never {
    this.refuse(`expected ${expected}`)
  }

  override refuse(problem: string): never {
    throw new BadMessage(this.#format, `${problem} (byte ${Math.min(this.pos, this.end)})`)
  }

  #value(room: number): JsonValue {
    this.#budget.spend()
    const byte = this.peek()
    switch (byte) {
      case QUOTE:
        return this.#text()
      case OPEN_OBJECT:
        return this.#object(room)
      case OPEN_ARRAY:
        return this.#array(room)
      case 0x74:
        this.word('true')
        return true
      case 0x66:
        this.word('false')
        return false
      case 0x6e:
        this.word('null')
        return null
    }
    if (byte !== MINUS && !isDigit(byte)) this.fail('a value')
    const start = this.number()
    const digits = readString(this.bytes, start, this.pos)
    const value = Number(digits)
    if (this.fraction || Number.isSafeInteger(value) || digits.length > DIGITS_MAX) return value
    return BigInt(digits)
  }

  #text(): string {
    this.string()
    return readString(this.text, this.textStart, this.textStop)
  }

  #object(room: number): JsonObject {
    const object: JsonObject = new Map()
    if (this.#open(room, CLOSE_OBJECT)) return object
    do {
      if (this.peek() !== QUOTE) this.fail('a name in quotes')
      const name = this.#text()
      this.colon()
      object.set(name, this.#value(room - 1))
    } while (this.more(CLOSE_OBJECT))
    return object
  }

  #array(room: number): JsonValue[] {
    const array: JsonValue[] = []
    if (this.#open(room, CLOSE_ARRAY)) return array
    do array.push(this.#value(room - 1))
    while (this.more(CLOSE_ARRAY))
    return array
  }

  /** Passes the opening bracket; true when the closing one follows. */
  #open(room: number, close: number): boolean {
    if (room <= 0) this.refuse(`nested deeper than ${JSON_DEPTH_MAX} levels`)
    this.pos++
    if (this.peek() !== close) return false
    this.pos++
    return true
  }
}
