/** Where Jaeger's writer puts documents and its reader looks for them (internal/storage/elasticsearch/config, 1.76). */

export const ROTATIONS = ['periodic', 'manual_rollover', 'auto_rollover', 'data_stream'] as const
export type Rotation = (typeof ROTATIONS)[number]
export type DocumentKind = 'span' | 'service' | 'dependencies'

/** `prod` and `prod-` are the same prefix. */
export function prefixed(prefix: string, base: string, separator = '-'): string {
  if (prefix === '') return base
  return prefix.endsWith(separator) ? prefix + base : prefix + separator + base
}

const STREAMS: Readonly<Record<DocumentKind, string>> = {
  span: 'jaeger.spans',
  service: 'jaeger.services',
  dependencies: 'jaeger.dependencies',
}

/** What stands before the date, or before `write` and `read`: `prod-jaeger-span-`. */
export function indexBase(prefix: string, kind: DocumentKind): string {
  return prefixed(prefix, `jaeger-${kind}-`)
}

export function streamName(prefix: string, kind: DocumentKind): string {
  return prefixed(prefix, STREAMS[kind], '.')
}

const PARTS = /2006|06|01|02|15|04/g
const LAYOUT = /^(?:2006|06|01|02|15|04|[-._])+$/

/** What is wrong with a layout of dates in Go's words, and what to do. */
export function layoutProblem(layout: string): readonly [wrong: string, fix: string] | undefined {
  if (layout === '' || LAYOUT.test(layout)) return undefined
  return [
    `"${layout}" has more in it than 2006, 06, 01, 02, 15, 04 and the separators - . _`,
    'write 2006-01-02 for an index a day, or 2006-01-02-15 for one an hour',
  ]
}

/** A time, ms since 1970, as the layout says, in UTC. */
export function formatDate(layout: string, millis: number): string {
  const date = new Date(millis)
  const two = (value: number): string => String(value).padStart(2, '0')
  return layout.replaceAll(PARTS, part => {
    switch (part) {
      case '2006':
        return String(date.getUTCFullYear()).padStart(4, '0')
      case '06':
        return two(date.getUTCFullYear() % 100)
      case '01':
        return two(date.getUTCMonth() + 1)
      case '02':
        return two(date.getUTCDate())
      case '15':
        return two(date.getUTCHours())
      default:
        return two(date.getUTCMinutes())
    }
  })
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** How long a name made with this layout stays the same. */
export function periodOf(layout: string): number {
  if (layout.includes('04')) return MINUTE_MS
  return layout.includes('15') ? HOUR_MS : DAY_MS
}

export interface Index {
  readonly name: string
  /** The line of a bulk request that goes before a document with an id of Elasticsearch's own. */
  readonly action: Uint8Array
  /** The same up to the id, which is followed by `"}}` and a line break. */
  readonly actionBeforeId: Uint8Array
}

export interface IndexNamesOptions {
  readonly prefix: string
  readonly rotation: Rotation
  /** Go's layout of the date. */
  readonly layout: string
}

/** Periods come one after another; names of those seen last are kept. */
const KEPT_MAX = 64

/** Names of the indices of one kind of document. */
export class IndexNames {
  readonly #base: string
  readonly #layout: string
  readonly #period: number
  readonly #op: string
  readonly #known = new Map<number, Index>()
  readonly #always: Index | undefined
  #lastPeriod = Number.NaN
  #last: Index | undefined

  constructor(kind: DocumentKind, { prefix, rotation, layout }: IndexNamesOptions) {
    this.#base = indexBase(prefix, kind)
    this.#layout = layout
    this.#period = periodOf(layout)
    // A data stream takes nothing but new documents.
    this.#op = rotation === 'data_stream' ? 'create' : 'index'
    if (rotation === 'data_stream') this.#always = this.#index(streamName(prefix, kind))
    else if (rotation !== 'periodic') this.#always = this.#index(`${this.#base}write`)
  }

  /** Of a document of that time, ms since 1970. */
  at(millis: number): Index {
    if (this.#always !== undefined) return this.#always
    const period = Math.floor(millis / this.#period)
    if (period === this.#lastPeriod) return this.#last!
    let index = this.#known.get(period)
    if (index === undefined) {
      if (this.#known.size >= KEPT_MAX) this.#known.clear()
      index = this.#index(this.#base + formatDate(this.#layout, millis))
      this.#known.set(period, index)
    }
    this.#lastPeriod = period
    this.#last = index
    return index
  }

  #index(name: string): Index {
    const start = `{"${this.#op}":{"_index":${JSON.stringify(name)}`
    return {
      name,
      action: Buffer.from(`${start}}}\n`),
      actionBeforeId: Buffer.from(`${start},"_id":"`),
    }
  }
}
