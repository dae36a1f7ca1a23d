/**
 * What pages say of their metrics: type, help and unit by name. Kept from scrape to scrape, because a series that
 * vanished still has to be told as what it was.
 */

import type { MetricType } from '../parse/page.ts'

export interface MetricMetadata {
  /** The name that TYPE, HELP or UNIT stands at. */
  readonly family: string
  readonly type: MetricType
  readonly help: string
  readonly unit: string
}

interface Kept {
  family: string
  type: MetricType
  help: string
  unit: string
  seen: number
}

/** A family that no page has mentioned in this many scrapes is forgotten, as in Prometheus. */
const SCRAPES_MAX = 10

export class MetadataStore {
  readonly #kept = new Map<string, Kept>()
  #scrape = 0

  get size(): number {
    return this.#kept.size
  }

  get(name: string): MetricMetadata | undefined {
    return this.#kept.get(name)
  }

  setType(family: string, type: MetricType): void {
    this.#of(family).type = type
  }

  setHelp(family: string, help: string): void {
    this.#of(family).help = help
  }

  setUnit(family: string, unit: string): void {
    this.#of(family).unit = unit
  }

  /** After each scrape; `forget`: it was a good one. */
  scraped(forget: boolean): void {
    if (forget) {
      for (const [family, { seen }] of this.#kept)
        if (this.#scrape - seen > SCRAPES_MAX) this.#kept.delete(family)
    }
    this.#scrape++
  }

  #of(family: string): Kept {
    let kept = this.#kept.get(family)
    if (kept === undefined) {
      kept = { family, type: 'unknown', help: '', unit: '', seen: 0 }
      this.#kept.set(family, kept)
    }
    kept.seen = this.#scrape
    return kept
  }
}

const gauge = (family: string, help: string, unit = ''): MetricMetadata => ({
  family,
  type: 'gauge',
  help,
  unit,
})

/** What a scrape says of itself, in the Collector's words. */
const OWN: ReadonlyMap<string, MetricMetadata> = new Map(
  [
    gauge('up', 'The scraping was successful'),
    gauge('scrape_duration_seconds', 'Duration of the scrape', 'seconds'),
    gauge('scrape_samples_scraped', 'The number of samples the target exposed'),
    gauge('scrape_series_added', 'The approximate number of new series in this scrape'),
    gauge(
      'scrape_samples_post_metric_relabeling',
      'The number of samples remaining after metric relabeling was applied',
    ),
  ].map(one => [one.family, one]),
)

const SUFFIXES = ['_bucket', '_count', '_sum', '_total', '_info', '_created'] as const

/** Without what a type appends to the name of its family. */
export function withoutSuffix(name: string): string {
  const suffix = SUFFIXES.find(one => name.endsWith(one) && name !== one)
  return suffix === undefined ? name : name.slice(0, -suffix.length)
}

/** To which family a sample of this name belongs, and what is known of it. */
export function familyOf(name: string, store: MetadataStore): { family: string; metadata: MetricMetadata } {
  const exact = OWN.get(name) ?? store.get(name)
  if (exact !== undefined) return { family: name, metadata: exact }
  const base = withoutSuffix(name)
  const metadata = store.get(base)
  if (metadata === undefined)
    return { family: name, metadata: { family: name, type: 'unknown', help: '', unit: '' } }
  if (metadata.type !== 'counter') return { family: base, metadata }
  // OpenMetrics heads a counter by its name without _total, and its time of creation belongs to that counter.
  return { family: name.endsWith('_created') ? `${base}_total` : name, metadata }
}
