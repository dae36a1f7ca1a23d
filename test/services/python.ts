/** Pythons in venvs of their own: one with the OpenTelemetry SDK and its zero-code launcher, one that reads Kafka. */

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.ts'
import { complete } from './process.ts'

/**
 * The `bin` folder of the venv with what `test/real/<name>/requirements.txt` pins; made and filled the first time.
 * `python` has the SDK, its OTLP exporters and the launcher.
 */
export async function pythonTools(name: 'python' | 'kafka' = 'python'): Promise<string> {
  const requirements = fileURLToPath(new URL(`../real/${name}/requirements.txt`, import.meta.url))
  const folder = cacheFolder(name === 'python' ? name : `python-${name}`, [requirements])
  const bin = join(folder, 'bin')
  const done = join(folder, 'complete')
  if (!existsSync(done)) {
    await complete('python3', ['-m', 'venv', folder])
    await complete(join(bin, 'pip'), ['install', '-q', '--disable-pip-version-check', '-r', requirements])
    writeFileSync(done, '')
  }
  return bin
}
