/** Numbered spans through a gateway: senders that go on until they are told, and a server that knows what came. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { batchOf } from '../../core/component/batch.ts'
import { NO_META } from '../../core/component/meta.ts'
import { numbered, numbersOf } from './numbered.ts'

/** Of each request. */
export const SPANS = 25

/** An OTLP server that keeps the numbers of the spans that came to each path. */
export async function startServer(t: TestContext) {
  const received = new Map<string, number[]>()
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = gunzipSync(Buffer.concat(chunks))
    const [, path] = incoming.url!.split('/')
    const numbers = received.get(path!) ?? []
    received.set(path!, numbers)
    for (const number of numbersOf(batchOf('traces', [body], 0, NO_META))) numbers.push(number)
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(), 5)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Senders that go on until `stop`, and the numbers of what was acknowledged. */
export function startSenders(senders: readonly ((body: Uint8Array) => Promise<void>)[]) {
  const acknowledged: number[] = []
  let next = 1
  let stopping = false
  const run = async (send: (body: Uint8Array) => Promise<void>): Promise<void> => {
    while (!stopping) {
      const first = next
      next += SPANS
      await send(numbered('traces', first, SPANS).chunks[0]!)
      for (let i = 0; i < SPANS; i++) acknowledged.push(first + i)
    }
  }
  const all = Promise.all(senders.map(run))
  // Looked at when it is awaited; until then a failure is no unhandled one.
  all.catch(() => {})
  return {
    acknowledged,
    failed: all.then(() => new Promise<never>(() => {})),
    async stop() {
      stopping = true
      await all
    },
  }
}
