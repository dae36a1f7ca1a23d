/**
 * Rotel, the telemetry gateway in Rust: a peer in benchmarks. Its program comes inside a wheel from PyPI, for Linux on
 * x86_64 only, and needs libpython3.11 (Debian: `libpython3.11`) and a `pip` to fetch it with.
 */

import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.ts'
import { complete } from './process.ts'

const requirements = fileURLToPath(new URL('rotel/requirements.txt', import.meta.url))

/** The wheel is made for this Python; the program only links its library, so any Python may fetch it. */
const WHEEL = [
  ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'],
  ...['--platform', 'manylinux_2_34_x86_64', '--only-binary=:all:', '--no-deps'],
]

function programPath(): string {
  return process.env['SLUICE_ROTEL'] ?? join(cacheFolder('rotel', [requirements]), 'rotel-agent')
}

/** Path of the program when it is there already. */
export function fetchedRotel(): string | undefined {
  const program = programPath()
  return existsSync(program) ? program : undefined
}

/** Path of the program; fetches it the first time. Throws when it cannot be fetched or does not run here. */
export async function rotelProgram(): Promise<string> {
  const program = programPath()
  if (!existsSync(program) && process.env['SLUICE_ROTEL'] === undefined) await fetchWheel(program)
  // Says so now when libpython3.11 is missing, and not in the middle of a benchmark.
  await complete(program, ['--version'])
  return program
}

async function fetchWheel(program: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rotel-'))
  try {
    const pip = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '-d', folder, ...WHEEL]
    await complete('python3', [...pip, '--require-hashes', '-r', requirements])
    const wheel = readdirSync(folder).find(name => name.endsWith('.whl'))!
    await complete('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder])
    const unpacked = join(folder, 'rotel', 'rotel-agent')
    chmodSync(unpacked, 0o755)
    // The cache may be on another file system, where a rename would fail: copied next to its place, then renamed.
    await complete('cp', [unpacked, `${program}.part`])
    renameSync(`${program}.part`, program)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
