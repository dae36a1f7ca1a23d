/** Spans of requests between services, as a service graph sees them, and the metrics that were made of them. */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import { decodeRequest, encodeRequest } from './proto.ts'

type Attributes = Readonly<Record<string, string | number | boolean>>

export interface GraphSpan {
  /** undefined: a resource without service.name. */
  readonly service: string | undefined
  readonly trace: number
  readonly id: number
  readonly parent?: number
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** How long it took. */
  readonly ms?: number
  readonly failed?: boolean
  readonly attributes?: Attributes
  readonly resource?: Attributes
}

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer']
const START = 1_700_000_000_000_000_000n

export function traceIdOf(trace: number): string {
  return `aaaaaaaa${trace.toString(16).padStart(24, '0')}`
}

export function spanIdOf(id: number): string {
  return `bbbb${id.toString(16).padStart(12, '0')}`
}

function attributesOf(values: Attributes) {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : typeof value === 'boolean'
          ? { boolValue: value }
          : Number.isInteger(value)
            ? { intValue: String(value) }
            : { doubleValue: value },
  }))
}

function base64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}

/** One request; spans of one service that stand together share a resource. `startNs`: when all of them begin. */
export function graphRequest(spans: readonly GraphSpan[], startNs = START): Uint8Array {
  return new Uint8Array(
    encodeRequest('traces', {
      resourceSpans: spans.map(span => ({
        resource: {
          attributes: attributesOf({
            ...(span.service === undefined ? {} : { 'service.name': span.service }),
            ...span.resource,
          }),
        },
        scopeSpans: [
          {
            spans: [
              {
                traceId: base64(traceIdOf(span.trace)),
                spanId: base64(spanIdOf(span.id)),
                ...(span.parent === undefined ? {} : { parentSpanId: base64(spanIdOf(span.parent)) }),
                name: `${span.kind} ${span.id}`,
                kind: KINDS.indexOf(span.kind) + 1,
                startTimeUnixNano: String(startNs),
                endTimeUnixNano: String(startNs + BigInt(Math.round((span.ms ?? 0) * 1e6))),
                attributes: attributesOf(span.attributes ?? {}),
                ...(span.failed ? { status: { code: 2 } } : {}),
              },
            ],
          },
        ],
      })),
    }),
  )
}

export function graphBatch(...spans: readonly GraphSpan[]): Batch {
  return batchOf('traces', [graphRequest(spans)], spans.length)
}

/** A request that arrives: the client's span and the server's. */
export function pairOf(
  client: string,
  server: string,
  trace: number,
  more: Partial<GraphSpan> = {},
): GraphSpan[] {
  return [
    { service: client, trace, id: 1, kind: 'client', ms: 30, ...more },
    { service: server, trace, id: 2, parent: 1, kind: 'server', ms: 20, ...more },
  ]
}

export interface PlainPoint {
  readonly metric: string
  readonly unit: string
  readonly scope: string
  readonly temporality: number
  readonly labels: Readonly<Record<string, unknown>>
  readonly start: bigint
  readonly time: bigint
  /** The number of a sum, the count of a histogram. */
  readonly value: number
  readonly sum?: number
  readonly bounds?: readonly number[]
  readonly counts?: readonly number[]
  readonly scale?: number
}

interface PointTree {
  readonly attributes?: readonly { key: string; value?: Record<string, unknown> }[]
  readonly startTimeUnixNano?: string
  readonly timeUnixNano?: string
  readonly asInt?: string
  readonly count?: string
  readonly sum?: number
  readonly explicitBounds?: readonly number[]
  readonly bucketCounts?: readonly string[]
  readonly scale?: number
}

interface DataTree {
  readonly aggregationTemporality: number
  readonly dataPoints?: readonly PointTree[]
}

interface MetricTree {
  readonly name: string
  readonly unit?: string
  readonly sum?: DataTree
  readonly histogram?: DataTree
  readonly exponentialHistogram?: DataTree
}

interface RequestTree {
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics?: readonly {
      readonly scope?: { readonly name?: string }
      readonly metrics?: readonly MetricTree[]
    }[]
  }[]
}

/** All points of metrics requests, read by protobufjs. */
export function pointsOf(batches: readonly Batch[]): PlainPoint[] {
  const requests = batches.flatMap(({ chunks }) =>
    chunks.map(chunk => decodeRequest('metrics', chunk) as RequestTree),
  )
  const scopes = requests.flatMap(({ resourceMetrics = [] }) =>
    resourceMetrics.flatMap(({ scopeMetrics = [] }) => scopeMetrics),
  )
  return scopes.flatMap(({ scope, metrics = [] }) =>
    metrics.flatMap(metric => pointsOfMetric(metric, scope?.name ?? '')),
  )
}

function pointsOfMetric(metric: MetricTree, scope: string): PlainPoint[] {
  const data = (metric.sum ?? metric.histogram ?? metric.exponentialHistogram)!
  return (data.dataPoints ?? []).map(point => ({
    metric: metric.name,
    unit: metric.unit ?? '',
    scope,
    temporality: data.aggregationTemporality,
    labels: Object.fromEntries(
      (point.attributes ?? []).map(({ key, value }) => [key, Object.values(value ?? {})[0]]),
    ),
    start: BigInt(point.startTimeUnixNano ?? 0),
    time: BigInt(point.timeUnixNano ?? 0),
    value: Number(point.asInt ?? point.count),
    ...(point.sum === undefined ? {} : { sum: point.sum }),
    ...(point.explicitBounds === undefined ? {} : { bounds: point.explicitBounds }),
    ...(point.bucketCounts === undefined ? {} : { counts: point.bucketCounts.map(Number) }),
    ...(point.scale === undefined ? {} : { scale: point.scale }),
  }))
}
