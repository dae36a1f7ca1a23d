/** Takes the metrics that a server reports about itself over OTLP/HTTP, and keeps the newest count of spans. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { decodeRequest } from '../../test/kit/proto.ts'
import type { Door } from './cases.ts'

interface Point {
  readonly attributes?: readonly {
    readonly key: string
    readonly value?: { readonly stringValue?: string }
  }[]
  readonly asInt?: string
}
interface Metrics {
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics?: readonly {
      readonly metrics?: readonly {
        readonly name?: string
        readonly sum?: { readonly dataPoints?: readonly Point[] }
      }[]
    }[]
  }[]
}

/** Rotel's counter of spans taken, by `protocol`; cumulative. */
const ACCEPTED = 'rotel_receiver_accepted_spans'

/** The newest count by door in a metrics request; only the doors that are in it. */
export function acceptedIn(request: Uint8Array): Partial<Record<Door, number>> {
  const found: Partial<Record<Door, number>> = {}
  const { resourceMetrics = [] } = decodeRequest('metrics', request) as Metrics
  const metrics = resourceMetrics.flatMap(({ scopeMetrics = [] }) =>
    scopeMetrics.flatMap(one => one.metrics ?? []),
  )
  for (const { name, sum } of metrics) {
    if (name !== ACCEPTED) continue
    for (const { attributes = [], asInt = '0' } of sum?.dataPoints ?? []) {
      const door = attributes.find(({ key }) => key === 'protocol')?.value?.stringValue
      if (door === 'http' || door === 'grpc') found[door] = Number(asInt)
    }
  }
  return found
}

export class TelemetryInbox {
  readonly accepted: Record<Door, number> = { http: 0, grpc: 0 }
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', part => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts)
        const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
        if (request.url === '/v1/metrics') Object.assign(this.accepted, acceptedIn(plain))
        response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
      })
    })
  }

  static async open(): Promise<TelemetryInbox> {
    const inbox = new TelemetryInbox()
    inbox.#server.listen(0, '127.0.0.1')
    await once(inbox.#server, 'listening')
    return inbox
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}
