/**
 * Ends series that get no points any more: a staleness mark for each, `metric_expiration` after its last sample on the
 * clock of the samples, so that a point that comes later still is newer. One that comes back with points from before its
 * mark gets none: what a sender kept while it was cut off would be refused for it. Only series that are remembered can be
 * ended, so `series_cache_size` bounds it.
 */

import { type Samples, STALE_HIGH, STALE_LOW } from '../../core/formats/prometheus/samples.ts'
import { writeStaleNative } from '../../core/formats/prometheus/write-native.ts'
import type { SeriesTable, WrittenSeries } from '../../core/formats/prometheus/write-series.ts'

/** In `seen` of a series that has its mark: it gets no other before it has points again. */
const ENDED = Number.MAX_SAFE_INTEGER

export class Expiry {
  readonly #expirationMs: number
  readonly #table: SeriesTable
  readonly #samples: Samples
  /** When all series are looked at again; ms, `performance.now()` clock. */
  #next = 0

  /** 0 ms is never. */
  constructor(expirationMs: number, table: SeriesTable, samples: Samples) {
    this.#expirationMs = expirationMs
    this.#table = table
    this.#samples = samples
  }

  /** Adds the marks that are due to the batch that is being made, once its points are in it. */
  mark(now: number): void {
    if (this.#expirationMs === 0 || now < this.#next) return
    // Looking at all series costs some ms for 100,000 of them.
    this.#next = now + this.#expirationMs / 4
    for (const series of this.#table.all()) {
      if (series.latest > 0 && !series.ended && now - series.seen > this.#expirationMs) this.#end(series)
    }
  }

  #end(series: WrittenSeries): void {
    const samples = this.#samples
    const time = series.latest + Math.ceil(this.#expirationMs)
    const { head } = series
    if (head !== -1 && samples.times[head]! <= time) return
    if (!series.native) samples.add(series, time, 0, STALE_LOW, STALE_HIGH, 0)
    else {
      const begin = samples.natives.pos
      writeStaleNative(samples.natives, time)
      samples.add(series, time, 0, begin, samples.natives.pos, 0)
    }
    // One that has points again goes on.
    series.ended = head === -1
    series.seen = ENDED
    series.latest = time
  }

  /** Takes note of the samples of the batch, once all are in. */
  note(now: number): void {
    if (this.#expirationMs === 0) return
    const { times, touched } = this.#samples
    for (const series of touched) {
      if (series.ended && series.seen === ENDED) continue
      series.seen = Math.round(now)
      series.latest = Math.max(series.latest, times[series.tail]!)
    }
  }
}
