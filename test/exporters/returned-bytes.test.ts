/** Exporters that promise to be done with a batch's bytes once `send` has settled (Exporter.returnsBytes). */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import type { ExporterFactory } from '../../core/component/contract.ts'
import { sendingChain } from '../../core/component/sending.ts'
import { requestToJsonBytes } from '../../core/otlp/json.ts'
import { type ContentEncoding, decompress } from '../../core/transport/decompress.ts'
import { factory as file } from '../../exporters/file/index.ts'
import { factory as grpc } from '../../exporters/otlp-grpc.ts'
import { factory as http } from '../../exporters/otlp-http.ts'
import { emptyFolder, until } from '../kit/files.ts'
import { realisticTraces } from '../kit/generate.ts'
import { lendTo, spoilWhatIsGivenBack } from '../kit/lending.ts'
import { grpcServer, httpServer } from '../kit/otlp-servers.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'
import { sendingConfig } from '../kit/sending.ts'

const LIMIT = 64 * 1024 * 1024
/** Small ones are compressed at once, large ones by a thread. */
const REQUESTS = [3, 400, 20, 600, 5, 500].map((spans, i) => realisticTraces(spans, i + 1))

const hashes = (all: readonly Uint8Array[]): string[] =>
  all.map(one => Buffer.from(one).toString('base64')).sort()

/** Sends the requests, each lent until it was sent; `arrived` is how many the other side has. */
async function send(factory: ExporterFactory<never>, config: object, arrived: () => number): Promise<void> {
  const settings = testSettings('exporter', factory.type)
  const exporter = factory.create(readConfig(factory.config, config) as never, settings, ['traces'])
  const retry = { initial_interval: 10, max_interval: 10 }
  const chain = sendingChain(exporter, sendingConfig({ retry }), settings)
  await chain.start()
  for (const bytes of REQUESTS) await lendTo(chain, batchOf('traces', [bytes], 1))
  await until(() => arrived() >= REQUESTS.length)
  await chain.stop(performance.now() + 10_000)
}

for (const [compression, encoding] of [
  ['gzip', 'gzip'],
  ['zlib', 'zlib'],
  ['zstd', 'zstd'],
  ['snappy', 'snappy'],
  ['x-snappy-framed', 'x-snappy-framed'],
  ['lz4', 'lz4'],
  ['none', ''],
] as const) {
  // Scenario: requests that end as soon as they may go to a server that refuses the first and takes the rest.
  // Guarantees: the server sees what was sent. Compressed, all of it has ended; as it is, none, for the socket may read on.
  test(`otlp_http, ${compression}`, async t => {
    const spoiled = spoilWhatIsGivenBack(t)
    let refusals = 1
    const taken: Uint8Array[] = []
    const server = await httpServer((response, { body }) => {
      if (refusals-- > 0) response.writeHead(503).end()
      else {
        taken.push(body)
        response.writeHead(200).end()
      }
    })
    await send(http as never, { endpoint: server.endpoint, compression }, () => taken.length)
    await server.close()
    const plain = await Promise.all(taken.map(body => decompress(body, encoding as ContentEncoding, LIMIT)))
    assert.deepEqual(hashes(plain), hashes(REQUESTS))
    assert.equal(spoiled.buffers, compression === 'none' ? 0 : REQUESTS.length)
  })
}

for (const [compression, client] of [
  ['gzip', 'http2'],
  ['zstd', 'http2'],
  ['none', 'http2'],
  ['gzip', 'grpc-js'],
] as const) {
  // Scenario: the same over gRPC.
  // Guarantees: the same; of grpc-js nobody knows when it compresses.
  test(`otlp_grpc, ${compression}, ${client}`, async t => {
    const spoiled = spoilWhatIsGivenBack(t)
    const server = await grpcServer()
    const config = { endpoint: server.endpoint, tls: { insecure: true }, compression, client }
    const known = compression !== 'zstd'
    await send(grpc as never, config, () => (known ? server.received.length : REQUESTS.length))
    await server.close()
    if (known) assert.deepEqual(hashes(server.received.map(({ body }) => body)), hashes(REQUESTS))
    assert.equal(spoiled.buffers, client === 'http2' && compression !== 'none' ? REQUESTS.length : 0)
  })
}

for (const format of ['json', 'proto'] as const) {
  // Scenario: the same into a file.
  // Guarantees: the file has what was sent, and all of it has ended.
  test(`file, ${format}`, async t => {
    const spoiled = spoilWhatIsGivenBack(t)
    const path = join(emptyFolder(t), 'out')
    await send(file as never, { path, format }, () => REQUESTS.length)
    const written = readFileSync(path)
    if (format === 'json') {
      const lines = written.toString().trimEnd().split('\n')
      const texts = REQUESTS.map(bytes => requestToJsonBytes(bytes, 'traces'))
      assert.deepEqual(lines.sort(), texts.map(text => Buffer.from(text).toString()).sort())
    } else {
      const messages: Uint8Array[] = []
      for (let at = 0; at < written.length; at += 4 + written.readUInt32BE(at))
        messages.push(written.subarray(at + 4, at + 4 + written.readUInt32BE(at)))
      assert.deepEqual(hashes(messages), hashes(REQUESTS))
    }
    assert.equal(spoiled.buffers, REQUESTS.length)
  })
}
