/** Items with attributes of every type, on themselves, their scopes and their resources, and conditions to count them by. */

import type { Signal } from '../../core/otlp/signals.ts'
import { encodeRequest } from '../kit/proto.ts'
import type { TestRequest } from './requests.ts'

type Plain = Record<string, unknown>

const text = (key: string, stringValue: string): Plain => ({ key, value: { stringValue } })
const int = (key: string, intValue: string): Plain => ({ key, value: { intValue } })
const START = 1_700_000_000_000_000_000n
const at = (n: number): string => String(START + BigInt(n) * 1_000_000n)

/** Attributes of item `n`: some have all, some none, some have one of another type. */
function attributes(n: number): Plain[] {
  const map = { kvlistValue: { values: [text('a', 'x'), int('b', '2')] } }
  const turned = { kvlistValue: { values: [int('b', '2'), text('a', 'x')] } }
  const list = { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'two' }] } }
  const all: Plain[][] = [
    [text('env', 'prod'), int('n', '7'), { key: 'd', value: { doubleValue: 1.5 } }],
    [text('env', 'test'), { key: 'b', value: { boolValue: true } }, { key: 'map', value: map }],
    [text('env', 'prod'), { key: 'n', value: { doubleValue: 7 } }, { key: 'map', value: turned }],
    [
      { key: 'env', value: { intValue: '5' } },
      { key: 'list', value: list },
    ],
    [],
    [text('env', ''), { key: 'bytes', value: { bytesValue: Buffer.from([1, 255]) } }, int('n', '-3')],
    [{ key: 'env', value: {} }, text('http.route', '/cart/<id>'), int('n', '9007199254740993')],
  ]
  return all[n % all.length]!
}

const ITEMS = Array.from({ length: 14 }, (_, n) => n)

const SPANS = ITEMS.map(n => ({
  traceId: Buffer.alloc(16, n + 1),
  spanId: Buffer.alloc(8, n + 1),
  ...(n % 3 === 0 ? {} : { parentSpanId: Buffer.alloc(8, n) }),
  name: n % 2 === 0 ? `GET /${n}` : 'publish',
  kind: n % 6,
  ...(n === 4 ? {} : { startTimeUnixNano: at(n), endTimeUnixNano: at(n + (n % 4)) }),
  attributes: attributes(n),
  droppedAttributesCount: n % 2,
  events: ITEMS.slice(0, n % 3).map(m => ({
    timeUnixNano: at(100 + m),
    name: m === 0 ? 'exception' : 'log',
    attributes: attributes(n + m),
  })),
  traceState: n % 5 === 0 ? 'a=1' : '',
  status: n % 3 === 0 ? { code: 2, message: 'no' } : n % 3 === 1 ? { code: 1 } : {},
}))

const LOGS = ITEMS.map(n => ({
  ...(n % 2 === 0 ? { timeUnixNano: at(n) } : {}),
  observedTimeUnixNano: at(n + 1),
  severityNumber: n * 2,
  severityText: n % 2 === 0 ? 'INFO' : 'error',
  eventName: n % 4 === 0 ? 'click' : '',
  body: [{ stringValue: `line ${n}` }, attributes(1)[2]!['value'], { intValue: '5' }, undefined][n % 4],
  attributes: attributes(n),
  ...(n % 3 === 0 ? { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1) } : {}),
  flags: n % 2,
}))

const points = (values: (n: number) => Plain): Plain[] =>
  ITEMS.slice(0, 7).map(n => ({
    timeUnixNano: at(n),
    startTimeUnixNano: at(0),
    attributes: attributes(n),
    ...values(n),
  }))

const METRICS: Plain[] = [
  {
    name: 'queue.size',
    unit: '1',
    gauge: { dataPoints: points(n => (n % 2 === 0 ? { asDouble: n } : { asInt: '4' })) },
  },
  {
    name: 'requests',
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points(n => ({ asInt: String(n) })) },
  },
  {
    name: 'delta',
    sum: { aggregationTemporality: 1, dataPoints: points(n => ({ asDouble: n, flags: n % 2 })) },
  },
  {
    name: 'latency',
    unit: 's',
    description: 'how long',
    histogram: {
      aggregationTemporality: 1,
      dataPoints: points(n => ({ count: String(n), sum: n * 2, bucketCounts: [n] })),
    },
  },
  {
    name: 'native',
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: points(n => ({
        count: String(n),
        sum: n,
        scale: n - 3,
        zeroCount: String(n % 2),
        positive: {},
        negative: {},
      })),
    },
  },
  { name: 'old', summary: { dataPoints: points(n => ({ count: String(n), sum: n })) } },
  { name: 'empty', gauge: {} },
]

function request(signal: Signal, entries: string, scopes: string, items: string, all: Plain[]): Uint8Array {
  const half = all.length >> 1
  return encodeRequest(signal, {
    [entries]: [
      {
        resource: { attributes: [text('service.name', 'shop'), text('env', 'by-resource')] },
        [scopes]: [
          {
            scope: { name: 'lib', version: '1.0', attributes: [text('tier', 'gold')] },
            [items]: all.slice(0, half),
          },
          { scope: { name: 'other' }, [items]: all.slice(half) },
        ],
      },
      { resource: { attributes: [text('tier', 'silver')] }, [scopes]: [{ [items]: all.slice(0, 3) }] },
      { [scopes]: [{ [items]: all.slice(4, 5) }] },
      { resource: {}, [scopes]: [] },
    ],
  })
}

export const COUNT_REQUESTS: readonly TestRequest[] = [
  {
    name: 'spans',
    signal: 'traces',
    bytes: request('traces', 'resourceSpans', 'scopeSpans', 'spans', SPANS),
  },
  { name: 'logs', signal: 'logs', bytes: request('logs', 'resourceLogs', 'scopeLogs', 'logRecords', LOGS) },
  {
    name: 'metrics',
    signal: 'metrics',
    bytes: request('metrics', 'resourceMetrics', 'scopeMetrics', 'metrics', METRICS),
  },
]

/** Of what every kind of item has. */
const COMMON = [
  'attributes["env"] == "prod"',
  'attributes["env"] != "prod"',
  'attributes["env"] == nil',
  'nil != attributes["env"]',
  'attributes["env"] == ""',
  'attributes["n"] == 7',
  'attributes["n"] == 7.0',
  'attributes["n"] > 1',
  'attributes["n"] <= -3',
  'attributes["n"] >= 9007199254740993',
  'attributes["n"] == 9007199254740992',
  'attributes["n"] == 9007199254740992.0',
  'attributes["n"] > 9007199254740992.0',
  'attributes["n"] < attributes["d"] or attributes["n"] > attributes["d"]',
  'attributes["d"] >= 1.5',
  'attributes["d"] == .15e1',
  'attributes["b"] == true',
  'true != attributes["b"]',
  'attributes["b"] >= false',
  'attributes["env"] > "p"',
  'attributes["env"] < 5',
  'attributes["bytes"] == 0x01ff',
  'attributes["bytes"] > 0x01',
  'attributes["list"] == [1, "two"]',
  'attributes["list"] == ["two", 1]',
  'attributes["map"] == attributes["map"]',
  'attributes["map"] != nil',
  'resource.attributes["env"] == "by-resource"',
  'resource.attributes["service.name"] != "shop"',
  'resource.dropped_attributes_count == 0',
  'scope.name == "lib" and scope.version == "1.0"',
  'instrumentation_scope.attributes["tier"] == "gold"',
  'not attributes["env"] == "prod"',
  'not (attributes["env"] == "prod" or attributes["env"] == "test") and true',
  'attributes["env"] == "prod" and attributes["n"] == 7 or attributes["b"] == true',
  'false',
  'true',
  'IsMatch(attributes["env"], "^pr|es")',
  'IsMatch(attributes["env"], "^$")',
  'IsMatch(attributes["n"], "^-?[0-9]+$")',
  'IsMatch(attributes["d"], "1[.]5")',
  'IsMatch(attributes["bytes"], "01ff")',
  'IsMatch(attributes["map"], "\\"a\\":\\"x\\"")',
  'IsMatch(attributes["http.route"], "(?i)/CART/<")',
  'IsMatch(attributes["list"], "two")',
  'IsMatch(attributes["b"], "true") == true',
  'IsString(attributes["env"])',
  'IsInt(attributes["n"])',
  'IsDouble(attributes["n"])',
  'IsBool(attributes["b"])',
  'IsMap(attributes["map"])',
  'IsList(attributes["list"])',
  'not IsString(attributes["env"])',
]

export const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  spans: [
    ...COMMON,
    'span.attributes["env"] == "prod"',
    'kind == SPAN_KIND_SERVER',
    'span.kind == 3',
    'kind.string == "Producer"',
    'kind.deprecated_string == "SPAN_KIND_CLIENT"',
    'status.code == STATUS_CODE_ERROR',
    'status.message == "no"',
    'name == "publish"',
    'IsMatch(name, "^GET /[0-9]$")',
    'trace_state == "a=1"',
    'trace_id.string == "01010101010101010101010101010101"',
    'parent_span_id.string == "0000000000000000"',
    'span_id.string != "0202020202020202"',
    'start_time_unix_nano == 0',
    'end_time_unix_nano > 1700000000005000000',
    'dropped_attributes_count == 1',
    'dropped_events_count == 0 and dropped_links_count == 0 and flags == 0',
    'attributes == attributes',
  ],
  spanevents: [
    ...COMMON,
    'spanevent.name == "exception"',
    'name == "log"',
    'span.name == "publish"',
    'span.attributes["env"] == "prod"',
    'span.kind == SPAN_KIND_CLIENT',
    'time_unix_nano >= 1700000000101000000',
    'dropped_attributes_count == 0',
  ],
  metrics: [
    'name == "requests"',
    'metric.name == "latency" and description == "how long" and unit == "s"',
    'type == METRIC_DATA_TYPE_SUM',
    'type == METRIC_DATA_TYPE_NONE',
    'type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM or type == METRIC_DATA_TYPE_SUMMARY',
    'aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA',
    'aggregation_temporality == nil',
    'is_monotonic == true',
    'is_monotonic == nil',
    'resource.attributes["env"] == "by-resource"',
    'scope.name == "lib"',
    'IsMatch(name, "^(old|native)$")',
  ],
  datapoints: [
    ...COMMON,
    'datapoint.attributes["env"] == "prod"',
    'metric.name == "latency"',
    'metric.type == METRIC_DATA_TYPE_GAUGE',
    'value_double > 0.0',
    'value_int == 4',
    'value_int == 0',
    'value_int == nil',
    'count > 3',
    'count == nil',
    'sum >= 4.0',
    'scale < 0',
    'zero_count == 1',
    'flags == FLAG_NO_RECORDED_VALUE',
    'time_unix_nano == 1700000000000000000',
    'start_time_unix_nano > 0',
  ],
  logs: [
    ...COMMON,
    'severity_number >= SEVERITY_NUMBER_ERROR',
    'severity_number == SEVERITY_NUMBER_DEBUG2',
    'log.severity_text == "INFO"',
    'body == "line 0"',
    'body == nil',
    'body == 5',
    'IsMap(body) and body["a"] == "x"',
    'body.string == "5"',
    'IsMatch(body, "line [0-9]")',
    'IsMatch(body.string, "^[{]")',
    'event_name == "click"',
    'trace_id.string != "00000000000000000000000000000000"',
    'span_id.string == "0101010101010101"',
    'time_unix_nano == 0',
    'observed_time_unix_nano > 1700000000005000000',
    'flags == 1',
    'dropped_attributes_count == 0',
  ],
}

/** Ways to count by attributes, of any kind of item that has some. */
export const BY_ATTRIBUTES: readonly string[] = [
  '{description: by env, attributes: [{key: env}]}',
  '{attributes: [{key: n}, {key: env}]}',
  '{attributes: [{key: tier, default_value: none}, {key: env, default_value: ""}]}',
  '{attributes: [{key: missing, default_value: 1.5}]}',
  '{attributes: [{key: missing, default_value: 7}, {key: b, default_value: false}]}',
  '{attributes: [{key: map}]}',
  '{attributes: [{key: list}, {key: service.name, default_value: nobody}]}',
  '{attributes: [{key: missing}]}',
  `{attributes: [{key: env}], conditions: ['attributes["n"] != nil', 'resource.attributes["tier"] == "silver"']}`,
]
