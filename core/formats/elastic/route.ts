/** Where documents go when no index is configured: the data stream of their attributes (data_stream_router.go). */

import type { Mode } from './modes.ts'
import { DATASET, INDEX, NAMESPACE, type SpecialAttributes, TYPE } from './special.ts'

/** An index, or a data stream whose parts stand in its documents. */
export interface Route {
  readonly index: string
  readonly stream?: { readonly type: string; readonly dataset: string; readonly namespace: string }
}

export type StreamType = 'logs' | 'metrics' | 'traces'

const RECEIVER = /\/receiver\/(\w*receiver)/
/** Elastic's rules for the parts of a data stream's name. */
const DATASET_BAD = /[-\\/*?"<>| ,#:]/g
const NAMESPACE_BAD = /[\\/*?"<>| ,#:]/g
const PART_BYTES_MAX = 100

/** `hostmetricsreceiver` for scopes of a receiver's scrapers. */
export function datasetOfScope(name: string): string | undefined {
  return RECEIVER.exec(name)?.[1]
}

/**
 * The route of an item by its own attributes, those of its scope and those of its resource, the first of which counts.
 * A text instead of a route says what is wrong with the item.
 */
export function routeOf(
  mode: Mode,
  type: StreamType,
  scopeDataset: string | undefined,
  item: SpecialAttributes | undefined,
  scope: SpecialAttributes,
  resource: SpecialAttributes,
): Route | string {
  const find = (slot: number): string | undefined =>
    item?.values[slot] ?? scope.values[slot] ?? resource.values[slot]
  const index = find(INDEX)
  // No index has an empty name: it is taken for none.
  if (index !== undefined && index !== '') return indexProblem(index) ?? { index }
  const streamType = mode === 'bodymap' ? (find(TYPE) ?? type) : type
  if (mode === 'bodymap' && streamType !== 'logs' && streamType !== 'metrics')
    return `data_stream.type is "${streamType}"; only logs and metrics can be had`
  const suffix = mode === 'otel' ? '.otel' : ''
  const dataset = sanitize(find(DATASET) ?? scopeDataset ?? 'generic', DATASET_BAD, suffix)
  const namespace = sanitize(find(NAMESPACE) ?? 'default', NAMESPACE_BAD, '')
  return {
    index: `${streamType}-${dataset}-${namespace}`,
    stream: { type: streamType, dataset, namespace },
  }
}

/** Longer names are no indices: Elasticsearch says so of each document, and they would only fill the memory until then. */
const INDEX_BYTES_MAX = 255

function indexProblem(index: string): string | undefined {
  const size = Buffer.byteLength(index)
  return size <= INDEX_BYTES_MAX
    ? undefined
    : `elasticsearch.index has ${size} bytes; Elasticsearch takes ${INDEX_BYTES_MAX}`
}

function sanitize(part: string, bad: RegExp, suffix: string): string {
  const clean = part.replace(bad, '_').toLowerCase()
  const most = PART_BYTES_MAX - suffix.length
  if (Buffer.byteLength(clean) <= most) return clean + suffix
  // Never within a character, where the Collector cuts.
  let cut = ''
  let bytes = 0
  for (const letter of clean) {
    bytes += Buffer.byteLength(letter)
    if (bytes > most) break
    cut += letter
  }
  return cut + suffix
}
