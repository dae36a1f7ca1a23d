/** What load is put on: the gateway, the Collector when there is one, and sinks that only receive. */

import { fileURLToPath } from 'node:url'
import { builtCollector } from '../../test/services/collector.ts'

export type Door = 'http' | 'grpc'

export interface Target {
  readonly name: string
  readonly doors: readonly Door[]
  readonly command: readonly string[]
  /** How it says what arrived: its own metrics, or a line on SIGUSR2. */
  readonly counts: 'metrics' | 'signal'
}

/** Each door's ratios are against this sink: the library the gateway itself stands on. */
export const BASELINE: Readonly<Record<Door, string>> = { http: 'bare fastify', grpc: 'bare node:http2' }

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

function sink(name: string, file: string, door: Door): Target {
  return {
    name: `bare ${name}`,
    doors: [door],
    command: [process.execPath, here(`sinks/${file}.ts`)],
    counts: 'signal',
  }
}

export function targets(): Target[] {
  const config = here('nop.yaml')
  const all: Target[] = [
    {
      name: 'sluice',
      doors: ['http', 'grpc'],
      command: [
        process.execPath,
        '--max-semi-space-size=4',
        here('../../gateway/start.js'),
        '--config',
        config,
      ],
      counts: 'metrics',
    },
    sink('node:http', 'http', 'http'),
    sink('fastify', 'fastify', 'http'),
    sink('node:http2', 'http2', 'grpc'),
    sink('grpc-js', 'grpc-js', 'grpc'),
  ]
  const collector = builtCollector()
  if (collector !== undefined) {
    all.push({
      name: 'otelcol',
      doors: ['http', 'grpc'],
      command: [collector, '--config', config],
      counts: 'metrics',
    })
  }
  return all
}
