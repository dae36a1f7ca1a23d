/** Bytes of batches end as soon as they may, which the documents must not show (Exporter.returnsBytes). */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { sendingChain } from '../../../core/component/sending.ts'
import type { Signal } from '../../../core/otlp/signals.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import { emptyFolder, until } from '../../kit/files.ts'
import { generate, realisticTraces } from '../../kit/generate.ts'
import { graphRequest, pairOf } from '../../kit/graph.ts'
import { lendTo, spoilWhatIsGivenBack } from '../../kit/lending.ts'
import type { Tree } from '../../kit/node.ts'
import { testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

/** Bodies of which a batch needs several, so that most of it is read after others were sent. */
const BODY_BYTES = 8_000
/** In the documents of a batch that is given up on after its first body. */
const HOPELESS = 'this is not to be had'

type ItemSignal = Exclude<Signal, 'profiles'>

const made = new Map<ItemSignal, readonly Uint8Array[]>()

/** Nobody writes into them: `lendTo` gives away copies. */
function requests(signal: ItemSignal): readonly Uint8Array[] {
  const before = made.get(signal)
  if (before !== undefined) return before
  const now = makeRequests(signal)
  made.set(signal, now)
  return now
}

/** Everything that OTLP has, twice, so that what is remembered of the first comes again; and what SDKs send. */
function makeRequests(signal: ItemSignal): Uint8Array[] {
  const seeds = [1, 2, 3, 1, 2]
  const any = seeds.map(seed => generate(signal, seed, 40).bytes)
  if (signal === 'logs') return [...any, hopelessLogs(), maps()]
  if (signal === 'metrics') return any
  return [...any, realisticTraces(60), realisticTraces(90, 2), realisticTraces(60), ...calls()]
}

/** Who calls whom, in two requests. */
function calls(): Uint8Array[] {
  return [graphRequest(pairOf('shop', 'cart', 1)), graphRequest(pairOf('cart', 'stock', 2))]
}

function logs(body: (n: number) => object): Uint8Array {
  const logRecords = Array.from({ length: 60 }, (_, n) => ({
    timeUnixNano: String(n + 1),
    body: body(n),
    attributes: [{ key: 'text', value: { stringValue: `${'x'.repeat(300)} ${n}` } }],
  }))
  return encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ scope: { name: 'lib' }, logRecords }] }] })
}

const hopelessLogs = (): Uint8Array => logs(n => ({ stringValue: `${n > 30 ? HOPELESS : ''} ${n}` }))

const maps = (): Uint8Array =>
  logs(n => ({ kvlistValue: { values: [{ key: 'key', value: { stringValue: `${'y'.repeat(300)}${n}` } }] } }))

/** The same for the same text. */
function hashOf(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193) >>> 0
  return hash
}

/** What a cluster comes to have of the requests that is full at first, and refuses some documents for now and some for good. */
async function indexed(signal: ItemSignal, config: object, folder: string, lent: boolean) {
  const cluster = await FakeElasticsearch.start()
  const taken = new Set<string>()
  const once = new Set<string>()
  let refusals = 3
  cluster.answer = ({ path, lines }) => {
    if (!path.startsWith('/_bulk')) return undefined
    if (refusals-- > 0) return { status: 503, body: { error: 'busy' } }
    return JSON.stringify(lines).includes(HOPELESS) ? { status: 503, body: { error: 'no' } } : undefined
  }
  cluster.item = (document, action) => {
    // Days come from the clock.
    const text = `${JSON.stringify(action).replace(/\d{4}-\d\d-\d\d/g, 'day')} ${JSON.stringify(document)}`
    const hash = hashOf(text)
    if (hash % 5 === 0) return { status: 400, error: { type: 'never', reason: 'no' } }
    if (hash % 3 === 0 && !once.has(text)) {
      once.add(text)
      return { status: 429, error: { type: 'full', reason: 'later' } }
    }
    taken.add(text)
    return { status: 201 }
  }
  const file = join(folder, lent ? 'lent' : 'kept')
  const whole = {
    endpoint: cluster.url,
    flush: { bytes: BODY_BYTES },
    retry: { initial_interval: '5ms', max_interval: '5ms', max_retries: 30 },
    sending_queue: { batch: { enabled: false }, num_consumers: 4 },
    dead_letter: { file },
    ...config,
  }
  const settings = testSettings('exporter', 'elasticsearch')
  const read = readConfig(factory.config, whole as Tree) as ElasticsearchConfig
  const chain = sendingChain(factory.create(read, settings, [signal]), factory.sending!(read), settings)
  const page = settings.account.of(signal)
  const all = requests(signal).map(bytes => batchOf(signal, [bytes], countItems(bytes, signal)))
  const send = (batch: Batch) => (lent ? lendTo(chain, batch) : chain.consume(batch, NO_CONTEXT))
  await chain.start()
  try {
    await Promise.all(all.map(send))
    await until(() => page.held === 0)
  } finally {
    await chain.stop(performance.now() + 10_000)
    await cluster.close()
  }
  const links = cluster.requests.flatMap(({ path, lines }) =>
    path.includes('dependencies') && path.includes('_create') ? lines[0].dependencies : [],
  )
  return {
    taken: [...taken].sort(),
    links: links.map(link => JSON.stringify(link)).sort(),
    dead: linesOf(file),
    out: page.out,
    dropped: [...page.dropped].map(([reason, { items }]) => [reason, items]).sort(),
  }
}

/** Without their time, and in an order of their own. */
function linesOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map(line => line.replace(/"time":"[^"]*"/, '').replace(/\d{4}-\d\d-\d\d/g, 'day')).sort()
}

const jaeger = { mapping: { mode: 'jaeger' }, jaeger: { dependencies: {} } }
const CASES: readonly (readonly [name: string, signal: ItemSignal, config: object])[] = [
  ['jaeger, gzip', 'traces', jaeger],
  ['jaeger, zlib', 'traces', { ...jaeger, compression_params: { level: 5 } }],
  ['jaeger, no compression', 'traces', { ...jaeger, compression: 'none' }],
  [
    'jaeger, tags as fields, ids of documents',
    'traces',
    {
      mapping: { mode: 'jaeger' },
      jaeger: { deterministic_ids: true, tags_as_fields: { all: true }, dependencies: {} },
    },
  ],
  ...(['otel', 'ecs', 'none', 'raw'] as const).flatMap(mode =>
    (['logs', 'traces'] as const).map(
      signal => [`${mode}, ${signal}`, signal, { mapping: { mode } }] as const,
    ),
  ),
  ['otel, metrics', 'metrics', { mapping: { mode: 'otel' } }],
  ['ecs, metrics', 'metrics', { mapping: { mode: 'ecs' } }],
  ['bodymap', 'logs', { mapping: { mode: 'bodymap' } }],
]

for (const [name, signal, config] of CASES) {
  // Scenario: batches of several bodies, four at a time, to a cluster that refuses whole bodies, and documents for now and
  // for good; one batch is given up on half-way. Once they are kept, once each ends as soon as it may.
  // Guarantees: the same documents, dead letters, links between services and books both times; all bytes have ended.
  test(`documents of bytes that end: ${name}`, async t => {
    const folder = emptyFolder(t)
    const kept = await indexed(signal, config, folder, false)
    const spoiled = spoilWhatIsGivenBack(t)
    const lent = await indexed(signal, config, folder, true)
    assert.deepEqual(lent, kept)
    assert.equal(spoiled.buffers, requests(signal).length)
    assert.ok(kept.taken.length > 20 && kept.dead.length > 5, `${kept.taken.length}, ${kept.dead.length}`)
    assert.equal(kept.links.length > 0, name.startsWith('jaeger'))
  })
}
