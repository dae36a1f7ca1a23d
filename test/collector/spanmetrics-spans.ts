/** Spans that make a difference to somebody who counts them: one request a round. */

import { encodeRequest } from '../kit/proto.ts'

type Plain = Record<string, unknown>

const START = 1_760_000_000_000_000_000n

function text(key: string, stringValue: string): Plain {
  return { key, value: { stringValue } }
}

function attribute(key: string, value: Plain): Plain {
  return { key, value }
}

const ROUTES = ['/cart', '/orders/{id}', '/search']

/** Values of every kind; those that look alike are one in the key of a series. */
const VALUES: readonly Plain[] = [
  { stringValue: '200' },
  { intValue: 200 },
  { doubleValue: 200 },
  { stringValue: '' },
  { boolValue: true },
  { stringValue: 'true' },
  { doubleValue: 0.1 },
  { intValue: -1 },
  { bytesValue: 'AQI=' },
  { arrayValue: { values: [{ stringValue: 'a' }, { intValue: 1 }] } },
  { kvlistValue: { values: [text('b', 'x'), text('a', 'y')] } },
  {},
  { stringValue: 'ü'.repeat(80) },
]

/** Ends relative to the start, in ns: bounds of buckets and their neighbours, zero, before the start, very long, longer than a double can count. */
const DURATIONS = [
  0n,
  1n,
  999_999n,
  2_000_000n,
  2_000_001n,
  4_000_000n,
  1_400_000_000n,
  15_000_000_000n,
  15_000_000_001n,
  -5n,
  123_456_789n,
  86_400_000_000_000n,
  9_007_199_254_740_993n,
  16_000_000_000_000_000_001n,
]

const STATES = [
  '',
  'ot=th:8',
  'ot=th:0',
  'ot=th:c',
  'a=b,ot=rv:976837c4f25a25;th:e',
  'ot=th:xyz',
  'vendor=1',
  'ot=th:8,',
]

function id(bytes: number, nth: number): string {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUInt32BE(nth + 1, bytes - 4)
  return buffer.toString('base64')
}

/** `sampled`: some have a tracestate that says how many they stand for. */
function span(nth: number, sampled: boolean): Plain {
  const duration = DURATIONS[nth % DURATIONS.length]!
  const value = VALUES[nth % VALUES.length]!
  return {
    traceId: nth % 17 === 0 ? '' : id(16, Math.floor(nth / 4)),
    spanId: id(8, nth),
    name: nth % 11 === 0 ? '' : `GET ${ROUTES[nth % 3]}${nth % 23 === 0 ? 'x'.repeat(200) : ''}`,
    kind: [0, 1, 2, 2, 3, 4, 5, 9][nth % 8],
    startTimeUnixNano: String(START),
    endTimeUnixNano: String(START + duration),
    ...(sampled ? { traceState: STATES[nth % STATES.length]! } : {}),
    attributes: [
      text('http.route', ROUTES[nth % 3]!),
      text('http.method', 'GET'),
      ...(nth % 2 === 0 ? [attribute('status', value)] : []),
      ...(nth % 5 === 0 ? [text('region', 'span')] : []),
      ...(nth % 7 === 0 ? [text('http.route', 'the second is not seen')] : []),
      text(
        'a.very.long.key.that.takes.more.than.one.hundred.and.twenty.eight.bytes.because.somebody.generated.it.from.the.name.of.a.class',
        'x',
      ),
    ],
    events:
      nth % 3 === 0
        ? [
            {
              name: 'exception',
              attributes: [text('exception.type', `E${nth % 2}`), text('region', 'event')],
            },
            { name: 'retry', attributes: nth % 2 === 0 ? [] : [text('exception.type', 'Retry')] },
          ]
        : [],
    status: [{}, { code: 1 }, { code: 2, message: 'broken' }, { code: 7 }][nth % 4],
  }
}

const RESOURCES: readonly (readonly Plain[])[] = [
  [text('service.name', 'shop'), text('service.version', '1'), text('host.name', 'a')],
  [text('host.name', 'a'), text('service.version', '1'), text('service.name', 'shop')],
  [
    text('service.name', 'shop'),
    text('service.version', '2'),
    text('host.name', 'b'),
    text('region', 'resource'),
  ],
  [text('service.name', ''), text('region', 'eu'), text('host.name', 'c')],
  [attribute('service.name', { intValue: 7 }), text('host.name', 'd')],
  [text('host.name', 'nameless')],
  [],
]

const SCOPES: readonly Plain[] = [{ name: 'http', version: '1.2' }, { name: 'db' }, {}]

/** Another request for each round, with 24 spans for each of the resources and scopes. */
export function spansOf(round: number, sampled: boolean): Uint8Array {
  let nth = round * 7
  return encodeRequest('traces', {
    resourceSpans: RESOURCES.map(attributes => ({
      resource: { attributes },
      scopeSpans: SCOPES.map(scope => ({
        scope,
        spans: Array.from({ length: 24 }, () => span(nth++, sampled)),
      })),
    })),
  })
}
