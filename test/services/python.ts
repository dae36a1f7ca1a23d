/** A Python with the OpenTelemetry SDK, its OTLP exporters and its zero-code launcher, in a venv of its own. */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.ts'
import { complete } from './process.ts'

const requirements = fileURLToPath(new URL('../real/python/requirements.txt', import.meta.url))

/** The venv's `bin` folder; made and filled the first time. */
export async function pythonTools(): Promise<string> {
  const folder = cacheFolder('python', [requirements])
  const bin = join(folder, 'bin')
  const done = join(folder, 'complete')
  if (!existsSync(done)) {
    await complete('python3', ['-m', 'venv', folder])
    await complete(join(bin, 'pip'), ['install', '-q', '--disable-pip-version-check', '-r', requirements])
    writeFileSync(done, '')
  }
  return bin
}
