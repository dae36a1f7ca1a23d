/** The metrics, grouped by what tells their series apart: those with the same dimensions share a table. */

import type { KeySet } from '../../core/otlp/keys.ts'
import type { Budget } from './budget.ts'
import type { SpanMetricsConfig } from './config.ts'
import { DimensionList } from './dimensions.ts'
import type { Glob } from './glob.ts'
import { histogramOf } from './names.ts'
import { SeriesTable } from './series.ts'

/** There are never more groups. */
export const TABLES = 3

/** Stands where a key has kind and status: there are not so many of them. */
export const OVERFLOW_MARK = 0xff
const MARK_AT = 4

/** Is it the series of what was beyond a limit? */
export function isOverflow({ arena, keyAt }: SeriesTable, row: number): boolean {
  return arena[keyAt[row]! + MARK_AT] === OVERFLOW_MARK
}

/** Series with the same dimensions. Without calls and durations they are of events. */
export interface Metrics {
  readonly table: SeriesTable
  readonly index: number
  readonly calls: boolean
  readonly duration: boolean
  /** Dimensions beside the common ones. */
  readonly own: DimensionList
  /** Of the common dimensions too. */
  readonly globs: readonly Glob[]
}

export class Groups {
  readonly common: DimensionList
  /** Of calls and durations: one when their dimensions are the same. */
  readonly spans: readonly Metrics[]
  readonly events: Metrics | undefined

  /** Enters what dimensions ask for into `keys`. */
  constructor(config: SpanMetricsConfig, keys: KeySet, budget: Budget) {
    const { histogram, calls_dimensions, dimensions, events, exemplars } = config
    const common = new DimensionList(dimensions, keys)
    const calls = new DimensionList(calls_dimensions, keys)
    const durations = new DimensionList(histogram.dimensions, keys)
    const make = (
      index: number,
      own: DimensionList,
      counts: { calls: boolean; duration: boolean },
    ): Metrics => {
      const kind = counts.duration ? histogramOf(config) : ({ kind: 'none' } as const)
      const table = new SeriesTable(kind, exemplars.max_per_data_point, budget)
      return { table, index, ...counts, own, globs: [...common.globs, ...own.globs] }
    }
    const wanted = !histogram.disable
    const same = JSON.stringify(calls_dimensions) === JSON.stringify(histogram.dimensions)
    this.common = common
    this.spans =
      !wanted || same
        ? [make(0, calls, { calls: true, duration: wanted })]
        : [
            make(0, calls, { calls: true, duration: false }),
            make(1, durations, { calls: false, duration: true }),
          ]
    const eventList = new DimensionList(events.dimensions, keys)
    this.events = events.enabled ? make(2, eventList, { calls: false, duration: false }) : undefined
  }
}
