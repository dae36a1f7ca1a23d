/**
 * Configs of `probabilistic_sampler` and the requests they were tried on with the Collector 0.155.0. What it kept, and
 * the sampling information it wrote, is in collector-samples.jsonl, one case a line.
 */

import { createHash } from 'node:crypto'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'

export interface SampleCase {
  readonly signal: 'traces' | 'logs'
  readonly yaml: string
}

type Value = Record<string, unknown>

const id = (i: number, length: number): Uint8Array =>
  createHash('sha256').update(`id${i}`).digest().subarray(0, length)

const entries = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',')

export const TRACESTATES: readonly string[] = [
  '',
  'vendor=value',
  'a=b, c=d ,ot=x:1;y:2',
  'ot=th:8',
  'ot=th:c;rv:ffffffffffffff',
  'ot=rv:80000000000000;th:80;zz:Q',
  'ot=th:0',
  'ot=th:',
  'ot=rv:123',
  'ot=th:ffffffffffffff',
  'ot=rv:00000000000000',
  'bad',
  'A=b',
  'a=b,',
  'a=b,,c=d',
  'x@y=1',
  'ot=th:4,ot=th:8',
  'ot=TH:8',
  'ot=a:;th:1',
  'rojo=1,ot=th:e;x:y,congo=2',
  'ot=th:F0;rv:ABCDEFabcdef01',
  'ot=',
  'ot=;',
  `k=${'v'.repeat(300)}`,
  entries(31),
  entries(32),
  `tenant@${'s'.repeat(15)}=1`,
  'a=b c',
  'a=b=c',
  'ot=rv:12345678901234;rv:ffffffffffffff',
]

const PRIORITIES: readonly (Value | undefined)[] = [
  { intValue: '0' },
  { intValue: '1' },
  { intValue: '-1' },
  { doubleValue: 0 },
  { doubleValue: 0.5 },
  { doubleValue: -1 },
  { stringValue: '0' },
  { stringValue: '1e3' },
  { stringValue: 'x' },
  { boolValue: true },
  {},
]

/** Plain spans, spans without an id, spans with each tracestate, spans with each priority. */
function traces(): Uint8Array {
  const spans: Value[] = [
    ...Array.from({ length: 40 }, (_, i) => ({ traceId: id(i, 16) })),
    {},
    { traceId: new Uint8Array(16) },
    ...TRACESTATES.flatMap((traceState, i) => [
      { traceId: id(100 + i, 16), traceState },
      { traceId: id(200 + i, 16), traceState },
    ]),
    { traceState: 'ot=th:8' },
    ...PRIORITIES.flatMap((value, i) => [
      { traceId: id(300 + i, 16), attributes: [{ key: 'sampling.priority', value }] },
      { traceId: id(i, 16), traceState: 'ot=th:8', attributes: [{ key: 'sampling.priority', value }] },
    ]),
  ]
  return encodeRequest('traces', {
    resourceSpans: [
      {
        scopeSpans: [{ spans: spans.map((span, i) => ({ ...span, spanId: id(i, 8), name: String(i) })) }, {}],
      },
      { schemaUrl: 'empty' },
    ],
  })
}

const THRESHOLDS = ['', '8', 'c', 'zz', '0', '123456789012345']
const RANDOMNESS = ['', 'ffffffffffffff', '00000000000000', 'xyz']
const SHARES: readonly Value[] = [
  { intValue: '50' },
  { intValue: '0' },
  { doubleValue: 25.5 },
  { intValue: '100' },
  { intValue: '200' },
  { stringValue: '50' },
  { doubleValue: NaN },
  { intValue: '-5' },
]
const IDS: readonly Value[] = [
  { stringValue: 'record' },
  { intValue: '7' },
  { doubleValue: 0.125 },
  { boolValue: true },
  { bytesValue: Uint8Array.of(1, 2, 3) },
  { stringValue: '' },
  {},
  { arrayValue: { values: [{ intValue: '1' }] } },
]

function logs(): Uint8Array {
  const text = (key: string, stringValue: string): Value => ({ key, value: { stringValue } })
  const records: Value[] = [
    ...Array.from({ length: 30 }, (_, i) => ({ traceId: id(i, 16) })),
    {},
    ...THRESHOLDS.flatMap((th, i) =>
      RANDOMNESS.map((rv, j) => ({
        traceId: id(100 + i * 4 + j, 16),
        attributes: [text('sampling.threshold', th), ...(rv === '' ? [] : [text('sampling.randomness', rv)])],
      })),
    ),
    { traceId: id(1, 16), attributes: [{ key: 'sampling.threshold', value: { intValue: '1' } }] },
    ...SHARES.map((value, i) => ({ traceId: id(300 + i, 16), attributes: [{ key: 'share', value }] })),
    ...IDS.map(value => ({ attributes: [{ key: 'id', value }] })),
    ...IDS.map((value, i) => ({ traceId: id(400 + i, 16), attributes: [{ key: 'id', value }] })),
  ]
  return encodeRequest('logs', {
    resourceLogs: [
      { scopeLogs: [{ logRecords: records.map((one, i) => ({ ...one, eventName: String(i) })) }] },
    ],
  })
}

export const REQUESTS = { traces: traces(), logs: logs() } as const

const MODES = ['hash_seed', 'equalizing', 'proportional']

function cases(signal: SampleCase['signal'], extras: readonly string[]): SampleCase[] {
  const shares = [0, 0.01, 15.3, 50, 99.999, 150].flatMap(share =>
    MODES.map(mode => `{mode: ${mode}, sampling_percentage: ${share}}`),
  )
  const open = MODES.map(
    mode => `{mode: ${mode}, sampling_percentage: 40, fail_closed: false, hash_seed: 22}`,
  )
  const precise = [1, 14].map(
    digits => `{mode: proportional, sampling_percentage: 31.7, sampling_precision: ${digits}}`,
  )
  const never = '{sampling_percentage: 0, fail_closed: false}'
  return [...shares, ...open, ...precise, never, ...extras].map(yaml => ({ signal, yaml }))
}

export const CASES: readonly SampleCase[] = [
  ...cases('traces', ['{sampling_percentage: 25}']),
  ...cases('logs', [
    '{sampling_percentage: 20, attribute_source: record, from_attribute: id}',
    '{sampling_percentage: 20, from_attribute: id, hash_seed: 3}',
    '{sampling_percentage: 20, attribute_source: record}',
    '{sampling_percentage: 20, sampling_priority: share}',
    '{sampling_percentage: 0, sampling_priority: share}',
    '{sampling_percentage: 20, sampling_priority: share, mode: equalizing, fail_closed: false}',
  ]),
]

/** What is left: index of each item, and the sampling information in it. */
export function samplesIn(signal: SampleCase['signal'], request: Uint8Array): string[] {
  const decoded = decodeRequest(signal, request)
  const [resources, scopes, items] =
    signal === 'traces'
      ? ['resourceSpans', 'scopeSpans', 'spans']
      : ['resourceLogs', 'scopeLogs', 'logRecords']
  const list = (message: Value, name: string): Value[] => (message[name] ?? []) as Value[]
  return list(decoded, resources!)
    .flatMap(resource => list(resource, scopes!).flatMap(scope => list(scope, items!)))
    .map(item => {
      if (signal === 'traces') return `${item['name']} ${item['traceState'] ?? ''}`
      const sampling = list(item, 'attributes').filter(({ key }) => String(key).startsWith('sampling.'))
      return `${item['eventName']} ${sampling
        .map(({ key, value }) => `${key}=${Object.values(value as Value)}`)
        .sort()
        .join(' ')}`
    })
}
