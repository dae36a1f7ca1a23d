/** An Elasticsearch that a test has in its hands: it keeps what it is sent and answers as it is told. */

import { createServer } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { listen } from './otlp-servers.ts'

/** Whatever JSON has. */
type Json = ReturnType<typeof JSON.parse>

export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Lines of the body, parsed: pairs of action and document for bulk requests. */
  readonly lines: readonly Json[]
  readonly byteLength: number
  /** The body as it came. */
  readonly raw: Buffer
  /** Of the connection, on the other side. */
  readonly remotePort: number
}

export interface FakeAnswer {
  readonly status: number
  readonly body: Json
  readonly headers?: Readonly<Record<string, string>>
}

/** What becomes of one document: a status, and Elasticsearch's error when it is none of 2xx. */
export interface FakeItem {
  readonly status: number
  readonly error?: { readonly type: string; readonly reason: string; readonly caused_by?: Json }
}

export class FakeElasticsearch {
  readonly requests: FakeRequest[] = []
  /** What it says to a whole request; undefined leaves it to `item`. */
  answer: (request: FakeRequest) => FakeAnswer | undefined = () => undefined
  item: (document: Json, action: Json) => FakeItem = () => ({ status: 201 })
  /** It reads, and never answers. */
  hangs = false
  url = ''
  close: () => Promise<void> = async () => {}

  /** With `tls` it speaks HTTPS. */
  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<FakeElasticsearch> {
    const fake = new FakeElasticsearch()
    const { port, close } = await listen(
      async (request, response) => {
        const parts: Buffer[] = []
        for await (const part of request) parts.push(part as Buffer)
        const raw = Buffer.concat(parts)
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
        const lines = body.toString().split('\n').filter(Boolean)
        const asked: FakeRequest = {
          method: request.method!,
          path: request.url!,
          headers: request.headers,
          lines: lines.map(line => JSON.parse(line)),
          byteLength: body.length,
          raw,
          remotePort: request.socket.remotePort!,
        }
        fake.requests.push(asked)
        if (fake.hangs) return
        const { status, body: said, headers } = fake.answer(asked) ?? fake.#usual(asked)
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(typeof said === 'string' ? said : JSON.stringify(said))
      },
      tls && (listener => createServer(tls, listener)),
    )
    fake.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
    fake.close = close
    return fake
  }

  #usual(request: FakeRequest): FakeAnswer {
    const { path, lines } = request
    if (path === '/') return { status: 200, body: { version: { number: '8.19.21' } } }
    if (!path.startsWith('/_bulk')) return { status: 200, body: { acknowledged: true } }
    const items: Json[] = []
    for (let i = 0; i < lines.length; i += 2) {
      const [op] = Object.keys(lines[i])
      items.push({ [op!]: this.item(lines[i + 1], lines[i]) })
    }
    const errors = items.some(item => (Object.values(item)[0] as FakeItem).status >= 300)
    return { status: 200, body: { errors, items } }
  }

  get bulks(): FakeRequest[] {
    return this.requests.filter(({ path }) => path.startsWith('/_bulk'))
  }

  get templates(): FakeRequest[] {
    return this.requests.filter(({ method }) => method === 'PUT')
  }

  /** Every document of spans that was sent, in order, each as often as it was. */
  get spans(): Json[] {
    return this.bulks.flatMap(({ lines }) => lines.filter(line => line.traceID !== undefined))
  }

  get services(): Json[] {
    return this.bulks.flatMap(({ lines }) =>
      lines.filter(line => line.operationName !== undefined && line.traceID === undefined),
    )
  }
}
