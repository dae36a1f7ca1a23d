/** OpenMetrics 1.0 text, read as Prometheus 3 reads it (model/textparse/openmetricsparse.go): strict about blanks. */

import { isUtf8 } from 'node:buffer'
import type { Label } from '../labels.ts'
import type { Entry, MetricType, PageParser, ScrapedExemplar } from './page.ts'
import { HASH, NEWLINE, Scanner, SPACE, unescaped } from './scan.ts'

const TYPES = new Set<string>([
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
  'unknown',
] satisfies MetricType[])

const NONE: readonly ScrapedExemplar[] = []
const NO_TIME = undefined

export class OpenMetricsParser extends Scanner implements PageParser {
  family = ''
  text = ''
  type: MetricType = 'unknown'
  value = 0
  millis: number | undefined
  readonly histogram = undefined
  /** `_created` is a sample of its own. */
  readonly started = undefined
  readonly #exemplarPlaces: number[] = []
  #exemplarValue: number | undefined
  #exemplarMillis: number | undefined

  next(): Entry | undefined {
    const at = this.peek()
    if (at === -1) this.fail('the page does not end with # EOF')
    if (at !== HASH) return this.#sample()
    const line = this.pos
    if (!this.take('# ')) this.fail('expected # HELP, # TYPE, # UNIT or # EOF')
    if (this.take('EOF')) {
      if (this.peek() === NEWLINE) this.pos++
      if (this.pos < this.end) this.fail('there is more behind # EOF')
      return undefined
    }
    if (this.take('HELP ')) return this.#help(line)
    if (this.take('TYPE ')) return this.#type(line)
    if (this.take('UNIT ')) return this.#unit(line)
    return this.fail('expected # HELP, # TYPE, # UNIT or # EOF', line)
  }

  labels(): Label[] {
    return this.labelsAt(this.places, this.type)
  }

  exemplars(): readonly ScrapedExemplar[] {
    if (this.#exemplarValue === undefined) return NONE
    const labels = this.labelsAt(this.#exemplarPlaces, undefined)
    return [{ labels, value: this.#exemplarValue, millis: this.#exemplarMillis }]
  }

  #help(line: number): Entry {
    const bytes = this.#meta()
    if (!isUtf8(bytes)) this.fail('a text that is not UTF-8', line)
    const text = bytes.toString()
    this.text = text.includes('\\') ? unescaped(text, true) : text
    return 'help'
  }

  #type(line: number): Entry {
    const word = this.#meta().toString('latin1')
    if (!TYPES.has(word)) this.fail(`"${word}" is not a type of metric`, line)
    this.type = word as MetricType
    return 'type'
  }

  #unit(line: number): Entry {
    this.text = this.#meta().toString('latin1')
    if (this.text !== '' && !this.family.endsWith(`_${this.text}`))
      this.fail(`the unit "${this.text}" is not the end of the name "${this.family}"`, line)
    return 'unit'
  }

  /** The name goes into `family`; the text behind it, up to the end of the line, is given. */
  #meta(): Buffer {
    this.family = this.metaName()
    if (this.peek() !== SPACE) this.fail('expected a space and a text')
    const start = this.pos + 1
    const stop = this.bytes.indexOf(NEWLINE, start)
    if (stop === -1) this.fail('the page does not end with # EOF', this.end)
    this.pos = stop + 1
    return this.bytes.subarray(start, stop)
  }

  #sample(): Entry {
    const start = this.pos
    this.begin = start
    this.#exemplarValue = undefined
    if (!this.takeExpected()) this.#series(start)
    this.value = this.#number('the value of the metric')
    this.millis = NO_TIME
    if (this.peek() === SPACE && !this.#exemplarBegins()) this.millis = this.#time()
    if (this.peek() === SPACE) this.#exemplar()
    if (this.peek() === -1) this.fail('the page does not end with # EOF')
    if (this.peek() !== NEWLINE) this.fail('expected the end of the line')
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
    if (this.peek() === 0x7b) this.labelPlaces(this.places, false, false)
    if (this.nameStart === -1) this.fail('the metric has no name', start)
    this.from = start
    this.to = this.pos
  }

  #exemplarBegins(): boolean {
    return (
      this.bytes[this.pos + 1] === HASH &&
      this.bytes[this.pos + 2] === SPACE &&
      this.bytes[this.pos + 3] === 0x7b
    )
  }

  #exemplar(): void {
    if (!this.#exemplarBegins()) this.fail('expected an exemplar or the end of the line')
    this.pos += 3
    this.#exemplarPlaces.length = 0
    this.labelPlaces(this.#exemplarPlaces, false, true)
    this.#exemplarValue = this.#number('the value of the exemplar')
    this.#exemplarMillis = this.peek() === SPACE ? this.#time() : NO_TIME
  }

  /** A space, and a number. */
  #number(what: string): number {
    if (this.peek() !== SPACE) this.fail(`expected a space and ${what}`)
    this.pos++
    const start = this.skipWord(false, false)
    if (start === this.pos) this.fail(`expected ${what}`)
    return this.float(start, this.pos)
  }

  /** Written in seconds. */
  #time(): number {
    const at = this.pos
    const millis = Math.trunc(this.#number('a time in seconds') * 1000)
    if (!Number.isFinite(millis)) this.fail('a time that is none', at + 1)
    return millis
  }
}
