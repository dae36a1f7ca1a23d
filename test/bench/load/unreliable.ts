/**
 * A gateway as the benchmark starts them, that fails in one way: `node unreliable.ts MODE`. It counts like a bare sink.
 * good; dies: ends in the middle; deaf: does not listen; refuses: answers every tenth with 503; loses: answers and does
 * not count every tenth; hoards: does not send on the last request; forwards: sends on all, to the outlet.
 */

import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { arrived, listening, PORT } from '../../../bench/load/sinks/report.ts'

const mode = process.argv[2]
const outlet = Number(process.env['BENCH_OUTLET_PORT'] ?? 0)
let nth = 0

async function sendOn(body: Buffer): Promise<void> {
  if (outlet === 0) return
  if (mode === 'hoards' && nth % 20 === 0) return
  await fetch(`http://127.0.0.1:${outlet}/v1/traces`, { method: 'POST', body: new Uint8Array(body) })
}

const server = createServer(async (request, response) => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const sent = Buffer.concat(parts)
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
  nth++
  if (mode === 'dies' && nth > 150) {
    console.error('out of memory, as it were')
    process.exit(3)
  }
  const refused = mode === 'refuses' && nth % 10 === 0
  if (!refused && !(mode === 'loses' && nth % 10 === 0)) arrived(body.length)
  await sendOn(body)
  response.writeHead(refused ? 503 : 200).end()
})

if (mode === 'deaf') {
  console.error('no config, as it were')
  process.exit(4)
}
server.listen(PORT, '127.0.0.1', listening)
