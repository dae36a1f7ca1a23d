/** The byte room on the message shape that matters: 512 spans of 13 attributes, 272 kB. */

import { batchOf, contiguous } from '../../core/component/batch.ts'
import { jsonToRequest, requestToJsonBytes } from '../../core/otlp/json.ts'
import { SpanView } from '../../core/otlp/span.ts'
import { split } from '../../core/otlp/split.ts'
import { validate } from '../../core/otlp/validate.ts'
import { countItems, ItemWalker } from '../../core/otlp/walk.ts'
import { requestType } from '../../test/kit/proto.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const SPANS = 512
const request = realisticTraces(SPANS, 1)
const small = Array.from({ length: 64 }, (_, seed) => realisticTraces(8, seed + 1))

function onRequest(name: string, prepare: Case['prepare']): Case {
  return { name, items: SPANS, bytes: request.length, prepare }
}

function* spansOf(bytes: Uint8Array): Generator<SpanView> {
  const walker = new ItemWalker(bytes, 'traces')
  const span = new SpanView()
  while (walker.next()) yield span.reset(bytes, walker.start, walker.stop)
}

export const cases: readonly Case[] = [
  onRequest('validate', () => () => validate(request, 'traces')),
  onRequest('count items', () => () => countItems(request, 'traces')),
  onRequest('walk to every span', () => {
    const walker = new ItemWalker(request, 'traces')
    return () => {
      let sum = 0
      walker.reset(request, 'traces')
      while (walker.next()) sum += walker.start
      return sum
    }
  }),
  onRequest('copy once', () => {
    const target = new Uint8Array(request.length)
    return () => {
      target.set(request)
      return target[request.length - 1]!
    }
  }),
  onRequest('view: kind and status of every span', () => () => {
    let sum = 0
    for (const span of spansOf(request)) sum += span.kind + span.statusCode
    return sum
  }),
  onRequest('view: ids, name and times of every span', () => () => {
    let sum = 0
    for (const span of spansOf(request)) {
      sum += span.traceId.length + span.name.length + Number(span.endTime - span.startTime)
    }
    return sum
  }),
  onRequest('split into pieces of 100 spans', () => () => {
    return split(request, 'traces', { first: 100, rest: 100 }, 'items').length
  }),
  onRequest('split into pieces of 64 KiB', () => () => {
    return split(request, 'traces', { first: 65_536, rest: 65_536 }, 'bytes').length
  }),
  {
    name: 'merge 64 requests of 8 spans into one array',
    items: SPANS,
    bytes: small.reduce((sum, one) => sum + one.length, 0),
    prepare: () => () => contiguous(batchOf('traces', small, SPANS)).length,
  },
  onRequest('protobuf to JSON', () => () => requestToJsonBytes(request, 'traces').length),
  onRequest('JSON to protobuf', () => {
    const json = requestToJsonBytes(request, 'traces')
    return () => jsonToRequest(json, 'traces').length
  }),
  onRequest('for comparison: protobufjs decodes', () => {
    const type = requestType('traces')
    return () => Object.keys(type.decode(request)).length
  }),
]
