/** Why a point is not on the page: label values of `sluice_dropped_items`. */

export type Reason =
  | 'bad_name'
  | 'buckets_too_far_apart'
  | 'delta_overlap'
  | 'delta_not_monotonic'
  | 'duplicate_series'
  | 'histogram_count_mismatch'
  | 'no_data_type'
  | 'out_of_order'
  | 'reserved_label'
  | 'scale_too_low'
  | 'series_limit'
  | 'type_conflict'
  | 'unknown_temporality'

/** What a sender and the log are told. */
export const REASONS: Readonly<Record<Reason, string>> = {
  bad_name: 'no Prometheus name can be made of the name of the metric or of an attribute',
  buckets_too_far_apart:
    'an exponential histogram cannot be added to the one before: their buckets lie too far apart',
  delta_overlap: 'a delta begins before the one before it ended',
  delta_not_monotonic: 'a sum that goes up and down came as deltas, which Prometheus has no form for',
  duplicate_series: 'two metrics, or two sets of attributes, become one series; the first one is shown',
  histogram_count_mismatch: 'the buckets of an exponential histogram do not add up to its count',
  no_data_type: 'the metric is of no kind that is known here',
  out_of_order: 'a point is older than the one that is shown',
  reserved_label: 'an attribute of a histogram is called le, or one of a summary quantile',
  scale_too_low: 'an exponential histogram has a scale below -4',
  series_limit: 'there are max_series series already',
  type_conflict: 'a metric of another type has this name, or a name that a histogram or summary needs',
  unknown_temporality: 'the metric does not say whether its points are cumulative or deltas',
}

/** What one batch lost. */
export class Losses {
  readonly #items = new Map<Reason, number>()
  readonly #examples = new Map<Reason, string>()

  /** `metric` is the name it came under, as an example. */
  add(reason: Reason, metric: string, items = 1): void {
    if (items === 0) return
    this.#items.set(reason, (this.#items.get(reason) ?? 0) + items)
    if (!this.#examples.has(reason)) this.#examples.set(reason, metric)
  }

  /** As the contract has them; undefined when nothing was lost. */
  rejected(): { items: number; reason: string; message: string }[] | undefined {
    if (this.#items.size === 0) return undefined
    return [...this.#items].map(([reason, items]) => ({
      items,
      reason,
      message: `${REASONS[reason]} (${this.#examples.get(reason)})`,
    }))
  }
}
