/** When a span began and ended, as its document has it: microseconds, milliseconds, and the duration. */

import { writeUint } from '../../otlp/decimal.ts'
import * as fields from '../../otlp/fields.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import { writeAscii, writeNumber, writeThreeDigits } from './letters.ts'
import type { Ranges } from './span-ranges.ts'
import * as times from './times.ts'
import { MICRO, MILLI, subtract, timestampText, writeDivided } from './times.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { startTimeUnixNano: START, endTimeUnixNano: END } = fields.Span

const TIMESTAMP = Buffer.from(',"@timestamp":"')
const QUOTE = 0x22
/** Seconds of any time between 2001 and 2286. */
const SECONDS_DIGITS = 10
const MILLIS_MIN = 10 ** (SECONDS_DIGITS + 2)
const MILLIS_END = 10 ** (SECONDS_DIGITS + 3)
/** From here on a time is one before 1970, as Go reads it. */
const SIGN = 0x8000_0000
const MILLION = 1e6
const THOUSAND = 1e3
/** 2^32 is this many millions, and this more. */
const TWO_32_MILLIONS = 4294
const TWO_32_REST = 967_296

/** Of one span after the other. */
export class SpanTimes {
  /** When it began, ms since 1970. */
  startMillis = 0
  /** True when it began earlier than documents can say; `startMillis` is 0 then. */
  isBefore1970 = false
  /** Nanoseconds, unsigned halves of 64 bits. */
  startLow = 0
  startHigh = 0
  endLow = 0
  endHigh = 0
  /** Since `startMillis`. */
  #micros = 0
  readonly #pieces: Pieces
  readonly #startTimeMillis: Piece
  readonly #duration: Piece
  /** Digits of `#seconds`, in each of the places where they stand. */
  readonly #inStart: Piece
  readonly #inMillis: Piece
  #seconds = 0

  constructor(pieces: Pieces) {
    this.#pieces = pieces
    this.#startTimeMillis = pieces.piece(Buffer.from(',"startTimeMillis":'))
    this.#duration = pieces.piece(Buffer.from(',"duration":'))
    this.#inStart = pieces.changing(SECONDS_DIGITS)
    this.#inMillis = pieces.changing(SECONDS_DIGITS)
  }

  read(span: Ranges): void {
    const { bytes } = span
    const start = span.startOf(START)
    const end = span.startOf(END)
    const startLow = start === -1 ? 0 : uint32(bytes, start)
    const startHigh = start === -1 ? 0 : uint32(bytes, start + 4)
    this.startLow = startLow
    this.startHigh = startHigh
    this.endLow = end === -1 ? 0 : uint32(bytes, end)
    this.endHigh = end === -1 ? 0 : uint32(bytes, end + 4)
    this.isBefore1970 = startHigh >= SIGN
    if (this.isBefore1970) {
      this.startMillis = this.#micros = 0
      return
    }
    // Both are exact: below 2^53.
    const rest = startHigh * TWO_32_REST + startLow
    const millis = Math.floor(rest / MILLION)
    this.startMillis = startHigh * TWO_32_MILLIONS + millis
    this.#micros = ((rest - millis * MILLION) / THOUSAND) | 0
  }

  /**
   * Behind the key of the first. True when the span ended no later than it began, which Jaeger makes 1 ns, and says so in a
   * tag.
   */
  write(out: Writer): boolean {
    const pieces = this.#pieces
    if (this.startMillis >= MILLIS_MIN && this.startMillis < MILLIS_END) this.#writeUsual(out)
    else {
      const start = this.isBefore1970 ? 0 : this.startLow
      const startHigh = this.isBefore1970 ? 0 : this.startHigh
      writeDivided(out, start, startHigh, MICRO)
      pieces.write(out, this.#startTimeMillis)
      writeDivided(out, start, startHigh, MILLI)
    }
    pieces.write(out, this.#duration)
    if (this.endHigh === this.startHigh && this.endLow > this.startLow) {
      writeNumber(out, Math.floor((this.endLow - this.startLow) / THOUSAND))
      return false
    }
    const positive = subtract(this.endLow, this.endHigh, this.startLow, this.startHigh)
    writeDivided(out, positive ? times.differenceLow : 0, positive ? times.differenceHigh : 0, MICRO)
    return !positive
  }

  /** Microseconds are the digits of milliseconds, and three more. */
  #writeUsual(out: Writer): void {
    const pieces = this.#pieces
    const seconds = Math.floor(this.startMillis / THOUSAND)
    const millis = (this.startMillis - seconds * THOUSAND) | 0
    if (this.#seconds !== seconds) this.#change(seconds)
    pieces.writeChanging(out, this.#inStart)
    writeThreeDigits(out, millis)
    writeThreeDigits(out, this.#micros)
    pieces.write(out, this.#startTimeMillis)
    pieces.writeChanging(out, this.#inMillis)
    writeThreeDigits(out, millis)
  }

  #change(seconds: number): void {
    for (const piece of [this.#inStart, this.#inMillis]) {
      this.#pieces.change(piece.nth)
      writeUint(piece.bytes, 0, seconds)
    }
    // `change` may throw.
    this.#seconds = seconds
  }

  /** `,"@timestamp":"..."` */
  writeTimestamp(out: Writer): void {
    out.raw(TIMESTAMP)
    writeAscii(
      out,
      timestampText(this.isBefore1970 ? 0 : this.startLow, this.isBefore1970 ? 0 : this.startHigh),
    )
    out.byte(QUOTE)
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
