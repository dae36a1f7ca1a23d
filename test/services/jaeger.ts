/**
 * Jaeger 1.76.0, the binary that is also called v2: it writes and reads Elasticsearch. $SLUICE_JAEGER, a path, else the
 * official image where Docker is (docker.ts), else built from Go modules, without the pages for people.
 */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cached, cached } from './cache.ts'
import { runContainer, wayOf } from './docker.ts'
import { IMAGES } from './images.ts'
import { freePort } from './ports.ts'
import { complete, eventually, type Running, run } from './process.ts'
import { programFromEnvironment } from './service.ts'

const source = fileURLToPath(new URL('jaeger/', import.meta.url))

const JAEGER: Cached = {
  what: 'Jaeger',
  takes: 'some minutes of two cores',
  name: 'jaeger',
  pinnedBy: ['go.mod', 'go.sum'].map(name => source + name),
  proof: 'jaeger',
  make: build,
}

/** What runs it, the path of a program or the name of an image. Throws when it cannot be had. */
export async function jaegerProgram(): Promise<string> {
  return (await inContainer()) ? IMAGES.jaeger.name : localJaeger()
}

async function inContainer(): Promise<boolean> {
  return programFromEnvironment('SLUICE_JAEGER') === undefined && (await wayOf('jaeger')) === 'docker'
}

/** Starts it with a config given as text: it shares the network of this machine. */
export async function runJaeger(config: string): Promise<Running> {
  const args = ['--config', `yaml:${config}`]
  if (await inContainer()) return runContainer({ image: 'jaeger', word: 'jaeger', args })
  return run(await localJaeger(), args)
}

/** Path of the program; builds it the first time. Throws when there is no Go to build it with. */
export async function localJaeger(): Promise<string> {
  return programFromEnvironment('SLUICE_JAEGER') ?? join(await cached(JAEGER), 'jaeger')
}

async function build(folder: string): Promise<void> {
  const main = 'github.com/jaegertracing/jaeger/cmd/jaeger'
  const flags = ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'jaeger'), main]
  await complete('go', flags, { cwd: source, env: { CGO_ENABLED: '0', GOFLAGS: '' } })
}

/** Its writer and its query service, over the indices that begin with `prefix`. */
export interface Jaeger extends Running {
  /** `host:port` of OTLP over HTTP. */
  readonly otlp: string
  /** Of the query API. */
  readonly query: string
}

/** `more`: further keys of the backend. */
export async function startJaeger(
  elasticsearch: string,
  prefix: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Jaeger> {
  const [otlp, http, grpc] = [await freePort(), await freePort(), await freePort()]
  const one = { shards: 1, replicas: 0 }
  const backend = {
    server_urls: [elasticsearch],
    version: 8,
    disable_health_check: true,
    indices: { index_prefix: prefix, spans: one, services: one },
    ...more,
  }
  const config = `
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
  telemetry: {metrics: {level: none}}
extensions:
  jaeger_query:
    storage: {traces: es}
    http: {endpoint: 127.0.0.1:${http}}
    grpc: {endpoint: 127.0.0.1:${grpc}}
  jaeger_storage:
    backends:
      es:
        elasticsearch: ${JSON.stringify(backend)}
receivers:
  otlp: {protocols: {http: {endpoint: 127.0.0.1:${otlp}}}}
exporters: {jaeger_storage_exporter: {trace_storage: es}}
`
  const running = await runJaeger(config)
  const query = `http://127.0.0.1:${http}`
  await eventually(
    async () => (await fetch(`${query}/api/services`)).ok || undefined,
    'an answer of Jaeger',
    60_000,
  )
  return { ...running, otlp: `127.0.0.1:${otlp}`, query }
}

/** Its query service alone, whose Monitor page asks the Prometheus at `host:port`; `more` are keys of that backend. */
export async function startJaegerMonitor(
  prometheus: string,
  more: string,
): Promise<Running & { readonly query: string }> {
  const [http, grpc] = [await freePort(), await freePort()]
  const config = `
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines: {traces: {receivers: [nop], exporters: [nop]}}
  telemetry: {metrics: {level: none}}
extensions:
  jaeger_query:
    storage: {traces: some, metrics: prometheus}
    http: {endpoint: 127.0.0.1:${http}}
    grpc: {endpoint: 127.0.0.1:${grpc}}
  jaeger_storage:
    backends: {some: {memory: {max_traces: 10}}}
    metric_backends: {prometheus: {prometheus: {endpoint: "http://${prometheus}", ${more}}}}
receivers: {nop: }
exporters: {nop: }
`
  const running = await runJaeger(config)
  const query = `http://127.0.0.1:${http}`
  await eventually(
    async () => (await fetch(`${query}/api/services`)).ok || undefined,
    'an answer of Jaeger',
    60_000,
  )
  return { ...running, query }
}
