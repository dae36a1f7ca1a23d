/** The real OpenTelemetry Collector, built from Go modules: what Sluice is compared with and talks to. */

import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.ts'
import { complete, type Running, run } from './process.ts'

const VERSION = 'v0.155.0'
const pinned = fileURLToPath(new URL('otelcol/', import.meta.url))

/** Where the program is, or will be once it is built. */
function programPath(): string {
  const files = ['builder.yaml', 'go.mod', 'go.sum'].map(name => pinned + name)
  return process.env['SLUICE_OTELCOL'] ?? join(cacheFolder('otelcol', files), 'otelcol')
}

/** Path of the program when it is there already: a benchmark does not wait for a build. */
export function builtCollector(): string | undefined {
  const program = programPath()
  return existsSync(program) ? program : undefined
}

/** Path of the program; builds it the first time. Throws when there is no Go to build it with. */
export async function collectorProgram(): Promise<string> {
  const program = programPath()
  // A program of the user's own is never built over.
  if (!existsSync(program) && process.env['SLUICE_OTELCOL'] === undefined) await build(program)
  return program
}

/** The Collector's own builder writes main.go from builder.yaml; versions are pinned by our go.mod and go.sum. */
async function build(program: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-otelcol-'))
  const env = { CGO_ENABLED: '0', GOFLAGS: '', GOBIN: folder }
  try {
    await complete('go', ['install', `go.opentelemetry.io/collector/cmd/builder@${VERSION}`], { env })
    copyFileSync(`${pinned}builder.yaml`, join(folder, 'builder.yaml'))
    const generate = ['--config=builder.yaml', '--skip-get-modules', '--skip-compilation']
    await complete(join(folder, 'builder'), generate, { cwd: folder, env })
    for (const name of ['go.mod', 'go.sum']) copyFileSync(pinned + name, join(folder, 'src', name))
    const flags = ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', `${program}.part`, '.']
    await complete('go', flags, { cwd: join(folder, 'src'), env })
    renameSync(`${program}.part`, program)
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
