/** The items of a request in order, each with everything around it: what splitting must keep and views must read. */

import type { Signal } from '../../core/otlp/signals.ts'
import { decodeRequest } from './proto.ts'

type Plain = Record<string, unknown>

export interface PlainItem {
  readonly resource: unknown
  readonly resourceSchemaUrl: unknown
  readonly scope: unknown
  readonly scopeSchemaUrl: unknown
  /** The Metric without its data points; undefined for other signals. */
  readonly metric: Plain | undefined
  readonly item: unknown
}

export type PipelineSignal = Exclude<Signal, 'profiles'>

const LISTS: Readonly<Record<PipelineSignal, readonly [entries: string, scopes: string, items: string]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
}
const DATA_FIELDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

function listOf(parent: Plain, field: string): Plain[] {
  return (parent[field] as Plain[] | undefined) ?? []
}

/** The items as the oracle decodes them. */
export function itemsOf(signal: PipelineSignal, bytes: Uint8Array): PlainItem[] {
  const [entries, scopes, items] = LISTS[signal]
  const found: PlainItem[] = []
  for (const entry of listOf(decodeRequest(signal, bytes), entries)) {
    for (const scoped of listOf(entry, scopes)) {
      const around = {
        resource: entry['resource'],
        resourceSchemaUrl: entry['schemaUrl'],
        scope: scoped['scope'],
        scopeSchemaUrl: scoped['schemaUrl'],
      }
      for (const item of listOf(scoped, items)) {
        if (signal === 'metrics') found.push(...pointsOf(item, around))
        else found.push({ ...around, metric: undefined, item })
      }
    }
  }
  return found
}

function pointsOf(metric: Plain, around: Omit<PlainItem, 'metric' | 'item'>): PlainItem[] {
  const field = DATA_FIELDS.find(name => name in metric)
  if (field === undefined) return []
  const { dataPoints, ...data } = metric[field] as Plain
  const envelope = { ...metric, [field]: data }
  return ((dataPoints as unknown[]) ?? []).map(item => ({ ...around, metric: envelope, item }))
}

/** Fields that are lists of KeyValues; `entries` stands for `values` of a kvlist, arrays have a field of that name too. */
const ATTRIBUTE_LISTS = ['attributes', 'filteredAttributes', 'metadata', 'entries']
const METRIC_TYPES: Readonly<Record<string, string>> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential_histogram',
  summary: 'summary',
}

/** The same items as views show them: absent is the default, and what only profiles use is not there. */
export function asViewsShow(items: readonly PlainItem[]): PlainItem[] {
  return items.map(one => ({
    resource: defaulted(one.resource ?? {}),
    resourceSchemaUrl: one.resourceSchemaUrl ?? '',
    scope: defaulted(one.scope ?? {}),
    scopeSchemaUrl: one.scopeSchemaUrl ?? '',
    metric: one.metric && metricAsShown(one.metric, pointsBeside(one, items)),
    item: defaulted(one.item),
  }))
}

function pointsBeside(one: PlainItem, items: readonly PlainItem[]): number {
  return items.filter(other => other.metric === one.metric).length
}

function metricAsShown(metric: Plain, points: number): Plain {
  const field = DATA_FIELDS.find(name => name in metric)!
  const data = metric[field] as Plain
  return {
    name: metric['name'] ?? '',
    description: metric['description'] ?? '',
    unit: metric['unit'] ?? '',
    metadata: defaulted(metric['metadata'] ?? [], 'metadata'),
    type: METRIC_TYPES[field],
    temporality: data['aggregationTemporality'] ?? 0,
    isMonotonic: data['isMonotonic'] ?? false,
    points,
  }
}

/** `name`: of the field that holds `value`. */
function defaulted(value: unknown, name = ''): unknown {
  if (ATTRIBUTE_LISTS.includes(name)) return (value as Plain[]).map(attributeAsShown)
  if (Array.isArray(value)) return value.map(one => defaulted(one))
  if (typeof value !== 'object' || value === null) return value
  const { stringValueStrindex: _, ...message } = value as Plain
  if (name === 'status') return { message: message['message'] ?? '', code: message['code'] ?? 0 }
  const shown = Object.entries(message).map(([key, inner]) => {
    return [key, defaulted(inner, name === 'kvlistValue' ? 'entries' : key)]
  })
  return Object.fromEntries(shown)
}

function attributeAsShown(attribute: Plain): Plain {
  return { key: attribute['key'] ?? '', value: defaulted(attribute['value'] ?? {}) }
}
