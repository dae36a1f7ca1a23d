/**
 * Sends a fixed number of equal requests as fast as they are answered.
 *
 * At full load that is h2load's work, for both doors: written in C, it is faster than the servers, so that they are always
 * busy. autocannon needs more CPU for a small request than they do, so that they sleep between its requests. What being
 * woken up costs depends on the machine: on one it was most of a small request, on another nothing. It is a case of its own.
 */

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import autocannon from 'autocannon'
import { quantile } from '../stats.ts'
import type { Body, Door } from './cases.ts'

export interface Shot {
  readonly port: number
  readonly requests: number
  readonly body: Body
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

/** A shot takes seconds; a server that stopped answering ends it. */
const SHOT_MS_MAX = 180_000

export const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

function impact(errors: number, ms: number[]): Impact {
  ms.sort((a, b) => a - b)
  return { errors, p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99) }
}

export function httpHeaders({ encoding }: Body): Record<string, string> {
  return {
    'content-type': 'application/x-protobuf',
    ...(encoding === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  }
}

export function grpcHeaders({ encoding }: Body): Record<string, string> {
  return {
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(encoding === 'gzip' ? { 'grpc-encoding': 'gzip' } : {}),
  }
}

/** autocannon through its API: its command line reads the body as text and corrupts protobuf. */
export async function driveAutocannon({ port, requests, body }: Shot): Promise<Impact> {
  const ms: number[] = []
  const tracker = autocannon({
    url: `http://127.0.0.1:${port}/v1/traces`,
    method: 'POST',
    headers: httpHeaders(body),
    body: body.bytes,
    connections: Math.min(HTTP_CONNECTIONS, requests),
    amount: requests,
    timeout: 30,
    sampleInt: 50,
  })
  tracker.on('response', (_client, _status, _bytes, took) => ms.push(took))
  const { '2xx': good } = await tracker
  return impact(requests - good, ms)
}

/** gRPC's frame: a flag, the length, the message. */
export function frame({ bytes, encoding }: Body): Buffer {
  const head = Buffer.alloc(5)
  head[0] = encoding === 'gzip' ? 1 : 0
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/**
 * h2load sees HTTP statuses only, and a failed gRPC call has 200 there. That calls succeeded is seen by counting what
 * arrived, which the benchmark does after every shot.
 */
async function driveH2load(door: Door, { port, requests, body }: Shot): Promise<Impact> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    const [data, log] = [join(folder, 'body'), join(folder, 'log')]
    const http = door === 'http'
    writeFileSync(data, http ? body.bytes : frame(body))
    const load = http
      ? ['--h1', '-c', String(Math.min(HTTP_CONNECTIONS, requests))]
      : ['-c', String(GRPC_CONNECTIONS), '-m', String(GRPC_STREAMS)]
    const args = ['-n', String(requests), ...load, '-d', data, '--log-file', log]
    const headers = http ? httpHeaders(body) : grpcHeaders(body)
    for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`)
    args.push(`http://127.0.0.1:${port}${http ? '/v1/traces' : METHOD}`)
    // Killed when its time is over: nothing succeeded then, and the count of what arrived tells the rest.
    const run = promisify(execFile)('h2load', args, { timeout: SHOT_MS_MAX })
    const { stdout } = await run.catch(() => ({ stdout: '' }))
    const good = Number(/^status codes: (\d+) 2xx,/m.exec(stdout)?.[1] ?? 0)
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
    const ms = lines.map(line => Number(line.split('\t')[2]) / 1000)
    return impact(requests - good, ms)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same with node:http2, where h2load is missing. Costlier to the driver, not to the server. */
async function driveHttp2(shot: Shot): Promise<Impact> {
  const bytes = frame(shot.body)
  const ms: number[] = []
  let left = shot.requests
  let errors = 0
  const headers = { ':method': 'POST', ':path': METHOD, ...grpcHeaders(shot.body) }
  const one = async (session: ClientHttp2Session) => {
    const before = performance.now()
    if (!(await callGrpc(session, headers, bytes))) errors++
    ms.push(performance.now() - before)
  }
  const lane = async (session: ClientHttp2Session) => {
    while (left-- > 0) await one(session)
  }
  const sessions = openSessions(shot.port)
  await Promise.all(sessions.flatMap(session => Array.from({ length: GRPC_STREAMS }, () => lane(session))))
  for (const session of sessions) session.close()
  return impact(errors, ms)
}

/** A server that refuses or ends is told by the calls that fail. */
export function openSessions(port: number): ClientHttp2Session[] {
  return Array.from({ length: GRPC_CONNECTIONS }, () =>
    connect(`http://127.0.0.1:${port}`).on('error', () => {}),
  )
}

/** Whether the call ended with status OK. Never rejects. */
export function callGrpc(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  message: Buffer,
): Promise<boolean> {
  return new Promise(resolve => {
    if (session.destroyed || session.closed) return resolve(false)
    let status: unknown
    const heard = (fields: IncomingHttpHeaders): void => {
      status = fields['grpc-status'] ?? status
    }
    const stream = session.request(headers)
    stream.on('response', heard).on('trailers', heard)
    stream.on('error', () => {})
    stream.on('close', () => resolve(status === '0'))
    stream.resume().end(message)
  })
}

async function hasH2load(): Promise<boolean> {
  return promisify(execFile)('h2load', ['--version']).then(
    () => true,
    () => false,
  )
}

const H2LOAD = await hasH2load()

/** By name, for the report. */
export const DRIVERS: Readonly<Record<Door, string>> = H2LOAD
  ? { http: 'h2load', grpc: 'h2load' }
  : { http: 'autocannon', grpc: 'node:http2' }

/** At full load. */
export function drive(door: Door, shot: Shot): Promise<Impact> {
  if (H2LOAD) return driveH2load(door, shot)
  return door === 'http' ? driveAutocannon(shot) : driveHttp2(shot)
}
