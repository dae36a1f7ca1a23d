/**
 * The classic text format 0.0.4 (and 1.0.0, whose names may stand in quotes), read as Prometheus 3 reads it
 * (model/textparse/promparse.go).
 */

import { isUtf8 } from 'node:buffer'
import type { Label } from '../labels.ts'
import type { Entry, MetricType, PageParser, ScrapedExemplar } from './page.ts'
import { HASH, NEWLINE, Scanner, SPACE, TAB, unescaped } from './scan.ts'

const TYPES: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
}

/** Bytes of empty lines. */
const EMPTY_AT_ONCE = 2048

const NONE: readonly ScrapedExemplar[] = []

export class ClassicParser extends Scanner implements PageParser {
  family = ''
  text = ''
  type: MetricType = 'unknown'
  value = 0
  millis: number | undefined
  readonly histogram = undefined
  readonly started = undefined

  next(): Entry | undefined {
    const start = this.pos
    for (;;) {
      this.skipBlanks()
      const at = this.peek()
      if (at === -1) return undefined
      if (at === NEWLINE) {
        this.pos++
        if (this.pos - start > EMPTY_AT_ONCE) return 'nothing'
      } else return at === HASH ? this.#comment() : this.#sample()
    }
  }

  labels(): Label[] {
    return this.labelsAt(this.places, this.type)
  }

  exemplars(): readonly ScrapedExemplar[] {
    return NONE
  }

  #comment(): Entry {
    const line = this.pos
    this.pos++
    const blank = this.peek() === SPACE || this.peek() === TAB
    this.skipBlanks()
    const entry = blank && this.take('HELP') ? 'help' : blank && this.take('TYPE') ? 'type' : undefined
    // HELPER begins with HELP and is a comment.
    if (entry === undefined || (this.peek() !== SPACE && this.peek() !== TAB)) {
      this.#restOfLine()
      return 'nothing'
    }
    this.skipBlanks()
    this.family = this.metaName()
    const [start, stop] = this.#restOfLine()
    const text = this.bytes.subarray(Math.min(start + 1, stop), stop)
    if (entry === 'help') {
      this.text = this.#helpText(text, line)
    } else {
      const word = text.toString('latin1')
      if (!Object.hasOwn(TYPES, word)) this.fail(`"${word}" is not a type of metric`, line)
      this.type = TYPES[word]!
    }
    return entry
  }

  #helpText(text: Buffer, line: number): string {
    if (!isUtf8(text)) this.fail('a text that is not UTF-8', line)
    const plain = text.toString()
    return plain.includes('\\') ? unescaped(plain, false) : plain
  }

  #restOfLine(): [start: number, stop: number] {
    const start = this.pos
    const found = this.bytes.indexOf(NEWLINE, start)
    const stop = found === -1 ? this.end : found
    this.pos = Math.min(stop + 1, this.end)
    return [start, stop]
  }

  #sample(): Entry {
    const start = this.pos
    this.begin = start
    if (this.takeExpected()) this.skipBlanks()
    else this.#series(start)
    const number = this.skipWord(true, true)
    if (number === this.pos) this.fail('expected the value of the metric')
    this.value = this.float(number, this.pos)
    this.skipBlanks()
    this.millis = undefined
    if (this.peek() !== NEWLINE && this.peek() !== -1) {
      const time = this.pos
      while (this.peek() >= 0x30 && this.peek() <= 0x39) this.pos++
      if (time === this.pos) this.fail('expected a time in milliseconds or the end of the line')
      this.millis = Number(this.bytes.toString('latin1', time, this.pos))
      if (this.millis > INT64_MAX) this.fail('a time that is too large', time)
      this.skipBlanks()
      if (this.peek() !== NEWLINE && this.peek() !== -1) this.fail('expected the end of the line')
    }
    this.pos++
    return 'sample'
  }

  #series(start: number): void {
    this.places.length = 0
    this.nameStart = -1
    if (this.skipName(true)) {
      this.nameStart = start
      this.nameStop = this.pos
    } else if (this.peek() !== 0x7b) this.fail('expected the name of a metric')
    this.to = this.pos
    this.skipBlanks()
    if (this.peek() === 0x7b) {
      this.labelPlaces(this.places, true, false)
      this.to = this.pos
      this.skipBlanks()
    }
    if (this.nameStart === -1) this.fail('the metric has no name', start)
    this.from = start
  }
}

const INT64_MAX = Number(2n ** 63n - 1n)
