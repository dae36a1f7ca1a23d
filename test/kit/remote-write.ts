/** Reads requests of remote write with the official decoder, into one form for both versions. */

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = new protobuf.Root()
root.resolvePath = (_, target) => target
root.loadSync(fileURLToPath(new URL('../core/formats/prometheus/remote-write.proto', import.meta.url)), {
  keepCase: true,
})
const Request1 = root.lookupType('rw.Request1')
const Request2 = root.lookupType('rw.Request2')

export type Value = number | 'stale'

export interface ReadSample {
  readonly value: Value
  /** ms. */
  readonly time: number
  readonly start: number
}

export interface ReadHistogram {
  readonly count: number
  readonly sum: Value
  readonly schema: number
  readonly zeroThreshold: number
  readonly zeroCount: number
  /** Buckets that are not empty, by index. */
  readonly positive: Readonly<Record<number, number>>
  readonly negative: Readonly<Record<number, number>>
  readonly time: number
  readonly start: number
}

export interface ReadExemplar {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly time: number
}

export interface ReadSeries {
  /** In the order they came in. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** `name{label="value"}`, sorted. */
  readonly key: string
  readonly samples: readonly ReadSample[]
  readonly histograms: readonly ReadHistogram[]
  readonly exemplars: readonly ReadExemplar[]
  /** 2.0 only. */
  readonly metadata: { readonly type: number; readonly help: string; readonly unit: string } | undefined
}

export interface ReadRequest {
  readonly series: readonly ReadSeries[]
  /** 2.0 only. */
  readonly symbols: readonly string[]
  /** 1.0 only. */
  readonly metadata: readonly { type: number; metric_family_name: string; help: string; unit: string }[]
}

type Plain = Record<string, never>

export function readRequest1(bytes: Uint8Array): ReadRequest {
  const { timeseries = [], metadata = [] } = plain(Request1, bytes)
  return {
    series: (timeseries as Plain[]).map(one => {
      const labels = labelList(one['labels'])
      return {
        ...seriesOf(labels, one),
        exemplars: list(one['exemplars']).map(exemplar =>
          exemplarOf(labelList(exemplar['labels']), exemplar),
        ),
        metadata: undefined,
      }
    }),
    symbols: [],
    metadata,
  }
}

export function readRequest2(bytes: Uint8Array): ReadRequest {
  const { timeseries = [], symbols = [] } = plain(Request2, bytes)
  const texts = symbols as string[]
  const pairs = (refs: readonly number[] = []): [string, string][] => {
    if (refs.length % 2 !== 0) throw new Error('an odd number of references')
    if (refs.some(ref => ref >= texts.length)) throw new Error('a reference to no symbol')
    return Array.from({ length: refs.length / 2 }, (_, i) => [texts[refs[2 * i]!]!, texts[refs[2 * i + 1]!]!])
  }
  return {
    series: (timeseries as Plain[]).map(one => {
      const { type = 0, help_ref = 0, unit_ref = 0 } = one['metadata'] ?? {}
      if (Math.max(help_ref, unit_ref) >= texts.length) throw new Error('a reference to no symbol')
      return {
        ...seriesOf(pairs(one['labels_refs']), one),
        exemplars: list(one['exemplars']).map(exemplar =>
          exemplarOf(pairs(exemplar['labels_refs']), exemplar),
        ),
        metadata: { type, help: texts[help_ref]!, unit: texts[unit_ref]! },
      }
    }),
    symbols: texts,
    metadata: [],
  }
}

function plain(type: protobuf.Type, bytes: Uint8Array): Plain {
  return type.toObject(type.decode(bytes), { longs: String }) as Plain
}

function list(value: unknown): Plain[] {
  return (value as Plain[] | undefined) ?? []
}

function labelList(value: unknown): [string, string][] {
  return list(value).map(({ name = '', value: text = '' }) => [name, text])
}

function seriesOf(labels: readonly (readonly [string, string])[], one: Plain) {
  return {
    labels,
    key: seriesKey(labels),
    samples: list(one['samples']).map(sample => ({
      value: double(sample['value']),
      time: Number(sample['timestamp'] ?? 0),
      start: Number(sample['start_timestamp'] ?? 0),
    })),
    histograms: list(one['histograms']).map(histogramOf),
  }
}

/** As PromQL would name it. */
export function seriesKey(labels: readonly (readonly [string, string])[]): string {
  const name = labels.find(([label]) => label === '__name__')?.[1] ?? ''
  const rest = labels.filter(([label]) => label !== '__name__').map(([label, value]) => `${label}="${value}"`)
  return `${name}{${rest.sort().join()}}`
}

const STALE = '9218868437227405314'

function double(bits: unknown): Value {
  if (bits === undefined) return 0
  if (String(bits) === STALE) return 'stale'
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(bits as string))
  return view.getFloat64(0)
}

function histogramOf(one: Plain): ReadHistogram {
  return {
    count: Number(one['count_int'] ?? one['count_float'] ?? 0),
    sum: double(one['sum']),
    schema: one['schema'] ?? 0,
    zeroThreshold: one['zero_threshold'] ?? 0,
    zeroCount: Number(one['zero_count_int'] ?? one['zero_count_float'] ?? 0),
    positive: buckets(one['positive_spans'], one['positive_deltas']),
    negative: buckets(one['negative_spans'], one['negative_deltas']),
    time: Number(one['timestamp'] ?? 0),
    start: Number(one['start_timestamp'] ?? 0),
  }
}

function buckets(spans: unknown, deltas: unknown): Record<number, number> {
  const found: Record<number, number> = {}
  const differences = ((deltas as string[] | undefined) ?? []).map(Number)
  let index = 0
  let count = 0
  let at = 0
  for (const { offset = 0, length = 0 } of list(spans)) {
    index += offset
    for (let i = 0; i < length; i++) {
      count += differences[at++]!
      if (count !== 0) found[index] = count
      index++
    }
  }
  if (at !== differences.length) throw new Error('spans and deltas do not go together')
  return found
}

function exemplarOf(labels: readonly (readonly [string, string])[], one: Plain): ReadExemplar {
  return { labels: Object.fromEntries(labels), value: one['value'] ?? 0, time: Number(one['timestamp'] ?? 0) }
}
