/** The gateway as its users run it: a process of its own, given a config. */

import { fileURLToPath } from 'node:url'
import { freePort } from '../services/ports.ts'
import { type Running, run } from '../services/process.ts'

const main = fileURLToPath(new URL('../../gateway/start.js', import.meta.url))

export interface RunningGateway extends Running {
  readonly grpc: string
  readonly http: string
  /** Its own metrics, read from the scrape endpoint: `name{labels}` to value. */
  metrics(): Promise<Map<string, number>>
}

/** Starts `sluice` with these arguments on free ports; resolves when it says that it is ready. */
export async function startGateway(args: readonly string[], cwd?: string): Promise<RunningGateway> {
  const [grpc, http, own] = [await freePort(), await freePort(), await freePort()]
  const ports = [
    `receivers.otlp.protocols.grpc.endpoint=127.0.0.1:${grpc}`,
    `receivers.otlp.protocols.http.endpoint=127.0.0.1:${http}`,
    `service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: ${own}}}}}]`,
  ].flatMap(set => ['--set', set])
  const running = run(process.execPath, [main, ...args, ...ports], cwd === undefined ? {} : { cwd })
  await running.printed(/Everything is ready/)
  return {
    ...running,
    grpc: `127.0.0.1:${grpc}`,
    http: `127.0.0.1:${http}`,
    async metrics() {
      const page = await (await fetch(`http://127.0.0.1:${own}/metrics`)).text()
      const lines = page.split('\n').filter(line => line !== '' && !line.startsWith('#'))
      return new Map(
        lines.map(line => {
          const space = line.lastIndexOf(' ')
          return [line.slice(0, space), Number(line.slice(space + 1))]
        }),
      )
    },
  }
}

/** Every `sluice_ledger_imbalance` sample, which must all be 0 when nothing is in flight. */
export function imbalances(metrics: ReadonlyMap<string, number>): [string, number][] {
  return [...metrics].filter(([name, value]) => name.startsWith('sluice_ledger_imbalance') && value !== 0)
}
