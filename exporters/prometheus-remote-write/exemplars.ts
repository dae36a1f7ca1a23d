/** Exemplars of a point, as Prometheus has them: labels of at most 128 letters, times in ms. */

import { valueText } from '../../core/formats/any-value.ts'
import { bucketOf } from '../../core/formats/prometheus/family.ts'
import { byBytes, type Label } from '../../core/formats/prometheus/labels.ts'
import type { WrittenExemplar, WrittenSeries } from '../../core/formats/prometheus/write-series.ts'
import { readDouble } from '../../core/otlp/cursor.ts'
import type { ExemplarView } from '../../core/otlp/data-point.ts'
import type { Messages } from '../../core/otlp/message.ts'
import type { Entry } from './identity.ts'

/** OpenMetrics 1.0, of names and values together. */
const LETTERS_MAX = 128
/** Of one series in one batch. */
const EXEMPLARS_MAX = 64

/** `time` of the point, in ms, stands for an exemplar that has none. */
export function exemplars(series: WrittenSeries, found: Messages<ExemplarView>, time: number): void {
  while (found.next()) add(series, read(found.item, time))
}

/** Each to the first bucket whose bound is not below it. */
export function bucketExemplars(
  { series, layout }: Entry,
  found: Messages<ExemplarView>,
  time: number,
): void {
  const bounds: number[] = []
  for (let pos = 0; pos < layout!.length; pos += 8) bounds.push(readDouble(layout!, pos))
  while (found.next()) {
    const one = read(found.item, time)
    add(series[2 + bucketOf(bounds, one.value)]!, one)
  }
}

/** In order of time: Prometheus takes no others. */
function add(series: WrittenSeries, one: WrittenExemplar): void {
  series.exemplars ??= []
  const all = series.exemplars
  let at = all.length
  while (at > 0 && all[at - 1]!.time > one.time) at--
  all.splice(at, 0, one)
  if (all.length > EXEMPLARS_MAX) all.shift()
}

function read(exemplar: ExemplarView, time: number): WrittenExemplar {
  const { traceId, spanId, value, time: nanos } = exemplar
  const labels = new Map<string, string>()
  if (/[^0]/.test(traceId)) labels.set('trace_id', traceId)
  if (/[^0]/.test(spanId)) labels.set('span_id', spanId)
  const ids = [...labels]
  const attributes = exemplar.filteredAttributes()
  while (attributes.next()) {
    const { bytes, valueStart, valueStop } = attributes
    const key = attributes.key()
    if (!labels.has(key)) labels.set(key, valueText(bytes, valueStart, valueStop))
  }
  const kept: Label[] = lettersIn(labels) <= LETTERS_MAX ? [...labels] : ids
  return {
    labels: kept.sort(([a], [b]) => byBytes(a, b)),
    value: Number(value ?? 0),
    time: nanos === 0n ? time : Number(nanos / 1_000_000n),
  }
}

function lettersIn(labels: ReadonlyMap<string, string>): number {
  let letters = 0
  for (const [name, value] of labels) letters += [...name].length + [...value].length
  return letters
}
