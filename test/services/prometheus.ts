/**
 * The real Prometheus and its promtool: what scrapes our pages and judges them. $SLUICE_PROMETHEUS and $SLUICE_PROMTOOL,
 * paths, else the official image where Docker is (docker.ts), else built from Go modules.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { commandIn, runContainer, wayOf } from './docker.ts'
import { freePort } from './ports.ts'
import { complete, eventually, type Running, run } from './process.ts'
import { programFromEnvironment } from './service.ts'

const VERSION = '3.16.0'
const pinned = fileURLToPath(new URL('prometheus/', import.meta.url))
const FILES = ['go.mod', 'go.sum']

type Program = 'prometheus' | 'promtool'

/** What to put before the arguments of one of the two programs. Throws when it cannot be had. */
export async function prometheusProgram(name: Program): Promise<readonly string[]> {
  return (await inContainer(name)) ? commandIn('prometheus', `/bin/${name}`) : [await localProgram(name)]
}

const variable = (name: Program) => `SLUICE_${name.toUpperCase()}`

async function inContainer(name: Program): Promise<boolean> {
  return programFromEnvironment(variable(name)) === undefined && (await wayOf('prometheus')) === 'docker'
}

/** Its path; builds it the first time. Throws when there is no Go to build it with. */
async function localProgram(name: Program): Promise<string> {
  const given = programFromEnvironment(variable(name))
  if (given !== undefined) return given
  const folder = await cached({
    what: name,
    takes: name === 'prometheus' ? 'about 10 minutes of two cores' : 'some minutes of two cores',
    name: 'prometheus',
    service: name,
    pinnedBy: FILES.map(file => pinned + file),
    proof: name,
    make: place => build(name, place),
  })
  return join(folder, name)
}

/** No service discovery and no pages of its own: nothing here uses them, and they are most of the build. */
async function build(name: Program, place: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'))
  try {
    for (const file of FILES) copyFileSync(pinned + file, join(folder, file))
    const flags = ['-mod=mod', '-trimpath', '-tags', 'netgo,remove_all_sd']
    const version = `-s -w -X github.com/prometheus/common/version.Version=${VERSION}`
    const source = `github.com/prometheus/prometheus/cmd/${name}`
    const build = ['build', ...flags, `-ldflags=${version}`, '-o', join(place, name), source]
    await complete('go', build, { cwd: folder, env: { CGO_ENABLED: '0', GOFLAGS: '' } })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What `promtool check metrics` says of a page; '' when it has nothing to say. Throws when it cannot be read. */
export function checkMetrics([promtool, ...args]: readonly string[], page: string): string {
  const { status, stdout, stderr } = spawnSync(promtool!, [...args, 'check', 'metrics'], { input: page })
  // 3: it could be read, and there is advice.
  if (status !== 0 && status !== 3) throw new Error(`promtool ended with ${status}: ${stderr}`)
  return `${stdout}${stderr}`
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  /** Its value as text, or a native histogram as the API tells it. */
  readonly value?: readonly [time: number, value: string]
  readonly histogram?: readonly [time: number, histogram: { count: string; sum: string; buckets?: unknown }]
}

export interface Prometheus {
  readonly running: Running
  /** `host:port`. */
  readonly address: string
  /** An instant query. */
  query(promql: string): Promise<Sample[]>
  /** Any path below /api/v1, its `data`. */
  api(path: string): Promise<unknown>
  stop(): Promise<void>
}

function argumentsOf(config: string, data: string, address: string, flags: readonly string[]): string[] {
  return [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${address}`,
    ...flags,
  ]
}

/** Starts one with this config, its data in a folder of its own; resolves when it answers queries. */
export async function startPrometheus(yaml: string, flags: readonly string[] = []): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-prometheus-data-'))
  const address = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'prometheus.yml')
  writeFileSync(config, yaml)
  const running = (await inContainer('prometheus'))
    ? await runContainer({
        image: 'prometheus',
        word: 'prometheus',
        args: argumentsOf('/etc/prometheus/prometheus.yml', '/prometheus', address, flags),
        files: { '/etc/prometheus/prometheus.yml': config },
      })
    : run(await localProgram('prometheus'), argumentsOf(config, join(folder, 'data'), address, flags))
  const api = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://${address}/api/v1/${path}`)
    const said = (await answer.json()) as { status: string; data: unknown; error?: string }
    if (said.status !== 'success') throw new Error(`${path}: ${said.error}`)
    return said.data
  }
  try {
    await running.printed(/Server is ready to receive web requests/, 60_000)
    await eventually(() => api('status/buildinfo'), 'an answer of Prometheus')
  } catch (error) {
    await running.stop('SIGKILL')
    throw error
  }
  return {
    running,
    address,
    api,
    query: async promql => {
      const { result } = (await api(`query?query=${encodeURIComponent(promql)}`)) as { result: Sample[] }
      return result
    },
    async stop() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
