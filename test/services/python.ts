/** Pythons in venvs of their own: one with the OpenTelemetry SDK and its zero-code launcher, one that reads Kafka. */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { complete } from './process.ts'

/**
 * The `bin` folder of the venv with what `test/real/<name>/requirements.txt` pins; made and filled the first time.
 * `python` has the SDK, its OTLP exporters and the launcher.
 */
export async function pythonTools(name: 'python' | 'kafka' = 'python'): Promise<string> {
  const requirements = fileURLToPath(new URL(`../real/${name}/requirements.txt`, import.meta.url))
  const folder = await cached({
    what: name === 'python' ? 'Python with OpenTelemetry' : 'a Kafka consumer for Python',
    takes: 'half a minute',
    name: name === 'python' ? name : `python-${name}`,
    pinnedBy: [requirements],
    stays: true,
    async make(folder) {
      await complete('python3', ['-m', 'venv', folder])
      const install = ['install', '-q', '--disable-pip-version-check', '-r', requirements]
      await complete(join(folder, 'bin', 'pip'), install)
    },
  })
  return join(folder, 'bin')
}
