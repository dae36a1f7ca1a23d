/**
 * Configs of `attributes` and `resource` and the requests they were tried on with the Collector 0.155.0. What it made
 * of them is in collector-attributes.jsonl, one case a line.
 */

import type { Signal } from '../../core/otlp/signals.ts'
import { decodeRequest, encodeRequest } from '../kit/proto.ts'

export interface AttributeCase {
  readonly type: 'attributes' | 'resource'
  readonly signal: Signal
  readonly yaml: string
}

type Value = Record<string, unknown>
type Attribute = { readonly key: string; readonly value: Value }

/** One of everything that an attribute can be, with the texts and numbers that are converted in odd ways. */
const VALUES: readonly Value[] = [
  { stringValue: 'text' },
  { stringValue: '' },
  { stringValue: '123' },
  { stringValue: '-0x1p3' },
  { stringValue: '1_000.5' },
  { stringValue: '9223372036854775807' },
  { boolValue: true },
  { boolValue: false },
  { intValue: '0' },
  { intValue: '9007199254740993' },
  { intValue: '-9223372036854775808' },
  { doubleValue: 0 },
  { doubleValue: -0 },
  { doubleValue: 1e21 },
  { doubleValue: 1.5e-9 },
  { doubleValue: NaN },
  { doubleValue: Infinity },
  { doubleValue: -1.9 },
  { doubleValue: 9.3e18 },
  { bytesValue: Uint8Array.of(1, 2, 255) },
  {
    arrayValue: {
      values: [
        { stringValue: 'a<b>&\u2028"' },
        { intValue: '1' },
        { doubleValue: 1e-7 },
        { boolValue: true },
        {},
        { bytesValue: Uint8Array.of(9) },
      ],
    },
  },
  { arrayValue: { values: [{ doubleValue: NaN }] } },
  {
    kvlistValue: {
      values: [
        { key: 'z', value: { intValue: '1' } },
        { key: 'a', value: { arrayValue: { values: [] } } },
        { key: 'é', value: { stringValue: '\u0001\b\f' } },
      ],
    },
  },
  {},
]

function attributesOf(i: number): Attribute[] {
  return [
    { key: 'k', value: VALUES[i % VALUES.length]! },
    { key: 'user.email', value: { stringValue: `u${i}@example.com` } },
    {
      key: 'http.url',
      value: { stringValue: `https://h${i % 3}.example.com:80${i % 10}/v${i % 2}/users/${i}` },
    },
    { key: 'num', value: { intValue: String(i) } },
  ]
}

function resource(r: number): Value {
  return {
    attributes: [
      { key: 'service.name', value: { stringValue: r === 0 ? 'shop' : 'cart' } },
      { key: 'k', value: VALUES[r * 3]! },
      { key: 'host', value: { stringValue: `n${r}` } },
    ],
  }
}

/** Two resources and one without, three scopes in each. */
function traces(): Uint8Array {
  const span = (i: number, seed: number): Value => ({
    name: ['GET /', 'POST /x', 'drop me', ''][i % 4],
    kind: i % 6,
    attributes: i % 11 === 10 ? [] : attributesOf(i + seed),
  })
  return encodeRequest('traces', {
    resourceSpans: [0, 1, 2].map(r => ({
      resource: r === 2 ? undefined : resource(r),
      scopeSpans: [undefined, { name: `lib.${r}`, version: `1.${r}` }, { name: 'lib.1' }].map((scope, s) => ({
        scope,
        spans: Array.from({ length: s === 0 ? VALUES.length : 4 }, (_, i) => span(i, r + s)),
      })),
    })),
  })
}

function logs(): Uint8Array {
  const record = (i: number): Value => ({
    severityNumber: (i * 3) % 25,
    severityText: ['INFO', 'WARN', '', 'error'][i % 4],
    body: VALUES[(i * 5) % VALUES.length],
    attributes: attributesOf(i),
  })
  return encodeRequest('logs', {
    resourceLogs: [0, 1].map(r => ({
      resource: resource(r),
      scopeLogs: [{ scope: { name: 'lib' }, logRecords: VALUES.map((_, i) => record(i)) }],
    })),
  })
}

function metrics(): Uint8Array {
  const points = (from: number): Value => ({
    dataPoints: [0, 1].map(i => ({ attributes: attributesOf(from + i) })),
  })
  return encodeRequest('metrics', {
    resourceMetrics: [0, 1].map(r => ({
      resource: resource(r),
      scopeMetrics: [
        {
          scope: { name: 'lib' },
          metrics: [
            { name: 'g', gauge: points(0) },
            { name: 's', sum: points(2) },
            { name: 'h', histogram: points(4) },
            { name: 'e', exponentialHistogram: points(6) },
            { name: 'q', summary: points(8) },
            { name: 'empty' },
          ],
        },
      ],
    })),
  })
}

export const REQUESTS: Readonly<Partial<Record<Signal, Uint8Array>>> = {
  traces: traces(),
  logs: logs(),
  metrics: metrics(),
}

const ACTIONS: readonly string[] = [
  '[{key: new, action: insert, value: text}, {key: num, action: insert, value: 5}]',
  '[{key: num, action: update, value: 1.0}, {key: nope, action: update, value: x}]',
  '[{key: num, action: upsert, value: [1, 2.5, x, true, {a: 1}, null]}, {key: m, action: upsert, value: {b: {c: [x]}}}]',
  '[{key: user.email, action: delete}, {key: num, action: delete}, {key: service.name, action: delete}]',
  String.raw`[{pattern: '^(user|http|service)\.', action: delete}]`,
  '[{key: num, pattern: ^n, action: delete}]',
  '[{key: k, action: hash}, {key: user.email, action: hash}]',
  "[{key: k, pattern: '^(k|num)$', action: hash}]",
  '[{key: k, action: convert, converted_type: string}, {key: num, action: convert, converted_type: string}]',
  '[{key: k, action: convert, converted_type: int}, {key: num, action: convert, converted_type: double}]',
  '[{key: k, action: convert, converted_type: double}, {key: user.email, action: convert, converted_type: int}]',
  String.raw`[{key: http.url, action: extract, pattern: '^(?P<scheme>.*)://(?P<host>[^:]*)(?::(?P<num>\d+))?'}, {key: k, action: extract, pattern: '(?P<first>^.?)'}]`,
  '[{key: a, action: insert, from_attribute: k}, {key: b, action: upsert, from_attribute: a}, {key: k, action: delete}, {key: k, action: insert, from_attribute: b}]',
  '[{key: a, action: upsert, from_attribute: nope, default_value: 7}, {key: b, action: insert, default_value: 0x1F}, {key: c, action: upsert, from_context: metadata.x, default_value: d}]',
  '[{key: a, action: INSERT, value: true}, {key: b, action: upsert, value: -1e3}, {key: c, action: upsert, value: 9007199254740993}, {key: d, action: upsert, value: .inf}, {key: e, action: upsert, value: 1_000}, {key: f, action: upsert, value: 0o17}]',
  '[{key: addr, action: upsert, from_context: client.address}, {key: ct, action: upsert, from_context: Content-Type}, {key: auth, action: upsert, from_context: auth.x}]',
]

const SPAN_MATCHES: readonly string[] = [
  '{match_type: strict, services: [shop]}',
  '{match_type: regexp, services: [^c, nil-service]}',
  "{match_type: strict, span_names: ['GET /', '']}",
  '{match_type: regexp, span_names: ["(?i)get", "^drop"]}',
  '{match_type: strict, span_kinds: [SPAN_KIND_SERVER, SPAN_KIND_CLIENT]}',
  '{match_type: regexp, span_kinds: ["SERVER|UNSPEC"]}',
  '{attributes: [{key: k}]}',
  '{match_type: strict, attributes: [{key: k, value: text}]}',
  '{match_type: strict, attributes: [{key: k, value: true}, {key: num}]}',
  '{match_type: strict, attributes: [{key: num, value: 7}]}',
  '{match_type: strict, attributes: [{key: k, value: 0}]}',
  '{match_type: strict, attributes: [{key: k, value: 0.0}]}',
  '{match_type: strict, attributes: [{key: k, value: .nan}]}',
  String.raw`{match_type: strict, attributes: [{key: k, value: {a: [], z: 1, "é": "\x01\b\f"}}]}`,
  '{match_type: regexp, attributes: [{key: k, value: "^1"}]}',
  '{match_type: regexp, attributes: [{key: k, value: "Inf|NaN|e"}]}',
  '{match_type: regexp, attributes: [{key: k, value: ""}]}',
  '{match_type: strict, resources: [{key: host, value: n1}]}',
  '{match_type: regexp, resources: [{key: service.name, value: ^s}, {key: host}]}',
  '{match_type: strict, libraries: [{name: lib.1, version: "1.1"}]}',
  '{match_type: strict, libraries: [{name: lib.1, version: ""}]}',
  '{match_type: strict, libraries: [{name: lib.0}, {name: lib.1}]}',
  '{match_type: regexp, libraries: [{name: ^lib, version: 0$}]}',
  '{match_type: strict, services: [shop, cart], span_names: ["GET /"], attributes: [{key: num}]}',
]

const LOG_MATCHES: readonly string[] = [
  '{match_type: strict, log_bodies: [text, "", "true"]}',
  String.raw`{match_type: regexp, log_bodies: ['^[0-9]', '^\[']}`,
  '{match_type: strict, log_severity_texts: [INFO, ""]}',
  '{match_type: regexp, log_severity_texts: ["(?i)err"]}',
  '{log_severity_number: {min: 9}}',
  '{log_severity_number: {min: 17, match_undefined: true}}',
  '{match_type: strict, attributes: [{key: num, value: 3}]}',
  '{match_type: strict, resources: [{key: service.name, value: cart}]}',
]

const METRIC_MATCHES: readonly string[] = [
  '{match_type: strict, metric_names: [g, q]}',
  "{match_type: regexp, metric_names: ['^[gs]$']}",
  '{match_type: strict, resources: [{key: service.name, value: cart}]}',
  '{match_type: strict, metric_names: [g], resources: [{key: service.name, value: cart}]}',
]

function marking(signal: Signal, matches: readonly string[]): AttributeCase[] {
  return matches.flatMap(match =>
    ['include', 'exclude'].map(side => ({
      type: 'attributes' as const,
      signal,
      yaml: `{${side}: ${match}, actions: [{key: marked, action: insert, value: 1}]}`,
    })),
  )
}

export const CASES: readonly AttributeCase[] = [
  ...ACTIONS.flatMap(actions => [
    { type: 'attributes' as const, signal: 'traces' as const, yaml: `{actions: ${actions}}` },
    { type: 'resource' as const, signal: 'traces' as const, yaml: `{attributes: ${actions}}` },
  ]),
  ...(['logs', 'metrics'] as const).map(signal => ({
    type: 'attributes' as const,
    signal,
    yaml: `{actions: ${ACTIONS[0]}}`,
  })),
  ...marking('traces', SPAN_MATCHES),
  ...marking('logs', LOG_MATCHES),
  ...marking('metrics', METRIC_MATCHES),
  {
    type: 'attributes',
    signal: 'traces',
    yaml: `{include: ${SPAN_MATCHES[0]}, exclude: ${SPAN_MATCHES[2]}, actions: [{key: marked, action: insert, value: 1}]}`,
  },
]

const CHILDREN = [
  'resourceSpans',
  'resourceMetrics',
  'resourceLogs',
  'scopeSpans',
  'scopeMetrics',
  'scopeLogs',
  'spans',
  'metrics',
  'logRecords',
  'gauge',
  'sum',
  'histogram',
  'exponentialHistogram',
  'summary',
  'dataPoints',
]

/** The attributes of all items (or of all resources), in order. */
function attributeLists({ type, signal }: AttributeCase, request: Uint8Array): (readonly Attribute[])[] {
  const found: (readonly Attribute[])[] = []
  const visit = (message: Value, level: string): void => {
    if (type === 'resource' && level.startsWith('resource'))
      found.push(((message['resource'] as Value)?.['attributes'] ?? []) as Attribute[])
    if (type === 'attributes' && ['spans', 'logRecords', 'dataPoints'].includes(level))
      found.push((message['attributes'] ?? []) as Attribute[])
    for (const name of CHILDREN) {
      const child = message[name]
      if (Array.isArray(child)) for (const one of child) visit(one, name)
      else if (child !== undefined) visit(child as Value, name)
    }
  }
  visit(decodeRequest(signal, request), '')
  return found
}

/** Each change (attributes with their new values, null for one that is gone) and the items it was made to. */
export type Changes = Record<string, string>

/** What differs between a request and what became of it. */
export function changesIn(one: AttributeCase, before: Uint8Array, after: Uint8Array): Changes {
  const old = attributeLists(one, before)
  const items = new Map<string, number[]>()
  for (const [i, now] of attributeLists(one, after).entries()) {
    const was = new Map(old[i]!.map(({ key, value }) => [key, JSON.stringify(value ?? {})]))
    const is = new Map(now.map(({ key, value }) => [key, value ?? {}]))
    const changed = Object.fromEntries(
      [...new Set([...was.keys(), ...is.keys()])]
        .sort()
        .filter(key => !is.has(key) || JSON.stringify(is.get(key)) !== was.get(key))
        .map(key => [key, is.get(key) ?? null]),
    )
    if (Object.keys(changed).length === 0) continue
    const text = JSON.stringify(changed)
    items.set(text, [...(items.get(text) ?? []), i])
  }
  return Object.fromEntries([...items].sort().map(([change, list]) => [change, list.join(' ')]))
}
