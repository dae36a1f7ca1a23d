/** `file`: formats, compression, rotation, append and grouping: the same files with the same content. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { encodeRequest } from '../kit/proto.ts'
import { Comparison } from './comparison.ts'
import { post } from './exchange.ts'
import { saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'
import { golden } from './requests.ts'

/** Names of the files, by what they are about; each is a folder of its own. */
const OPTIONS: Readonly<Record<string, string>> = {
  json: 'path: "@folder@/json/a.jsonl"',
  proto: 'path: "@folder@/proto/a.bin", format: proto',
  'json-zstd': 'path: "@folder@/json-zstd/a", compression: zstd',
  'proto-zstd': 'path: "@folder@/proto-zstd/a", format: proto, compression: zstd',
  append: 'path: "@folder@/append/a", append: true',
  rotation: 'path: "@folder@/rotation/a.jsonl", rotation: {max_megabytes: 1}',
  'few backups': 'path: "@folder@/few backups/a.jsonl", rotation: {max_megabytes: 1, max_backups: 1}',
  grouped: 'path: "@folder@/grouped/*.jsonl", group_by: {enabled: true, resource_attribute: service.name}',
  'grouped in folders':
    'path: "@folder@/grouped in folders/*/a.bin", format: proto, group_by: {enabled: true, resource_attribute: service.name}',
}

const names = Object.keys(OPTIONS)
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${names.map((name, i) => `  file/${i}: {${OPTIONS[name]}, flush_interval: 50ms, create_directory: true}`).join('\n')}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [${names.map((_, i) => `file/${i}`).join(', ')}]}
`

const service = (name: string) => ({ attributes: [{ key: 'service.name', value: { stringValue: name } }] })

/** Several services in one request, names that are no good file names, and enough to fill a file of 1 MB twice. */
const REQUESTS: readonly Uint8Array[] = [
  ...golden()
    .filter(({ signal }) => signal === 'traces')
    .map(({ bytes }) => bytes),
  ...['a', 'b', 'c/d', '..', 'a'].map(name =>
    encodeRequest('traces', {
      resourceSpans: [
        { resource: service(name), scopeSpans: [{ spans: [{ name: 's1' }] }] },
        { resource: service('other'), scopeSpans: [{ spans: [{ name: 's2' }] }] },
      ],
    }),
  ),
  ...Array.from({ length: 30 }, (_, i) =>
    encodeRequest('traces', {
      resourceSpans: [
        {
          resource: service('big'),
          scopeSpans: [{ spans: [{ name: `${i} ${'x'.repeat(100_000)}` }] }],
        },
      ],
    }),
  ),
]

/** Everything below the folder of one case: path to content. Times in names of rotated files are cut out. */
function filesOf(side: Side, name: string): [path: string, content: Buffer][] {
  const folder = join(side.folder, name)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map((entry): [string, Buffer] => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(folder.length + 1), readFileSync(path)]
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

function requestsIn(content: Buffer, options: string): Uint8Array[] {
  const proto = options.includes('format: proto')
  const zstd = options.includes('compression: zstd')
  const requests: Uint8Array[] = []
  if (!proto && !zstd) {
    for (const line of content.toString().split('\n'))
      if (line !== '') requests.push(jsonToRequest(Buffer.from(line), 'traces'))
    return requests
  }
  for (let at = 0; at < content.length; ) {
    const length = content.readUInt32BE(at)
    const entry = content.subarray(at + 4, at + 4 + length)
    const plain = zstd ? zstdDecompressSync(entry) : entry
    requests.push(proto ? plain : jsonToRequest(plain, 'traces'))
    at += 4 + length
  }
  return requests
}

// Scenario: 3 MB of traces of several services go into files of every kind.
// Guarantees: the same number of files under the same names (but for times), with the same requests in each.
test('file', { timeout: 120_000 }, async t => {
  const pair = await startPair(t, CONFIG)
  if (pair === undefined) return
  await pair.both(async side => {
    for (const bytes of REQUESTS)
      assert.equal((await post(side.address('http'), 'traces', bytes)).status, 200)
  })
  await pair.stop()
  const comparison = new Comparison('file')
  for (const name of names) {
    await t.test(name, () => {
      const [ours, theirs] = pair.sides.map(side => {
        const files = filesOf(side, name)
        return {
          names: files.map(([path]) => path.replace(/\d{4}-\d\d-\d\dT[\d-]+\.\d+/, 'TIME')),
          requests: files.map(([, content]) => saying('traces', requestsIn(content, OPTIONS[name]!))),
        }
      })
      comparison.same(name, ours!, theirs!)
    })
  }
  comparison.end()
})
