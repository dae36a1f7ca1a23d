/**
 * A text page whose classic histograms come in one piece (Prometheus' model/textparse/nhcbparse.go): the samples of one
 * histogram, which stand together, are held back until the next one begins.
 */

import { parseGoFloat } from '../../go-numbers.ts'
import type { Label } from '../labels.ts'
import type { CustomScraped } from './histogram.ts'
import { ClassicCollector } from './nhcb.ts'
import { type Entry, type MetricType, NAME, type PageParser, type ScrapedExemplar } from './page.ts'

const SUFFIX = /_(bucket|sum|count)$/

/** A histogram under way, or the one that was finished last. */
interface Held {
  readonly name: string
  /** Of the labels but `le`: two samples of one histogram have the same. */
  readonly key: string
  readonly labels: Label[]
  readonly millis: number | undefined
  readonly exemplars: ScrapedExemplar[]
}

export class CollectingParser implements PageParser {
  readonly #inner: PageParser
  readonly #keep: boolean
  readonly #collector = new ClassicCollector()
  /** Of the last TYPE line. */
  #typed = ''
  #held: Held | undefined
  /** What is given out now; undefined when it is the inner entry. */
  #made: { readonly held: Held; readonly histogram: CustomScraped } | undefined
  /** The inner entry that comes after what is given out now. */
  #waiting: Entry | undefined
  #over = false
  readonly started = undefined

  /** `keep`: classic samples come too. */
  constructor(inner: PageParser, keep: boolean) {
    this.#inner = inner
    this.#keep = keep
  }

  get family(): string {
    return this.#inner.family
  }
  get text(): string {
    return this.#inner.text
  }
  get type(): MetricType {
    return this.#inner.type
  }
  get value(): number {
    return this.#inner.value
  }
  get series(): string {
    return this.#made === undefined ? this.#inner.series : `${this.#made.held.name}\xff${this.#made.held.key}`
  }
  get millis(): number | undefined {
    return this.#made === undefined ? this.#inner.millis : this.#made.held.millis
  }
  get histogram(): CustomScraped | undefined {
    return this.#made?.histogram
  }

  labels(): Label[] {
    return this.#made === undefined ? this.#inner.labels() : this.#made.held.labels
  }

  exemplars(): readonly ScrapedExemplar[] {
    return this.#made === undefined ? this.#inner.exemplars() : this.#made.held.exemplars
  }

  where(): string {
    return this.#inner.where()
  }

  next(): Entry | undefined {
    this.#made = undefined
    for (;;) {
      const entry = this.#waiting ?? this.#advance()
      this.#waiting = undefined
      const part = entry === 'sample' ? this.#part() : undefined
      if (this.#held !== undefined && part?.key !== this.#held.key && this.#finish()) {
        this.#waiting = entry
        return 'histogram'
      }
      if (entry === 'type') this.#typed = this.#inner.type === 'histogram' ? this.#inner.family : ''
      if (part === undefined) return entry
      this.#collect(part)
      if (this.#keep) return entry
    }
  }

  #advance(): Entry | undefined {
    if (this.#over) return undefined
    const entry = this.#inner.next()
    if (entry === undefined) this.#over = true
    return entry
  }

  /** The sample's place in a histogram, if it has one. */
  #part(): Part | undefined {
    if (this.#typed === '') return undefined
    const labels = this.#inner.labels()
    const name = labels[0]![1]
    const suffix = SUFFIX.exec(name)?.[1]
    if (suffix === undefined || name.slice(0, -suffix.length - 1) !== this.#typed) return undefined
    const bound = suffix === 'bucket' ? boundOf(labels) : 0
    if (bound === undefined) return undefined
    const rest = labels.slice(1).filter(([label]) => label !== 'le')
    const sorted = rest.toSorted(([a], [b]) => (a < b ? -1 : 1))
    return { suffix, bound, key: `${this.#typed}\xff${JSON.stringify(sorted)}`, labels: rest }
  }

  #collect({ suffix, bound, key, labels }: Part): void {
    this.#held ??= {
      name: this.#typed,
      key,
      labels: [[NAME, this.#typed], ...labels],
      millis: this.#inner.millis,
      exemplars: [],
    }
    this.#held.exemplars.push(...this.#inner.exemplars())
    if (suffix === 'bucket') this.#collector.bucket(bound, this.#inner.value)
    else if (suffix === 'count') this.#collector.count(this.#inner.value)
    else this.#collector.sum(this.#inner.value)
  }

  /** False when it does not add up: it is left out, as Prometheus does. */
  #finish(): boolean {
    const held = this.#held!
    this.#held = undefined
    const histogram = this.#collector.take()
    if (histogram === undefined) return false
    // Without a time of their own they could not be told from those of the scrape before.
    this.#made = {
      held: { ...held, exemplars: held.exemplars.filter(one => one.millis !== undefined) },
      histogram,
    }
    return true
  }
}

interface Part {
  readonly suffix: string
  readonly bound: number
  readonly key: string
  readonly labels: Label[]
}

function boundOf(labels: readonly Label[]): number | undefined {
  const le = labels.find(([name]) => name === 'le')?.[1]
  const bound = le === undefined ? undefined : parseGoFloat(le)
  return bound === undefined || Number.isNaN(bound) ? undefined : bound
}
