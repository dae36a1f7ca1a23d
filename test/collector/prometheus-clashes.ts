/** Metrics that the prometheus exporters of the two show otherwise: each is its own case, named after its metric. */

import { at, attributes, request } from './prometheus-input.ts'

type Plain = Record<string, unknown>

const gauge = (name: string, points: readonly Plain[]): Plain => ({ name, gauge: { dataPoints: points } })
const delta = (from: number, to: number, own: Plain): Plain => ({
  startTimeUnixNano: at(from),
  timeUnixNano: at(to),
  ...own,
})
const sum = (name: string, dataPoints: readonly Plain[]): Plain => ({
  name,
  sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints },
})
const histogram = (name: string, temporality: number, dataPoints: readonly Plain[]): Plain => ({
  name,
  histogram: { aggregationTemporality: temporality, dataPoints },
})
const counts = { count: '2', sum: 1, explicitBounds: [1], bucketCounts: ['1', '1'] }
const exemplars = [{ asDouble: 0.5, timeUnixNano: at(1), spanId: Buffer.from('b7ad6b7169203331', 'hex') }]
const native = (name: string, first: Plain, second: Plain): Plain => ({
  name,
  exponentialHistogram: {
    aggregationTemporality: 1,
    dataPoints: [delta(0, 10, first), delta(10, 20, second)],
  },
})

/** Names of the metrics, by what they are about. */
export const CLASHES: Readonly<Record<string, string>> = {
  'two attributes, one label': 'two_keys',
  'an attribute with the name of our own label': 'own_label',
  'an attribute called le': 'called_le',
  'a delta sum that comes twice': 'twice_total',
  'a staleness mark before other points': 'mark',
  'a histogram without temporality': 'aimless',
  'exemplars of delta histograms': 'deltas',
  'delta exponential histograms of two scales': 'scales',
}

export const CLASH_REQUEST = request({
  metrics: [
    gauge('two_keys', [{ asInt: '1', attributes: attributes({ 'a.b': '1', a_b: '2' }) }]),
    gauge('own_label', [{ asInt: '1', attributes: attributes({ job: 'mine' }) }]),
    histogram('called_le', 2, [{ ...counts, attributes: attributes({ le: 'x' }) }]),
    sum('twice', [
      delta(0, 10, { asInt: '5' }),
      delta(10, 20, { asInt: '3' }),
      delta(10, 20, { asInt: '3' }),
    ]),
    gauge('mark', [
      { attributes: attributes({ i: 'gone' }), flags: 1 },
      { attributes: attributes({ i: 'there' }), asInt: '1' },
    ]),
    histogram('aimless', 0, [counts]),
    histogram('deltas', 1, [delta(0, 10, { ...counts, exemplars }), delta(10, 20, { ...counts, exemplars })]),
    native(
      'scales',
      { count: '3', scale: 2, positive: { offset: 3, bucketCounts: ['1', '1', '1'] } },
      { count: '1', scale: 1, positive: { offset: 1, bucketCounts: ['1'] } },
    ),
  ],
})

/** Its attributes become one label when they are escaped for the scraper, not before. */
export const ESCAPED_CLASH = request({
  resource: { 'service.name': 'shop', 'service.instance.id': 'i-2', 'a.b': '1', a_b: '2' },
  metrics: [gauge('escaped', [{ asInt: '1' }])],
})
