/** The real OpenTelemetry Collector, built from Go modules: what Sluice is compared with and talks to. */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cached, cached, fromCache } from './cache.ts'
import { complete, type Running, run } from './process.ts'
import { programFromEnvironment } from './service.ts'

const VERSION = 'v0.155.0'
const pinned = fileURLToPath(new URL('otelcol/', import.meta.url))

const COLLECTOR: Cached = {
  what: 'the OpenTelemetry Collector',
  takes: 'about 7 minutes of two cores',
  name: 'otelcol',
  service: 'collector',
  pinnedBy: ['builder.yaml', 'go.mod', 'go.sum'].map(name => pinned + name),
  proof: 'otelcol',
  make: build,
}

/** Path of the program when it is there already: a benchmark does not wait for a build. */
export function builtCollector(): string | undefined {
  const given = programFromEnvironment('SLUICE_OTELCOL')
  if (given !== undefined) return given
  const folder = fromCache(COLLECTOR)
  return folder && join(folder, 'otelcol')
}

/** Path of the program; builds it the first time. Throws when there is no Go to build it with. */
export async function collectorProgram(): Promise<string> {
  return programFromEnvironment('SLUICE_OTELCOL') ?? join(await cached(COLLECTOR), 'otelcol')
}

/** The Collector's own builder writes main.go from builder.yaml; versions are pinned by our go.mod and go.sum. */
async function build(place: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-otelcol-'))
  const env = { CGO_ENABLED: '0', GOFLAGS: '', GOBIN: folder }
  try {
    await complete('go', ['install', `go.opentelemetry.io/collector/cmd/builder@${VERSION}`], { env })
    copyFileSync(`${pinned}builder.yaml`, join(folder, 'builder.yaml'))
    const generate = ['--config=builder.yaml', '--skip-get-modules', '--skip-compilation']
    await complete(join(folder, 'builder'), generate, { cwd: folder, env })
    for (const name of ['go.mod', 'go.sum']) copyFileSync(pinned + name, join(folder, 'src', name))
    const flags = ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', join(place, 'otelcol'), '.']
    await complete('go', flags, { cwd: join(folder, 'src'), env })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts it with a config given as text; resolves when it says that it is ready. */
export async function startCollector(yaml: string, flags: readonly string[] = []): Promise<Running> {
  const running = run(await collectorProgram(), ['--config', `yaml:${yaml}`, ...flags])
  await running.printed(/Everything is ready/)
  return running
}
