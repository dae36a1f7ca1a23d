/** When a span began and ended, as its document has it: microseconds, milliseconds, and the duration. */

import { high, low, readFixed64 } from '../../otlp/cursor.ts'
import { writeUint } from '../../otlp/decimal.ts'
import { Span } from '../../otlp/fields.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import { writeAscii, writeThreeDigits } from './letters.ts'
import type { Ranges } from './span-ranges.ts'
import * as times from './times.ts'
import { isBefore1970, MICRO, MILLI, millisOf, subtract, timestampText, writeDivided } from './times.ts'

const TIMESTAMP = Buffer.from(',"@timestamp":"')
const QUOTE = 0x22
/** Milliseconds of any time between 2001 and 2286. */
const MILLIS_DIGITS = 13
const MILLIS_MIN = 10 ** (MILLIS_DIGITS - 1)
const MILLIS_END = 10 ** MILLIS_DIGITS

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
  /** Digits of `#millisValue`. */
  readonly #millis: Piece
  #millisValue = 0

  constructor(pieces: Pieces) {
    this.#pieces = pieces
    this.#startTimeMillis = pieces.piece(Buffer.from(',"startTimeMillis":'))
    this.#duration = pieces.piece(Buffer.from(',"duration":'))
    this.#millis = pieces.piece(new Uint8Array(MILLIS_DIGITS))
  }

  read(span: Ranges): void {
    readTime(span, Span.endTimeUnixNano)
    this.endLow = timeLow
    this.endHigh = timeHigh
    readTime(span, Span.startTimeUnixNano)
    this.startLow = timeLow
    this.startHigh = timeHigh
    this.isBefore1970 = isBefore1970(timeHigh)
    this.startMillis = this.isBefore1970 ? 0 : millisOf(timeLow, timeHigh)
    this.#micros = this.isBefore1970 ? 0 : times.microsLeft
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
    const positive = subtract(this.endLow, this.endHigh, this.startLow, this.startHigh)
    writeDivided(out, positive ? times.differenceLow : 0, positive ? times.differenceHigh : 0, MICRO)
    return !positive
  }

  /** Microseconds are the digits of milliseconds, and three more. */
  #writeUsual(out: Writer): void {
    const pieces = this.#pieces
    const millis = this.startMillis
    if (this.#millisValue !== millis) {
      this.#millisValue = millis
      writeUint(this.#millis.bytes, 0, millis)
      pieces.forget(this.#millis.nth)
    }
    pieces.writeAlone(out, this.#millis)
    writeThreeDigits(out, this.#micros)
    pieces.write(out, this.#startTimeMillis)
    pieces.writeAlone(out, this.#millis)
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

/** The 64 bits that `readTime` read, 0 where the field is absent. */
export let timeLow = 0
export let timeHigh = 0

export function readTime(message: Ranges, field: number): void {
  const start = message.startOf(field)
  timeLow = timeHigh = 0
  if (start === -1) return
  readFixed64(message.bytes, start)
  timeLow = low
  timeHigh = high
}
