/** Why a point is not sent: label values of `sluice_dropped_items`. */

export type Reason =
  | 'bad_name'
  | 'bucket_out_of_range'
  | 'delta_temporality'
  | 'duplicate_sample'
  | 'histogram_count_mismatch'
  | 'no_time'
  | 'reserved_label'
  | 'scale_too_low'
  | 'type_conflict'
  | 'unknown_temporality'

/** What a sender and the log are told. */
export const REASONS: Readonly<Record<Reason, string>> = {
  bad_name: 'no Prometheus name can be made of the name of the metric or of an attribute',
  bucket_out_of_range:
    'a bucket of an exponential histogram has a number beyond 2^31, where Prometheus has none',
  delta_temporality:
    'Prometheus needs sums since the start, and these are deltas: let the SDK send cumulative temporality',
  duplicate_sample:
    'two points became one series and have other values at the same time: two senders need a service.instance.id each',
  histogram_count_mismatch: 'the buckets of an exponential histogram do not add up to its count',
  no_time: 'the point has no time, and Prometheus takes none of 1970',
  reserved_label: 'an attribute of a histogram is called le, or one of a summary quantile',
  scale_too_low: 'an exponential histogram has a scale below -4',
  type_conflict: 'a metric became the same series as an exponential histogram',
  unknown_temporality: 'the metric does not say whether its points are cumulative or deltas',
}

/** What one batch lost before anything was sent. */
export class Losses {
  readonly #items = new Map<Reason, number>()
  readonly #examples = new Map<Reason, string>()

  /** `metric` is the name it came under, as an example. */
  add(reason: Reason, metric: string, items = 1): void {
    if (items === 0) return
    this.#items.set(reason, (this.#items.get(reason) ?? 0) + items)
    if (!this.#examples.has(reason)) this.#examples.set(reason, metric)
  }

  /** As the contract has them. */
  list(): { items: number; reason: string; message: string }[] {
    return [...this.#items].map(([reason, items]) => ({
      items,
      reason,
      message: `${REASONS[reason]} (${this.#examples.get(reason)})`,
    }))
  }
}
