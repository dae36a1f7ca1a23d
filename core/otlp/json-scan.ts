/**
 * Walking JSON text as bytes: where strings and numbers begin and end, what stands in them, and skipping what nobody
 * asked for. Knows nothing of OTLP. Every byte is looked at a bounded number of times.
 *
 * RFC 8259, strictly: control characters in strings, leading zeros and trailing commas are refused.
 */

export const QUOTE = 0x22
export const COMMA = 0x2c
export const MINUS = 0x2d
export const COLON = 0x3a
export const OPEN_ARRAY = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_ARRAY = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const LETTER_E = 0x65
const LETTER_U = 0x75

/** 1: ends the quick walk through a string (quote, backslash, control character). */
const STOPS = new Uint8Array(256)
for (let b = 0; b < 0x20; b++) STOPS[b] = 1
STOPS[QUOTE] = 1
STOPS[BACKSLASH] = 1

/** What a letter after a backslash stands for. */
const ESCAPES = new Uint8Array(256)
for (const [letter, byte] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 }))
  ESCAPES[letter.charCodeAt(0)] = byte

const HEX_VALUES = new Int8Array(256).fill(-1)
for (let i = 0; i < 16; i++) {
  HEX_VALUES[i.toString(16).charCodeAt(0)] = i
  HEX_VALUES[i.toString(16).toUpperCase().charCodeAt(0)] = i
}

/** The value of a hex digit, -1 when it is none. */
export function hexValue(byte: number): number {
  return HEX_VALUES[byte]!
}

/** Reads one JSON text. What went wrong is thrown through `fail`, which the owner gives a place to. */
export abstract class Scanner {
  readonly bytes: Uint8Array
  readonly end: number
  pos: number
  /** The string read last, unescaped: `text[textStart, textStop)`. */
  text: Uint8Array
  textStart: number
  textStop: number
  /** Whether the number passed over last has a fraction or an exponent. */
  fraction: boolean
  #scratch: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.end = bytes.length
    this.pos = 0
    this.text = bytes
    this.textStart = 0
    this.textStop = 0
    this.fraction = false
    this.#scratch = NO_BYTES
  }

  /** Throws: `expected` is what should stand at `pos`. */
  abstract fail(expected: string): never

  /** Throws: `problem` is what is wrong. */
  abstract refuse(problem: string): never

  /** Skips white space and returns the byte after it, 0 at the end of the text. */
  peek(): number {
    const { bytes } = this
    let byte = bytes[this.pos]
    if (byte !== undefined && byte > 0x20) return byte
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.pos]
    return byte ?? 0
  }

  /** Reads a string into `text`; `pos` is at its quote. Without escapes nothing is copied. */
  string(): void {
    const { bytes } = this
    const start = this.pos + 1
    let pos = start
    while (STOPS[bytes[pos]!] === 0) pos++
    this.text = bytes
    this.textStart = start
    this.textStop = pos
    if (bytes[pos] === QUOTE) this.pos = pos + 1
    else this.#unescape(start, pos)
  }

  /** The rest of a string from its first escape on. `text` becomes a buffer that the next such string overwrites. */
  #unescape(start: number, from: number): void {
    const { bytes } = this
    const stop = this.#closingQuote(from)
    if (this.#scratch.length < stop - start) this.#scratch = new Uint8Array((stop - start) * 2)
    const target = this.#scratch
    let to = 0
    this.pos = start
    while (this.pos < stop) {
      const byte = bytes[this.pos++]!
      if (byte !== BACKSLASH) target[to++] = byte
      else to = this.#escape(target, to)
    }
    this.text = target
    this.textStart = 0
    this.textStop = to
    this.pos = stop + 1
  }

  #closingQuote(from: number): number {
    const { bytes } = this
    let pos = from
    while (bytes[pos] !== QUOTE) {
      const byte = bytes[pos]
      if (byte === BACKSLASH) pos += 2
      else if (byte !== undefined && byte >= 0x20) pos++
      else {
        this.pos = pos
        this.fail(
          byte === undefined ? 'the closing quote of a string' : 'an escape (a raw control character)',
        )
      }
    }
    return pos
  }

  /** One escape after its backslash. A surrogate that has no partner becomes U+FFFD. */
  #escape(target: Uint8Array, to: number): number {
    const letter = this.bytes[this.pos++]!
    if (letter !== LETTER_U) {
      const byte = ESCAPES[letter]!
      if (byte === 0) {
        this.pos--
        this.fail('one of " \\ / b f n r t u after a backslash')
      }
      target[to] = byte
      return to + 1
    }
    let code = this.#fourHex()
    if (code >= 0xd800 && code < 0xe000) code = this.#pair(code)
    return writeUtf8(target, to, code)
  }

  #pair(upper: number): number {
    if (upper >= 0xdc00 || this.bytes[this.pos] !== BACKSLASH || this.bytes[this.pos + 1] !== LETTER_U)
      return 0xfffd
    const before = this.pos
    this.pos += 2
    const lower = this.#fourHex()
    if (lower >= 0xdc00 && lower < 0xe000) return 0x1_0000 + ((upper - 0xd800) << 10) + (lower - 0xdc00)
    this.pos = before
    return 0xfffd
  }

  #fourHex(): number {
    let code = 0
    for (let i = 0; i < 4; i++) {
      const value = HEX_VALUES[this.bytes[this.pos] ?? 0]!
      if (value < 0) this.fail('four hex digits after \\u')
      code = code * 16 + value
      this.pos++
    }
    return code
  }

  /** Passes over a number and returns where it began; see `fraction`. */
  number(): number {
    const { bytes } = this
    const start = this.pos
    if (bytes[this.pos] === MINUS) this.pos++
    if (bytes[this.pos] === ZERO) this.pos++
    else this.#digits()
    this.fraction = false
    if (bytes[this.pos] === DOT) {
      this.fraction = true
      this.pos++
      this.#digits()
    }
    if ((bytes[this.pos]! | 0x20) === LETTER_E) {
      this.fraction = true
      this.pos++
      if (bytes[this.pos] === PLUS || bytes[this.pos] === MINUS) this.pos++
      this.#digits()
    }
    return start
  }

  #digits(): void {
    const { bytes } = this
    const start = this.pos
    while (isDigit(bytes[this.pos])) this.pos++
    if (this.pos === start) this.fail('a digit')
  }

  /** `true`, `false` or `null`, whose first letter stands at `pos`. */
  word(word: 'true' | 'false' | 'null'): void {
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.pos + i] !== word.charCodeAt(i)) this.fail(`the word ${word}`)
    }
    this.pos += word.length
  }

  /** Passes over any value. `room` is how many levels it may still nest. */
  skip(room: number): void {
    const byte = this.peek()
    if (byte === QUOTE) this.string()
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#skipNested(byte, room)
    else if (byte === 0x74) this.word('true')
    else if (byte === 0x66) this.word('false')
    else if (byte === 0x6e) this.word('null')
    else if (byte === MINUS || isDigit(byte)) this.number()
    else this.fail('a value')
  }

  #skipNested(open: number, room: number): void {
    if (room <= 0) this.refuse('nested too deep')
    const close = open === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY
    this.pos++
    if (this.peek() === close) {
      this.pos++
      return
    }
    while (true) {
      if (open === OPEN_OBJECT) {
        if (this.peek() !== QUOTE) this.fail('a name in quotes')
        this.string()
        this.colon()
      }
      this.skip(room - 1)
      if (!this.more(close)) return
    }
  }

  colon(): void {
    if (this.bytes[this.pos] !== COLON && this.peek() !== COLON) this.fail('":"')
    this.pos++
  }

  /** After a member or an element: true when a comma says there is another, false when `close` ended it. */
  more(close: number): boolean {
    const byte = this.peek()
    if (byte !== COMMA && byte !== close) this.fail(`"," or "${String.fromCharCode(close)}"`)
    this.pos++
    return byte === COMMA
  }
}

const NO_BYTES = new Uint8Array(0)

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= 0x39
}

function writeUtf8(target: Uint8Array, to: number, code: number): number {
  if (code < 0x80) {
    target[to++] = code
    return to
  }
  if (code < 0x800) target[to++] = 0xc0 | (code >>> 6)
  else {
    if (code < 0x1_0000) target[to++] = 0xe0 | (code >>> 12)
    else {
      target[to++] = 0xf0 | (code >>> 18)
      target[to++] = 0x80 | ((code >>> 12) & 63)
    }
    target[to++] = 0x80 | ((code >>> 6) & 63)
  }
  target[to++] = 0x80 | (code & 63)
  return to
}
