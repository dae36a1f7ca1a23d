/** What reading a page gives, whatever its format: one entry after another, as Prometheus' textparse has them. */

import type { Label } from '../labels.ts'
import type { ScrapedHistogram } from './histogram.ts'

/** The words of OpenMetrics; classic text's `untyped` is `unknown`. */
export type MetricType =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'gaugehistogram'
  | 'summary'
  | 'info'
  | 'stateset'
  | 'unknown'

export interface ScrapedExemplar {
  /** Names and values in the order of the page. */
  readonly labels: readonly Label[]
  readonly value: number
  /** Milliseconds since 1970; undefined when the page does not say. */
  readonly millis: number | undefined
}

/** `nothing`: comments and empty lines, so that a page of nothing else gives others their turn too. */
export type Entry = 'help' | 'type' | 'unit' | 'sample' | 'histogram' | 'nothing'

/**
 * Reads one page. After `next` only what belongs to that entry may be asked for:
 *
 * - help, type, unit: `family`, and `text` or `type`
 * - sample: `series`, `labels()`, `value`, `millis`, `exemplars()`
 * - histogram: the same, with `histogram` instead of `value`
 */
export interface PageParser {
  /** Undefined at the end. Throws BadPage. */
  next(): Entry | undefined
  readonly family: string
  readonly text: string
  readonly type: MetricType
  /** Stands for the labels: equal texts have equal labels, so that whoever knows the text needs no `labels()`. */
  readonly series: string
  /** As written, `__name__` included: unsorted, empty values and repeated names too. Throws BadPage. */
  labels(): Label[]
  readonly value: number
  /** Milliseconds since 1970, when the page gives the sample a time of its own. */
  readonly millis: number | undefined
  readonly histogram: ScrapedHistogram | undefined
  exemplars(): readonly ScrapedExemplar[]
  /** Where the entry stands, for messages: `line 12`. */
  where(): string
  /** When counting began, milliseconds since 1970; undefined when the format does not say it beside the sample. */
  readonly started: number | undefined
}

/** A page that cannot be read. `message` begins with the place. */
export class BadPage extends Error {
  override readonly name = 'BadPage'
}

export const NAME = '__name__'
