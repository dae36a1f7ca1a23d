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
import { BadMessage, Budget, PARTS_MAX } from './bad-message.ts'

/** A whole number that a double cannot hold is a bigint: nothing is rounded but fractions. */
export type JsonValue = null | boolean | string | number | bigint | JsonValue[] | JsonObject
/** Of equal names the last counts. `__proto__` is a name like any other; ask for names that `Object` does not have. */
export type JsonObject = { [name: string]: JsonValue }

/** An array or object is level 1, one inside it level 2, ... Below the 64 levels that OTLP values may nest here. */
export const JSON_DEPTH_MAX = 60

/** Longer integers are doubles: no format has them, and making a bigint of a million digits takes its time. */
const DIGITS_MAX = 40

/** Shorter texts cannot have more parts than a message may have, since each takes two bytes. */
const SURELY_FEW = 2 * PARTS_MAX

/**
 * Ill-formed UTF-8 becomes U+FFFD; a byte order mark is skipped. `format` stands in errors.
 * @throws BadMessage when it is not JSON, nests deeper than JSON_DEPTH_MAX or has too many values.
 */
export function parseJson(bytes: Uint8Array, format: string): JsonValue {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString()
  const brackets = countBrackets(bytes)
  if (bytes.length < SURELY_FEW && !ROUNDED.test(text)) {
    try {
      const value = JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text)
      if (isShallow(value, brackets, JSON_DEPTH_MAX)) return value
    } catch {
      // The reader below says what is wrong.
    }
  }
  // Slower, but it knows every digit, and what is wrong where.
  return new Reader(isUtf8(bytes) ? bytes : Buffer.from(text), format).read()
}

const BYTE_ORDER_MARK = 0xfeff

/** What may be an integer from 9 * 10^15 on, not far below 2^53. It may also stand in a text: that costs time, no more. */
const ROUNDED = /(?:^|[[:,\s])-?(?:9\d{15}|\d{17})/

/** How many arrays and objects there are, or more: brackets in texts count too. */
function countBrackets(bytes: Uint8Array): number {
  let count = 0
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === OPEN_OBJECT || bytes[i] === OPEN_ARRAY) count++
  return count
}

/** Whether it nests at most `room` levels; few brackets cannot nest deeper. */
function isShallow(value: JsonValue, brackets: number, room: number): boolean {
  if (brackets <= room || typeof value !== 'object' || value === null) return true
  if (room === 0) return false
  const inner = Array.isArray(value) ? value : Object.values(value)
  for (let i = 0; i < inner.length; i++) if (!isShallow(inner[i]!, brackets, room - 1)) return false
  return true
}

/** Not null, and not an array. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
    const object: JsonObject = Object.create(null)
    if (this.#open(room, CLOSE_OBJECT)) return object
    do {
      if (this.peek() !== QUOTE) this.fail('a name in quotes')
      const name = this.#text()
      this.colon()
      object[name] = this.#value(room - 1)
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
