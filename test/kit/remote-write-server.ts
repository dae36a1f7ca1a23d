/** A receiver of remote write that keeps what it was sent and answers as a test says. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decompressBlock } from '../../core/formats/snappy-read.ts'
import { type ReadRequest, type ReadSeries, readRequest1, readRequest2 } from './remote-write.ts'

export interface Received extends ReadRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly version: 1 | 2
  /** Before decompression, and after it. */
  readonly packedBytes: number
  readonly bytes: number
  /** ms, `performance.now()` clock. */
  readonly at: number
  /** What it was answered with. */
  status: number
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Waits for this before it answers. */
  readonly after?: Promise<unknown>
  /** Closes the connection instead. */
  readonly hangUp?: boolean
}

/** Undefined: takes it, and says so. `nth` counts requests from 0. */
export type Answering = (request: Received, nth: number) => Answer | undefined

export const V2_TYPE = 'application/x-protobuf;proto=io.prometheus.write.v2.Request'

export class RemoteWriteServer {
  readonly requests: Received[] = []
  answer: Answering = () => undefined
  /** Requests that it could not read, which no test may have. */
  readonly problems: unknown[] = []
  inFlight = 0
  inFlightMax = 0
  #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      this.#take(request.method!, request.url!, request.headers, Buffer.concat(chunks), response).catch(
        problem => {
          this.problems.push(problem)
          response.writeHead(500).end(String(problem))
        },
      )
    })
  })

  async listen(port = 0): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(port, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1/write`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #take(
    method: string,
    path: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    this.inFlight++
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight)
    try {
      const version = headers['content-type'] === V2_TYPE ? 2 : 1
      const plain = decompressBlock(body, 64 * 1024 * 1024)
      const read = version === 2 ? readRequest2(plain) : readRequest1(plain)
      const received: Received = {
        ...read,
        method,
        path,
        headers,
        version,
        packedBytes: body.length,
        bytes: plain.length,
        at: performance.now(),
        status: 0,
      }
      const answer = this.answer(received, this.requests.push(received) - 1) ?? {}
      await answer.after
      if (answer.hangUp) {
        response.destroy()
        return
      }
      received.status = answer.status ?? 204
      const good = received.status < 300 && version === 2 && answer.headers === undefined
      response.writeHead(received.status, good ? writtenHeaders(read.series) : answer.headers)
      response.end(answer.body)
    } finally {
      this.inFlight--
    }
  }

  /** Series of all requests that it took, samples of equal series together in the order they came. */
  taken(): Map<string, ReadSeries> {
    const all = new Map<string, ReadSeries>()
    for (const { series, status } of this.requests) {
      if (status >= 300) continue
      for (const one of series) {
        const known = all.get(one.key)
        if (known === undefined) all.set(one.key, one)
        else
          all.set(one.key, {
            ...known,
            samples: [...known.samples, ...one.samples],
            histograms: [...known.histograms, ...one.histograms],
            exemplars: [...known.exemplars, ...one.exemplars],
          })
      }
    }
    return all
  }
}

export function writtenHeaders(series: readonly ReadSeries[]): Record<string, string> {
  const sum = (count: (one: ReadSeries) => number): string =>
    String(series.reduce((total, one) => total + count(one), 0))
  return {
    'X-Prometheus-Remote-Write-Samples-Written': sum(({ samples }) => samples.length),
    'X-Prometheus-Remote-Write-Histograms-Written': sum(({ histograms }) => histograms.length),
    'X-Prometheus-Remote-Write-Exemplars-Written': sum(({ exemplars }) => exemplars.length),
  }
}
