/** Requests whose items carry numbers, so that every one lost or doubled can be named. */

import { type Batch, batchOf } from '../../core/component/batch.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { encodeRequest, requestType } from './proto.ts'

type Tree = { readonly [key: string]: unknown }

const BUILD: Readonly<Record<Signal, (numbers: readonly number[]) => Tree>> = {
  traces: numbers => ({
    resourceSpans: [{ scopeSpans: [{ spans: numbers.map(n => ({ name: `item ${n}` })) }] }],
  }),
  metrics: numbers => ({
    resourceMetrics: [
      {
        scopeMetrics: [
          { metrics: [{ name: 'm', gauge: { dataPoints: numbers.map(n => ({ asDouble: n })) } }] },
        ],
      },
    ],
  }),
  logs: numbers => ({
    resourceLogs: [{ scopeLogs: [{ logRecords: numbers.map(n => ({ severityText: `item ${n}` })) }] }],
  }),
  profiles: numbers => ({
    resourceProfiles: [
      { scopeProfiles: [{ profiles: [{ samples: numbers.map(n => ({ stackIndex: n })) }] }] },
    ],
  }),
}

/** Names of the nested lists from the request to the items, and how an item gives its number back. */
const READ: Readonly<Record<Signal, readonly [path: readonly string[], number: (item: Tree) => number]>> = {
  traces: [['resourceSpans', 'scopeSpans', 'spans'], item => numberIn(item['name'])],
  metrics: [
    ['resourceMetrics', 'scopeMetrics', 'metrics', 'gauge', 'dataPoints'],
    item => item['asDouble'] as number,
  ],
  logs: [['resourceLogs', 'scopeLogs', 'logRecords'], item => numberIn(item['severityText'])],
  profiles: [
    ['resourceProfiles', 'scopeProfiles', 'profiles', 'samples'],
    item => item['stackIndex'] as number,
  ],
}

function numberIn(text: unknown): number {
  return Number(String(text).replace('item ', ''))
}

/** One request with items `from` to `from + count - 1`. */
export function numbered(signal: Signal, from: number, count: number, meta: Meta = NO_META): Batch {
  return numberedExactly(
    signal,
    Array.from({ length: count }, (_, i) => from + i),
    meta,
  )
}

export function numberedExactly(signal: Signal, numbers: readonly number[], meta: Meta = NO_META): Batch {
  // Copied out: protobufjs writes into a pool, where all test data would share one backing store.
  const bytes = new Uint8Array(encodeRequest(signal, BUILD[signal](numbers)))
  return batchOf(signal, [bytes], numbers.length, meta)
}

/** The numbers in a batch, in order, read by protobufjs. */
export function numbersOf(batch: Batch): number[] {
  const [path, number] = READ[batch.signal]
  const numbers: number[] = []
  const walk = (value: unknown, depth: number): void => {
    if (Array.isArray(value)) for (const one of value) walk(one, depth)
    else if (value === null || value === undefined) return
    else if (depth === path.length) numbers.push(number(value as Tree))
    else walk((value as Tree)[path[depth]!], depth + 1)
  }
  for (const chunk of batch.chunks) walk(requestType(batch.signal).decode(chunk) as unknown as Tree, 0)
  return numbers
}
