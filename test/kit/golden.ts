/** The golden set: requests captured from real clients, see test/golden/INDEX.md. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'

export interface GoldenRequest {
  /** `python/traces-grpc-001` */
  readonly name: string
  readonly signal: Signal
  readonly transport: 'grpc' | 'http'
  readonly gzip: boolean
  /** The body as it was sent: a gRPC message without its prefix, or an HTTP body; gzipped when `gzip`. */
  readonly body: Uint8Array
  /** The request, not compressed. */
  readonly plain: Uint8Array
  /** What was captured beside it: path, headers, sizes, `expect` counts. */
  readonly about: Record<string, unknown>
}

const folder = fileURLToPath(new URL('../golden/', import.meta.url))

export function goldenRequests(): GoldenRequest[] {
  const found: GoldenRequest[] = []
  for (const language of ['python', 'java']) {
    for (const file of readdirSync(folder + language).sort()) {
      if (!file.endsWith('.bin')) continue
      const name = `${language}/${file.slice(0, -4)}`
      const signal = SIGNALS.find(one => file.startsWith(one))!
      const body = readFileSync(`${folder}${name}.bin`)
      const gzip = file.includes('gzip')
      found.push({
        name,
        signal,
        transport: file.includes('-grpc') ? 'grpc' : 'http',
        gzip,
        body,
        plain: gzip ? gunzipSync(body) : body,
        about: JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')),
      })
    }
  }
  return found
}
