/**
 * Rotel, the telemetry gateway in Rust: a peer in benchmarks. Its program comes inside a wheel from PyPI, for Linux on
 * x86_64 only, and needs libpython3.11 (Debian: `libpython3.11`) and a `pip` to fetch it with.
 */

import { chmodSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cached, cached, fromCache } from './cache.ts'
import { complete } from './process.ts'
import { programFromEnvironment } from './service.ts'

const requirements = fileURLToPath(new URL('rotel/requirements.txt', import.meta.url))

/** The wheel is made for this Python; the program only links its library, so any Python may fetch it. */
const WHEEL = [
  ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'],
  ...['--platform', 'manylinux_2_34_x86_64', '--only-binary=:all:', '--no-deps'],
]

const PROGRAM = 'rotel-agent'

const ROTEL: Cached = {
  what: 'Rotel',
  takes: 'half a minute',
  name: 'rotel',
  pinnedBy: [requirements],
  proof: PROGRAM,
  make: fetchWheel,
}

/** Path of the program when it is there already. */
export function fetchedRotel(): string | undefined {
  const given = programFromEnvironment('SLUICE_ROTEL')
  if (given !== undefined) return given
  const folder = fromCache(ROTEL)
  return folder && join(folder, PROGRAM)
}

/** Path of the program; fetches it the first time. Throws when it cannot be fetched or does not run here. */
export async function rotelProgram(): Promise<string> {
  const program = programFromEnvironment('SLUICE_ROTEL') ?? join(await cached(ROTEL), PROGRAM)
  // Says so now when libpython3.11 is missing, and not in the middle of a benchmark.
  await complete(program, ['--version'])
  return program
}

async function fetchWheel(folder: string): Promise<void> {
  const pip = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '-d', folder, ...WHEEL]
  await complete('python3', [...pip, '--require-hashes', '-r', requirements])
  const wheel = readdirSync(folder).find(name => name.endsWith('.whl'))!
  await complete('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder])
  renameSync(join(folder, 'rotel', PROGRAM), join(folder, PROGRAM))
  chmodSync(join(folder, PROGRAM), 0o755)
  // Nothing else of the wheel is kept.
  for (const name of readdirSync(folder))
    if (name !== PROGRAM) rmSync(join(folder, name), { recursive: true })
}
