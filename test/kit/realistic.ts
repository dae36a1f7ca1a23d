/** Requests shaped like what instrumented services send: for benchmarks and load. */

import { encodeRequest } from './proto.ts'
import { Random } from './random.ts'

type Plain = Record<string, unknown>

const ROUTES = [
  '/api/orders/{id}',
  '/api/cart',
  '/api/products/search',
  '/healthz',
  '/api/users/{id}/profile',
]
const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT']
const START = 1_760_000_000_000_000_000n

function text(key: string, stringValue: string): Plain {
  return { key, value: { stringValue } }
}

function int(key: string, intValue: number): Plain {
  return { key, value: { intValue } }
}

function serverSpan(random: Random, traceId: Uint8Array, nth: number): Plain {
  const route = random.pick(ROUTES)
  const method = random.pick(METHODS)
  const status = random.pick([200, 200, 200, 201, 404, 500])
  const start = START + BigInt(nth) * 1_000_003n
  return {
    traceId,
    spanId: random.bytes(8),
    parentSpanId: random.bytes(8),
    name: `${method} ${route}`,
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(random.below(200_000_000))),
    attributes: [
      text('http.request.method', method),
      text('url.path', `/api/orders/${random.below(100_000)}/items`),
      text('url.scheme', 'https'),
      text('http.route', route),
      int('http.response.status_code', status),
      text('network.protocol.version', '1.1'),
      text('server.address', 'shop.example.com'),
      int('server.port', 443),
      text('client.address', `10.1.${random.below(256)}.${random.below(256)}`),
      text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64)'),
      text('thread.name', `worker-${random.below(16)}`),
      { key: 'sampling.weight', value: { doubleValue: random.below(1000) / 1000 } },
      { key: 'cache.hit', value: { boolValue: random.chance(0.5) } },
    ],
    status: status === 500 ? { code: 2, message: 'upstream failed' } : {},
    flags: 1,
  }
}

/**
 * One traces request of one service: `spans` HTTP server spans of 13 attributes, about 530 bytes each, eight to a
 * trace. `spans: 512` makes about 272 kB.
 */
export function realisticTraces(spans: number, seed = 1): Uint8Array {
  const random = new Random(seed)
  let traceId = random.bytes(16)
  const made = Array.from({ length: spans }, (_, nth) => {
    if (nth % 8 === 0) traceId = random.bytes(16)
    return serverSpan(random, traceId, nth)
  })
  return encodeRequest('traces', {
    resourceSpans: [
      {
        resource: {
          attributes: [
            text('service.name', 'shop-frontend'),
            text('service.version', '1.42.0'),
            text('service.instance.id', '6e1f9d1e-4a3b-4a52-9ac1-0f6a1f7f2a11'),
            text('host.name', 'app-01'),
            text('telemetry.sdk.language', 'nodejs'),
          ],
        },
        scopeSpans: [
          { scope: { name: '@opentelemetry/instrumentation-http', version: '0.57.0' }, spans: made },
        ],
      },
    ],
  })
}
