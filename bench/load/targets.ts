/** What load is put on: the gateway, its peers where they are to be had, and sinks that only receive. */

import { fileURLToPath } from 'node:url'
import { builtCollector } from '../../test/services/collector.ts'
import { fetchedRotel } from '../../test/services/rotel.ts'
import { OURS } from '../ours.ts'
import type { Door, Pipeline } from './cases.ts'

/** The ports of one server, all on 127.0.0.1. */
export interface Ports {
  readonly http: number
  readonly grpc: number
  readonly metrics: number
  /** Where an exporter sends to, and where Rotel reports to. Others listen there. */
  readonly outlet: number
  readonly telemetry: number
}

/**
 * How a server says what arrived: `metrics`: the counters of its own metrics page; `signal`: a line on SIGUSR2;
 * `telemetry`: metrics over OTLP, at its end at the latest.
 */
export type Counting = 'metrics' | 'signal' | 'telemetry'

export interface Target {
  readonly name: string
  readonly doors: readonly Door[]
  readonly command: readonly string[]
  readonly env: (ports: Ports) => Readonly<Record<string, string>>
  readonly counts: Counting
}

export const SLUICE = 'sluice'
export const COLLECTOR = 'otelcol'
export const ROTEL = 'rotel'

/** Each door's ratios are against this sink: the library the gateway itself stands on. */
export const BARE: Readonly<Record<Door, string>> = { http: 'bare fastify', grpc: 'bare node:http2' }

export const TARGET_NAMES = [
  SLUICE,
  COLLECTOR,
  ROTEL,
  'bare node:http',
  'bare fastify',
  'bare node:http2',
  'bare grpc-js',
]

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

function sink(name: string, file: string, door: Door): Target {
  return {
    name: `bare ${name}`,
    doors: [door],
    command: [process.execPath, here(`sinks/${file}.ts`)],
    env: ports => ({ BENCH_PORT: String(ports[door]) }),
    counts: 'signal',
  }
}

/** Takes what a gateway exports; not measured. It listens on the gateway's `outlet`. */
export const OUTLET: Target = {
  name: 'outlet',
  doors: [],
  command: [process.execPath, here('sinks/outlet.ts')],
  env: ({ outlet }) => ({ BENCH_PORT: String(outlet) }),
  counts: 'signal',
}

/** The same YAML for both. */
function gateway(name: string, command: readonly string[], pipeline: Pipeline): Target {
  return {
    name,
    doors: ['http', 'grpc'],
    command: [...command, '--config', here(`${pipeline}.yaml`)],
    env: ports => ({
      BENCH_HTTP_PORT: String(ports.http),
      BENCH_GRPC_PORT: String(ports.grpc),
      BENCH_METRICS_PORT: String(ports.metrics),
      BENCH_OUTLET_PORT: String(ports.outlet),
    }),
    counts: 'metrics',
  }
}

/**
 * Rotel reads no YAML; these are the same settings. Its defaults batch as ours do: 8192 spans, 200 ms. It has no
 * memory limiter. `self` is where its own metrics go, as the others have a page of them.
 */
function rotel(program: string, pipeline: 'nop' | 'export'): Target {
  return {
    name: ROTEL,
    doors: ['http', 'grpc'],
    command: [program, 'start'],
    env: ({ http, grpc, telemetry, outlet }) => ({
      ROTEL_OTLP_HTTP_ENDPOINT: `127.0.0.1:${http}`,
      ROTEL_OTLP_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
      ROTEL_OTLP_GRPC_MAX_RECV_MSG_SIZE_MIB: '64',
      ROTEL_ENABLE_INTERNAL_TELEMETRY: 'true',
      ROTEL_EXPORTERS: `out:${pipeline === 'nop' ? 'blackhole' : 'otlp'},self:otlp`,
      ROTEL_EXPORTERS_TRACES: 'out',
      ROTEL_EXPORTERS_LOGS: 'out',
      ROTEL_EXPORTERS_METRICS: 'self',
      ROTEL_EXPORTER_SELF_ENDPOINT: `http://127.0.0.1:${telemetry}`,
      ROTEL_EXPORTER_SELF_PROTOCOL: 'http',
      ...(pipeline === 'export'
        ? {
            ROTEL_EXPORTER_OUT_ENDPOINT: `http://127.0.0.1:${outlet}`,
            ROTEL_EXPORTER_OUT_PROTOCOL: 'http',
            ROTEL_EXPORTER_OUT_COMPRESSION: 'none',
            // The Collector's; its own are 5 s, within which a busy machine does not always answer.
            ROTEL_EXPORTER_OUT_REQUEST_TIMEOUT: '{secs=30,nanos=0}',
          }
        : {}),
    }),
    counts: 'telemetry',
  }
}

/** Everybody who can do what the pipeline does, as far as it is installed. */
export function targets(pipeline: Pipeline): Target[] {
  const all = [gateway(SLUICE, OURS, pipeline)]
  const [collector, rotelProgram] = [builtCollector(), fetchedRotel()]
  if (collector !== undefined) all.push(gateway(COLLECTOR, [collector], pipeline))
  // Rotel samples, edits and counts with Python only, which is another thing to measure.
  if (rotelProgram !== undefined && (pipeline === 'nop' || pipeline === 'export'))
    all.push(rotel(rotelProgram, pipeline))
  if (pipeline === 'nop') all.push(sink('node:http', 'http', 'http'), sink('grpc-js', 'grpc-js', 'grpc'))
  if (pipeline !== 'export') all.push(sink('fastify', 'fastify', 'http'), sink('node:http2', 'http2', 'grpc'))
  return all
}
