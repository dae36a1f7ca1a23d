/**
 * What the two text formats share: names, quoted texts, labels, numbers, and saying where a page is wrong. Works on the
 * bytes; a text is made of them only when somebody asks for it.
 */

import { isUtf8 } from 'node:buffer'
import { parseGoFloat } from '../../go-numbers.ts'
import type { Label } from '../labels.ts'
import { formatOpenFloat } from '../numbers.ts'
import { BadPage, type MetricType, NAME } from './page.ts'

export const NEWLINE = 0x0a
export const SPACE = 0x20
export const TAB = 0x09
export const HASH = 0x23
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const EQUALS = 0x3d
const COMMA = 0x2c

/** 1: may begin a name, 2: only inside, 4: a colon, which names of labels do not have. */
const LETTERS = new Uint8Array(256)
for (const letter of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_')
  LETTERS[letter.charCodeAt(0)] = 1
for (const digit of '0123456789') LETTERS[digit.charCodeAt(0)] = 2
LETTERS[':'.charCodeAt(0)] = 4

/** A line has no turn of the event loop in it: nobody means to send a longer one. */
export const LINE_BYTES_MAX = 1024 * 1024
const TOO_LONG = `a text of more than ${LINE_BYTES_MAX} bytes`

/** Of a wrong line a message shows no more than this. */
const SHOWN_MAX = 40

export class Scanner {
  readonly bytes: Buffer
  protected pos = 0
  protected readonly end: number
  /** Where the name of the metric is, and pairs of places for each label: name, value. */
  protected nameStart = -1
  protected nameStop = -1
  protected readonly places: number[] = []
  /** Where the entry begins. */
  protected begin = 0
  /** Where the text of the series is: what `series` says. */
  from = 0
  to = 0
  /** The sample's text is the one that was expected: there are no `labels()`. */
  expected = false
  #hint: Uint8Array | undefined
  #hintFrom = 0
  #hintTo = 0

  /** Throws BadPage when a line is too long. */
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.end = bytes.length
    this.#checkLines()
  }

  /** From the end of one line to the last that is near enough: it looks at a line in a million bytes. */
  #checkLines(): void {
    let at = -1
    while (this.end - at - 1 > LINE_BYTES_MAX) {
      const next = this.bytes.lastIndexOf(NEWLINE, at + 1 + LINE_BYTES_MAX)
      if (next <= at) this.fail(TOO_LONG, at + 1)
      at = next
    }
  }

  get series(): string {
    return this.bytes.toString('latin1', this.from, this.to)
  }

  /** The next sample is likely to have the text `page[from, to)`, which was read before. */
  expect(page: Uint8Array, from: number, to: number): void {
    this.#hint = page
    this.#hintFrom = from
    this.#hintTo = to
  }

  /** Past the text that was expected, if it stands here: it ends here too. */
  protected takeExpected(): boolean {
    const hint = this.#hint
    this.expected = false
    if (hint === undefined) return false
    this.#hint = undefined
    const start = this.pos
    const stop = start + this.#hintTo - this.#hintFrom
    const { bytes, end } = this
    // A text without labels may go on, with them or as a longer name.
    if (stop >= end || hint[this.#hintTo - 1] !== CLOSE) return false
    if (bytes.compare(hint, this.#hintFrom, this.#hintTo, start, stop) !== 0) return false
    this.from = start
    this.to = stop
    this.pos = stop
    this.expected = true
    return true
  }

  where(): string {
    return `line ${this.#lineOf(this.begin)[0]}`
  }

  #lineOf(at: number): [line: number, begin: number] {
    let line = 1
    let begin = 0
    for (let i = this.bytes.indexOf(NEWLINE); i !== -1 && i < at; i = this.bytes.indexOf(NEWLINE, i + 1)) {
      line++
      begin = i + 1
    }
    return [line, begin]
  }

  /** Throws BadPage: where, what, and what stands there. */
  protected fail(what: string, at = this.pos): never {
    const [line, begin] = this.#lineOf(at)
    const stop = this.bytes.indexOf(NEWLINE, at)
    const rest = this.bytes.subarray(at, stop === -1 ? this.end : stop).toString()
    const shown = rest.length > SHOWN_MAX ? `${rest.slice(0, SHOWN_MAX)}...` : rest
    const found =
      at >= this.end ? 'the end of the page' : rest === '' ? 'the end of the line' : JSON.stringify(shown)
    throw new BadPage(`line ${line}, column ${at - begin + 1}: ${what}, found ${found}`)
  }

  protected peek(): number {
    return this.pos < this.end ? this.bytes[this.pos]! : -1
  }

  protected skipBlanks(): void {
    const { bytes } = this
    while (this.pos < this.end && (bytes[this.pos] === SPACE || bytes[this.pos] === TAB)) this.pos++
  }

  /** True, and past it, when the page goes on with this word. */
  protected take(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.bytes[this.pos + i] !== word.charCodeAt(i)) return false
    this.pos += word.length
    return true
  }

  /** Past a name, if there is one: of a metric (with colons) or of a label. */
  protected skipName(colons: boolean): boolean {
    const { bytes, end } = this
    let pos = this.pos
    const wanted = colons ? 7 : 3
    if (pos >= end || (LETTERS[bytes[pos]!]! & wanted & 5) === 0) return false
    do pos++
    while (pos < end && (LETTERS[bytes[pos]!]! & wanted) !== 0)
    this.pos = pos
    return true
  }

  /**
   * Past a text in quotes; `lines`: it may go over the end of a line. False when none begins here. Throws BadPage unless
   * it is UTF-8.
   */
  protected skipQuoted(lines: boolean): boolean {
    const { bytes, end } = this
    if (this.peek() !== QUOTE) return false
    let pos = this.pos + 1
    let high = 0
    for (;;) {
      if (pos >= end) this.fail('a quoted text does not end')
      const byte = bytes[pos]!
      high |= byte
      if (byte === QUOTE) break
      if (byte === NEWLINE) {
        if (!lines) this.fail('a quoted text does not end in its line')
        if (pos - this.pos > LINE_BYTES_MAX) this.fail(TOO_LONG)
      }
      if (byte === BACKSLASH) {
        pos++
        if (bytes[pos] === NEWLINE) this.fail('a line ends behind a backslash')
      }
      pos++
    }
    if (high >= 0x80 && !isUtf8(bytes.subarray(this.pos, pos))) this.fail('a text that is not UTF-8')
    this.pos = pos + 1
    return true
  }

  /** The name behind HELP, TYPE or UNIT, without quotes. */
  protected metaName(): string {
    const start = this.pos
    if (this.skipQuoted(true)) return this.plain(start + 1, this.pos - 1)
    if (this.skipName(true)) return this.bytes.toString('latin1', start, this.pos)
    return this.fail('expected the name of a metric')
  }

  /**
   * From `{` to past `}`: enters places. `blanks`: there may be blanks between, and commas may be missing. `exemplar`:
   * a text in quotes is not the name of the metric.
   */
  protected labelPlaces(places: number[], blanks: boolean, exemplar: boolean): void {
    if (this.peek() !== OPEN) this.fail('expected {')
    this.pos++
    for (;;) {
      if (blanks) this.skipBlanks()
      if (this.peek() === CLOSE) {
        this.pos++
        return
      }
      let start = this.pos
      let stop: number
      const quoted = this.skipQuoted(!exemplar)
      if (quoted) {
        start++
        stop = this.pos - 1
      } else {
        if (!this.skipName(false)) this.fail('expected the name of a label or }')
        stop = this.pos
      }
      if (blanks) this.skipBlanks()
      if (quoted && !exemplar && (this.peek() === COMMA || this.peek() === CLOSE)) {
        if (this.nameStart !== -1) this.fail('the metric has a name already', start - 1)
        this.nameStart = start
        this.nameStop = stop
        if (this.peek() === COMMA) this.pos++
        continue
      }
      if (this.peek() !== EQUALS) this.fail('expected = behind the name of a label')
      this.pos++
      if (blanks) this.skipBlanks()
      const valueStart = this.pos + 1
      if (!this.skipQuoted(blanks)) this.fail('expected the value of a label in quotes')
      places.push(start, stop, valueStart, this.pos - 1)
      if (blanks) this.skipBlanks()
      if (this.peek() === COMMA) this.pos++
      else if (!blanks && this.peek() !== CLOSE) this.fail('expected , or } behind the value of a label')
    }
  }

  /** `[start, stop)`, which is UTF-8, with its escapes undone. */
  protected plain(start: number, stop: number): string {
    const { bytes } = this
    let ascii = true
    let escaped = false
    for (let i = start; i < stop; i++) {
      const byte = bytes[i]!
      if (byte >= 0x80) ascii = false
      else if (byte === BACKSLASH) escaped = true
    }
    const text = bytes.toString(ascii ? 'latin1' : 'utf8', start, stop)
    return escaped ? unescaped(text, true) : text
  }

  /** Those of `places`, with the name of the metric in front. `type` is that of the family before. */
  protected labelsAt(places: readonly number[], type: MetricType | undefined): Label[] {
    const labels: Label[] = []
    if (type !== undefined) labels.push([NAME, this.plain(this.nameStart, this.nameStop)])
    for (let i = 0; i < places.length; i += 4) {
      const name = this.plain(places[i]!, places[i + 1]!)
      const value = this.plain(places[i + 2]!, places[i + 3]!)
      labels.push([name, boundText(type, name, value)])
    }
    return labels
  }

  /** The number in `[start, stop)`, as Go reads it. */
  protected float(start: number, stop: number): number {
    const { bytes } = this
    // Up to 15 digits are exact.
    if (stop - start <= 15 && stop > start) {
      let value = 0
      let pos = start
      while (pos < stop) {
        const digit = bytes[pos]! - 0x30
        if (digit < 0 || digit > 9) break
        value = value * 10 + digit
        pos++
      }
      if (pos === stop) return value
    }
    const text = bytes.toString('latin1', start, stop)
    // Forms that Go learned later are no part of the format.
    const value = /[pP_]/.test(text) ? undefined : parseGoFloat(text)
    return value === undefined ? this.fail('expected a number', start) : value
  }

  /** Past everything up to a blank or the end of the line; `brace` ends it too. */
  protected skipWord(brace: boolean, tab: boolean): number {
    const { bytes, end } = this
    const start = this.pos
    let pos = start
    for (; pos < end; pos++) {
      const byte = bytes[pos]!
      if (byte === SPACE || byte === NEWLINE || (tab && byte === TAB) || (brace && byte === OPEN)) break
    }
    this.pos = pos
    return start
  }
}

/** `le` of a histogram and `quantile` of a summary are numbers, and are written in one way. */
function boundText(type: MetricType | undefined, name: string, value: string): string {
  const bound = (type === 'histogram' && name === 'le') || (type === 'summary' && name === 'quantile')
  if (!bound) return value
  const number = parseGoFloat(value)
  return number === undefined ? value : formatOpenFloat(number)
}

/** `\\`, `\n` and, in quotes, `\"`; a backslash before anything else stays. */
export function unescaped(text: string, quotes: boolean): string {
  return text.replaceAll(quotes ? /\\(["\\n])/g : /\\([\\n])/g, (_, letter: string) =>
    letter === 'n' ? '\n' : letter,
  )
}
