/**
 * What Jaeger asks of a storage backend (its internal/storage/integration), as data of our own: traces, and searches with
 * the traces they must find. All traces are there for every search, so that each one also has those it must not find.
 */

import type { Plain } from './generate.ts'
import { encodeRequest } from './proto.ts'

type Tags = Readonly<Record<string, string | number | boolean | Uint8Array>>

export interface CaseSpan {
  readonly id: number
  readonly service?: string
  readonly operation: string
  readonly micros: number
  /** When it begins, minutes after NOON. */
  readonly minute?: number
  readonly kind?: number
  readonly parent?: number
  readonly tags?: Tags
  readonly events?: readonly Tags[]
  readonly process?: Tags
  readonly scope?: readonly [name: string, version: string]
  /** Trace and span, and whether the link says child_of. */
  readonly links?: readonly (readonly [trace: string, span: number, childOf: boolean])[]
}

/** Every kind of value that can be searched for, and one that cannot. */
const COLOUR = { colour: 'teal' }
const FLOOR = { floor: 41 }
const LOAD = { load: 6.25 }
const PAID = { paid: true }
const LABEL = { label: Buffer.from([0, 7, 255]) }
const ALL = { ...COLOUR, ...FLOOR, ...PAID, ...LOAD }

/** The first event is at the same moment as the second, which has nothing in it. */
const events = (tags: Tags = {}): readonly Tags[] => [tags, {}]

export const TRACES: Readonly<Record<string, readonly CaseSpan[]>> = {
  onSpan: [{ id: 2, operation: 'load', micros: 7, tags: { ...ALL, ...LABEL } }],
  onEvent: [{ id: 1, operation: 'load', micros: 5, events: events({ ...ALL, ...LABEL }) }],
  onProcess: [{ id: 1, operation: 'load', micros: 5, process: { ...ALL, ...LABEL }, events: events() }],
  spread: [
    {
      id: 1,
      operation: 'load',
      micros: 5,
      tags: { ...PAID, ...LOAD },
      events: events(FLOOR),
      process: COLOUR,
    },
  ],
  tooFewTags: [{ id: 1, operation: 'load', micros: 5, tags: { ...PAID, ...LOAD, ...FLOOR } }],
  otherValue: [{ id: 1, operation: 'load', micros: 5, tags: { ...ALL, colour: 'blue' } }],
  sortShort: [
    { id: 2, operation: 'sort', micros: 2, events: events() },
    { id: 3, parent: 2, operation: 'sort', micros: 1 },
  ],
  sortMedium: [{ id: 2, operation: 'sort', micros: 5, events: events() }],
  sortLong: [{ id: 2, operation: 'sort', micros: 9, events: events() }],
  scanShort: [
    {
      id: 4,
      operation: 'scan',
      micros: 1,
      tags: COLOUR,
      events: [FLOOR, LABEL],
      process: { ...PAID, ...LOAD },
    },
  ],
  scanMedium: [
    {
      id: 5,
      operation: 'scan',
      micros: 5,
      tags: { ...FLOOR, ...PAID },
      events: events(COLOUR),
      process: LOAD,
    },
  ],
  scanLong: [
    {
      id: 4,
      operation: 'scan',
      micros: 9,
      tags: LOAD,
      events: [FLOOR, { ...PAID, ...LABEL }],
      process: COLOUR,
    },
  ],
  overMidnight: [
    { id: 1, service: 'night', operation: 'late', micros: 5, minute: -717, events: events() },
    { id: 2, service: 'night', operation: 'early', micros: 5, minute: -724, events: events() },
  ],
  nameless: [{ id: 3, service: 'quiet', operation: '', micros: 100, events: events() }],
  tripletA: [{ id: 3, service: 'triplet', operation: '', micros: 100 }],
  tripletB: [{ id: 3, service: 'triplet', operation: '', micros: 100 }],
  tripletC: [{ id: 3, service: 'triplet', operation: '', micros: 100 }],
  star: [{ id: 5, service: 'signs', operation: 'weigh', micros: 1, tags: { colour: 'te*' } }],
  noStar: [{ id: 5, service: 'signs', operation: 'weigh', micros: 1, tags: { colour: 'te-and-more' } }],
  teal1: [{ id: 4, service: 'shades', operation: '', micros: 2, tags: { colour: 'teal-1' } }],
  teal2: [{ id: 4, service: 'shades', operation: '', micros: 2, tags: { colour: 'teal-2' } }],
  pink: [{ id: 4, service: 'shades', operation: '', micros: 2, tags: { colour: 'pink' } }],
  linked: [
    {
      ...{ id: 4, service: 'links', operation: 'follow', micros: 2, parent: 255 },
      links: [
        ['onSpan', 2, true],
        ['onSpan', 2, false],
        ['linked', 255, true],
      ],
    },
  ],
  scoped: [{ id: 4, service: 'scopes', operation: 'look', micros: 2, scope: ['depot.client', '2.1'] }],
  shop: [
    { id: 3, service: 'shop-1', operation: 'open', micros: 100, events: events() },
    { id: 4, service: 'shop-2', operation: 'close', micros: 100, parent: 3 },
    { id: 5, service: 'shop-3', operation: 'open', micros: 100, parent: 4 },
    { id: 6, service: 'shop-1', operation: 'serve', micros: 100, kind: 2 },
    { id: 7, service: 'shop-1', operation: 'call', micros: 100, kind: 3 },
  ],
}

type TraceName = string

export interface Search {
  readonly service: string
  readonly operation?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly min?: string
  readonly max?: string
  /** Minutes after NOON; an hour to both sides where it is not given. */
  readonly between?: readonly [number, number]
  readonly limit?: number
}

const WANTED = { colour: 'teal', floor: '41', load: '6.25', paid: 'true' }
const RANGE = { min: '4500ns', max: '5500ns' }
const depot = (more: Omit<Search, 'service'>): Search => ({ service: 'depot', ...more })

/** What is asked, and which traces are the answer. */
export const SEARCHES: readonly (readonly [what: string, Search, readonly TraceName[]])[] = [
  [
    'tags in any place',
    depot({ tags: WANTED }),
    ['onSpan', 'onEvent', 'onProcess', 'spread', 'scanShort', 'scanMedium', 'scanLong'],
  ],
  [
    'tags and operation',
    depot({ tags: WANTED, operation: 'load' }),
    ['onSpan', 'onEvent', 'onProcess', 'spread'],
  ],
  [
    'tags in different places and operation',
    depot({ tags: WANTED, operation: 'scan' }),
    ['scanShort', 'scanMedium', 'scanLong'],
  ],
  ['tags, operation, longest', depot({ tags: WANTED, operation: 'scan', max: '2us' }), ['scanShort']],
  ['tags, operation, duration', depot({ tags: WANTED, operation: 'scan', ...RANGE }), ['scanMedium']],
  ['tags and duration', depot({ tags: WANTED, ...RANGE }), ['onEvent', 'onProcess', 'spread', 'scanMedium']],
  ['tags and longest', depot({ tags: WANTED, max: '2us' }), ['scanShort']],
  ['one tag of a span', depot({ tags: { colour: 'blue' } }), ['otherValue']],
  ['a whole number', depot({ tags: { floor: '42' } }), []],
  ['operation', depot({ operation: 'sort' }), ['sortShort', 'sortMedium', 'sortLong']],
  ['operation and longest', depot({ operation: 'sort', max: '2us' }), ['sortShort']],
  ['operation and duration', depot({ operation: 'sort', ...RANGE }), ['sortMedium']],
  [
    'duration',
    depot({ ...RANGE }),
    ['onEvent', 'onProcess', 'spread', 'tooFewTags', 'otherValue', 'sortMedium', 'scanMedium'],
  ],
  ['shortest', depot({ min: '8us' }), ['sortLong', 'scanLong']],
  ['longest', depot({ max: '1us' }), ['sortShort', 'scanShort']],
  ['a trace in two indices', { service: 'night', between: [-719, -712] }, ['overMidnight']],
  ['no operation', { service: 'quiet' }, ['nameless']],
  ['several traces', { service: 'triplet' }, ['tripletA', 'tripletB', 'tripletC']],
  ['no more than asked for', { service: 'triplet', limit: 2 }, ['tripletA', 'tripletB']],
  ['outside the time', { service: 'triplet', between: [30, 60] }, []],
  [
    'an escaped sign',
    { service: 'signs', operation: 'weigh', tags: { colour: 'te\\*' }, max: '1us' },
    ['star'],
  ],
  ['a pattern', { service: 'shades', tags: { colour: 'teal.*' } }, ['teal1', 'teal2']],
  ['links', { service: 'links' }, ['linked']],
  [
    'a scope',
    { service: 'scopes', tags: { 'otel.scope.name': 'depot.client', 'otel.scope.version': '2.1' } },
    ['scoped'],
  ],
  ['a kind', { service: 'shop-1', tags: { 'span.kind': 'server' } }, ['shop']],
  ['an unknown service', { service: 'nobody' }, []],
]

const DAY_MS = 86_400_000
/** Yesterday, 12:00 UTC: yesterday's and the day before's indices are written. ms since 1970. */
export const NOON = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2
const MINUTE_MS = 60_000

export function traceId(name: string): Buffer {
  const id = Buffer.alloc(16)
  id.writeUInt32BE(0x0100 + Object.keys(TRACES).indexOf(name), 12)
  return id
}

export const spanId = (id: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(id, 4)
  return bytes
}

function attributes(tags: Tags = {}): Plain[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: Tags[string]): Plain {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value !== 'number') return { bytesValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** One request with all spans of a trace. */
export function requestOf(name: string): Uint8Array {
  return requestOfSpans(traceId(name), TRACES[name]!)
}

export function requestOfSpans(id: Uint8Array, spans: readonly CaseSpan[]): Uint8Array {
  const resourceSpans = spans.map(({ service = 'depot', scope, process, ...span }) => ({
    resource: { attributes: attributes({ 'service.name': service, ...process }) },
    scopeSpans: [
      {
        ...(scope === undefined ? {} : { scope: { name: scope[0], version: scope[1] } }),
        spans: [plainSpan(id, span)],
      },
    ],
  }))
  return encodeRequest('traces', { resourceSpans })
}

function plainSpan(id: Uint8Array, span: Omit<CaseSpan, 'service' | 'scope' | 'process'>): Plain {
  const start = BigInt(NOON + (span.minute ?? 0) * MINUTE_MS) * 1_000_000n + 639_875_000n
  return {
    traceId: id,
    spanId: spanId(span.id),
    ...(span.parent === undefined ? {} : { parentSpanId: spanId(span.parent) }),
    name: span.operation,
    kind: span.kind ?? 0,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(span.micros) * 1000n),
    attributes: attributes(span.tags),
    events: (span.events ?? []).map(tags => ({ timeUnixNano: String(start), attributes: attributes(tags) })),
    links: (span.links ?? []).map(([trace, to, childOf]) => ({
      traceId: traceId(trace),
      spanId: spanId(to),
      attributes: attributes({ 'opentracing.ref_type': childOf ? 'child_of' : 'follows_from' }),
    })),
  }
}

/** The path of the query API. */
export function pathOf({
  service,
  operation,
  tags,
  min,
  max,
  between = [-60, 60],
  limit = 100,
}: Search): string {
  const micros = (minute: number) => String((NOON + minute * MINUTE_MS) * 1000)
  const query = new URLSearchParams({
    service,
    limit: String(limit),
    start: micros(between[0]),
    end: micros(between[1]),
    ...(operation === undefined ? {} : { operation }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(min === undefined ? {} : { minDuration: min }),
    ...(max === undefined ? {} : { maxDuration: max }),
  })
  return `/api/traces?${query}`
}
