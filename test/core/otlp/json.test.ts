import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import fc from 'fast-check'
import { jsonToRequest, OtlpJsonError, requestToJson, requestToJsonBytes } from '../../../core/otlp/json.ts'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { anyRequest, generate } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { normalize } from '../../kit/normalize.ts'
import { Random } from '../../kit/random.ts'

for (const signal of SIGNALS) {
  // Scenario: made-up requests with every field of OTLP, in tidy and untidy encodings, go to JSON and back.
  // Guarantees: the JSON is one that JSON.parse takes, and what came back says the same, by the official decoder.
  test(`${signal}: bytes to JSON and back keep their meaning`, () => {
    fc.assert(
      fc.property(anyRequest(signal, 6), ({ bytes, untidy }) => {
        for (const request of [bytes, untidy]) {
          const json = requestToJson(request, signal)
          JSON.parse(json)
          const back = jsonToRequest(Buffer.from(json), signal)
          validate(back, signal)
          assert.deepEqual(normalize(signal, back), normalize(signal, request))
        }
      }),
      { numRuns: 40 },
    )
  })
}

// Scenario: requests of real SDKs go to JSON and back.
// Guarantees: the bytes come back as they were sent: SDKs write fields in order and so do we.
test('golden requests survive JSON byte for byte', () => {
  for (const { name, signal, plain } of goldenRequests()) {
    const json = requestToJsonBytes(plain, signal)
    const back = jsonToRequest(json, signal)
    assert.deepEqual(normalize(signal, back), normalize(signal, plain), name)
    assert.deepEqual(requestToJsonBytes(back, signal), json, name)
  }
})

// Scenario: the same SDK objects through the JSON and through the protobuf serializer of OpenTelemetry JS.
// Guarantees: the JSON of browsers and Node SDKs means what their protobuf means.
test('what OpenTelemetry JS writes as JSON equals what it writes as protobuf', () => {
  const resource = { attributes: { 'service.name': 'shop', n: 3, list: ['a', true, 1.5] } }
  const instrumentationScope = { name: 'lib', version: '1.2' }
  const spanContext = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
  }
  const span = {
    name: 'GET /',
    kind: 1,
    spanContext: () => spanContext,
    startTime: [1_700_000_000, 123_456_789],
    endTime: [1_700_000_001, 5],
    status: { code: 2, message: 'boom' },
    attributes: { 'http.status_code': 500, big: 2 ** 52, f: 0.1 },
    links: [{ context: spanContext, attributes: { k: 'v' } }],
    events: [{ name: 'e', time: [1_700_000_000, 200_000_000], attributes: { x: 'y' } }],
    duration: [0, 1],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 1,
    droppedEventsCount: 0,
    droppedLinksCount: 2,
  }
  const log = {
    hrTime: [1_700_000_000, 1],
    hrTimeObserved: [1_700_000_000, 2],
    severityNumber: 9,
    severityText: 'INFO',
    body: { text: 'hello "world"', nested: [1, { a: null }] },
    eventName: 'ev',
    attributes: { k: 'v' },
    spanContext,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
  }
  const metric = (dataPointType: number, value: unknown, name: string) => ({
    descriptor: { name, description: 'd', unit: 'By', valueType: 1, type: 'COUNTER' },
    dataPointType,
    aggregationTemporality: 1,
    isMonotonic: true,
    dataPoints: [{ attributes: { a: 1 }, startTime: [1_700_000_000, 0], endTime: [1_700_000_060, 0], value }],
  })
  const histogram = { count: 3, sum: 6.5, min: 1, max: 3, buckets: { boundaries: [1, 2], counts: [1, 1, 1] } }
  const metrics = {
    resource,
    scopeMetrics: [
      {
        scope: instrumentationScope,
        metrics: [metric(0, histogram, 'h'), metric(3, 7, 's'), metric(2, 0.5, 'g')],
      },
    ],
  }
  const cases = [
    ['traces', JsonTraceSerializer, ProtobufTraceSerializer, [span]],
    ['logs', JsonLogsSerializer, ProtobufLogsSerializer, [log]],
    ['metrics', JsonMetricsSerializer, ProtobufMetricsSerializer, metrics],
  ] as const
  for (const [signal, json, protobuf, data] of cases) {
    const text = json.serializeRequest(data as never)!
    const bytes = protobuf.serializeRequest(data as never)!
    const read = normalize(signal, jsonToRequest(text, signal))
    assert.ok(JSON.stringify(read).length > 200, 'something was read')
    assert.deepEqual(read, normalize(signal, bytes), signal)
  }
})

const WORDS = [
  'null',
  '{}',
  '[]',
  '"',
  '\\',
  '\\u',
  '1e999',
  '-',
  ',',
  ':',
  '[',
  '{',
  '"a":',
  '\u0000',
  '\ufeff',
  'NaN',
]

function mutate(json: Uint8Array, random: Random): Buffer {
  let text = Buffer.from(json)
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(text.length + 1)
    const until = random.chance(0.5) ? at : Math.min(text.length, at + random.below(20))
    const word = random.chance(0.5) ? Buffer.from(random.pick(WORDS)) : random.bytes(random.below(3))
    text = Buffer.concat([text.subarray(0, at), word, text.subarray(until)])
  }
  return text
}

// Scenario: for half a second, JSON of every signal with bytes and words put in, cut out and replaced.
// Guarantees: it is read into a valid request or refused with OtlpJsonError, and nothing else ever happens.
test('mutated JSON is read or refused, never anything else', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9)
  const random = new Random(seed)
  const seeds = SIGNALS.map(signal => requestToJsonBytes(generate(signal, seed, 3).bytes, signal))
  const end = performance.now() + Number(process.env['FUZZ_MS'] ?? 500)
  for (let round = 0; performance.now() < end; round++) {
    const nth = random.below(SIGNALS.length)
    const text = mutate(seeds[nth]!, random)
    try {
      validate(jsonToRequest(text, SIGNALS[nth]!), SIGNALS[nth]!)
    } catch (error) {
      if (!(error instanceof OtlpJsonError)) {
        console.log(`seed ${seed}, round ${round}: ${text.toString('base64')}`)
        throw error
      }
    }
  }
})
