/** Sends a fixed number of equal requests as fast as they are answered: autocannon for HTTP, h2load for gRPC. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import autocannon from 'autocannon'
import { quantile } from '../micro/harness.ts'
import type { Door } from './targets.ts'

export interface Shot {
  readonly port: number
  readonly requests: number
  /** The OTLP request, gzipped when `gzip`. */
  readonly body: Buffer
  readonly gzip: boolean
}

export interface Impact {
  /** Requests that were not answered with success. */
  readonly errors: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** In flight at once: as many as a busy gateway's SDKs keep, few enough that the queue is not all that is measured. */
const HTTP_CONNECTIONS = 16
const GRPC_CONNECTIONS = 4
const GRPC_STREAMS = 4

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

function impact(errors: number, ms: number[]): Impact {
  ms.sort((a, b) => a - b)
  return { errors, p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99) }
}

/** autocannon through its API: its command line reads the body as text and corrupts protobuf. */
async function driveHttp({ port, requests, body, gzip }: Shot): Promise<Impact> {
  const ms: number[] = []
  const tracker = autocannon({
    url: `http://127.0.0.1:${port}/v1/traces`,
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...(gzip ? { 'content-encoding': 'gzip' } : {}) },
    body,
    connections: Math.min(HTTP_CONNECTIONS, requests),
    amount: requests,
    timeout: 30,
  })
  tracker.on('response', (_client, _status, _bytes, took) => ms.push(took))
  const { errors, timeouts, non2xx } = await tracker
  return impact(errors + timeouts + non2xx + (requests - ms.length), ms)
}

/** gRPC's frame: a flag, the length, the message. */
function frame({ body, gzip }: Shot): Buffer {
  const head = Buffer.alloc(5)
  head[0] = gzip ? 1 : 0
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/**
 * h2load sees HTTP statuses only, and a failed call has 200 there. That calls succeeded is seen by counting what
 * arrived, which the benchmark does after every shot.
 */
async function driveH2load(shot: Shot): Promise<Impact> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    const [data, log] = [join(folder, 'body'), join(folder, 'log')]
    writeFileSync(data, frame(shot))
    const args = ['-n', String(shot.requests), '-c', String(GRPC_CONNECTIONS), '-m', String(GRPC_STREAMS)]
    args.push('-d', data, '--log-file', log, '-H', 'content-type: application/grpc', '-H', 'te: trailers')
    if (shot.gzip) args.push('-H', 'grpc-encoding: gzip')
    const { stdout } = await promisify(execFile)('h2load', [
      ...args,
      `http://127.0.0.1:${shot.port}${METHOD}`,
    ])
    const good = Number(/, (\d+) succeeded,/.exec(stdout)?.[1] ?? 0)
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    const ms = lines.map(line => Number(line.split('\t')[2]) / 1000)
    return impact(shot.requests - good, ms)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same with node:http2, where h2load is missing. Costlier to the driver, not to the server. */
async function driveHttp2(shot: Shot): Promise<Impact> {
  const bytes = frame(shot)
  const ms: number[] = []
  let left = shot.requests
  let errors = 0
  const headers = {
    ':method': 'POST',
    ':path': METHOD,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(shot.gzip ? { 'grpc-encoding': 'gzip' } : {}),
  }
  const one = (session: ReturnType<typeof connect>) =>
    new Promise<void>(resolve => {
      const before = performance.now()
      let status = ''
      const stream = session.request(headers)
      stream.on('trailers', trailers => {
        status = String(trailers['grpc-status'])
      })
      stream.on('error', () => {})
      stream.on('close', () => {
        ms.push(performance.now() - before)
        if (status !== '0') errors++
        resolve()
      })
      stream.resume().end(bytes)
    })
  const lane = async (session: ReturnType<typeof connect>) => {
    while (left-- > 0) await one(session)
  }
  const sessions = Array.from({ length: GRPC_CONNECTIONS }, () => connect(`http://127.0.0.1:${shot.port}`))
  await Promise.all(sessions.flatMap(session => Array.from({ length: GRPC_STREAMS }, () => lane(session))))
  for (const session of sessions) session.close()
  return impact(errors, ms)
}

async function hasH2load(): Promise<boolean> {
  return promisify(execFile)('h2load', ['--version']).then(
    () => true,
    () => false,
  )
}

export const GRPC_DRIVER = (await hasH2load()) ? 'h2load' : 'node:http2'

export function drive(door: Door, shot: Shot): Promise<Impact> {
  if (door === 'http') return driveHttp(shot)
  return GRPC_DRIVER === 'h2load' ? driveH2load(shot) : driveHttp2(shot)
}
