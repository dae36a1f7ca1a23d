/** The same spans once through Jaeger's own writer and once through the elasticsearch exporter, and what is read of both. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { countItems } from '../../core/otlp/walk.ts'
import type { ElasticsearchConfig } from '../../exporters/elasticsearch/config.ts'
import { factory } from '../../exporters/elasticsearch/index.ts'
import { need } from '../services/cache.ts'
import { elasticsearchUrl, indexPrefix } from '../services/elasticsearch.ts'
import { type Jaeger, jaegerProgram, startJaeger } from '../services/jaeger.ts'
import { eventually } from '../services/process.ts'
import { ask, count, sources } from './es-search.ts'
import { testSettings } from './parts.ts'
import { readConfig } from './read-config.ts'
import { sendHttp } from './send.ts'

export interface Pair {
  readonly url: string
  /** Prefixes of Jaeger's own indices and of ours. */
  readonly theirs: string
  readonly ours: string
  /** Over its own indices. */
  readonly jaeger: Jaeger
  readonly keys: Keys
}

type Keys = Readonly<Record<string, unknown>>

/** Undefined where one of the servers cannot be had. `keys`: what both are told besides, or what with a prefix. */
export async function pair(
  t: TestContext,
  keys: Keys | ((prefix: string) => Keys) = {},
  elasticsearch: () => Promise<string> = elasticsearchUrl,
): Promise<Pair | undefined> {
  const url = await need(t, 'Elasticsearch', elasticsearch)
  if (url === undefined) return undefined
  if ((await need(t, 'Jaeger', jaegerProgram)) === undefined) return undefined
  const theirs = indexPrefix('theirs')
  const ours = indexPrefix('ours')
  const told = (prefix: string): Keys => (typeof keys === 'function' ? keys(prefix) : keys)
  const jaeger = await startJaeger(url, theirs, told(theirs))
  t.after(() => jaeger.stop())
  return { url, theirs, ours, jaeger, keys: told(ours) }
}

/** Another Jaeger, which reads our indices. */
export async function readerOfOurs(t: TestContext, { url, ours, keys }: Pair): Promise<Jaeger> {
  const reader = await startJaeger(url, ours, keys)
  t.after(() => reader.stop())
  return reader
}

/** The `jaeger` section for a node of tests. */
export function jaegerSection(prefix: string, more: Keys = {}): Record<string, unknown> {
  const one = { shards: 1, replicas: 0 }
  return { version: '8', indices: { index_prefix: prefix, spans: one, services: one }, ...more }
}

/** Sends requests with an exporter of its own, and nothing is left to be sent again. */
export async function writeOurs(
  url: string,
  jaeger: Record<string, unknown>,
  requests: readonly Uint8Array[],
): Promise<void> {
  const settings = testSettings('exporter', 'elasticsearch')
  const config = readConfig(factory.config, { endpoint: url, mapping: { mode: 'jaeger' }, jaeger } as never)
  const exporter = factory.create(config as ElasticsearchConfig, settings, ['traces'])
  await exporter.start()
  try {
    for (const request of requests) {
      const spans = countItems(request, 'traces')
      const result = await exporter.send(batchOf('traces', [request], spans), NO_CONTEXT)
      assert.deepEqual(result, { sent: spans })
    }
  } finally {
    await exporter.stop(performance.now() + 1000)
  }
}

/** Sends the requests both ways, and waits until everything can be found. */
export async function writeBoth(
  { url, theirs, ours, jaeger, keys }: Pair,
  requests: readonly Uint8Array[],
): Promise<void> {
  const items = requests.reduce((sum, request) => sum + countItems(request, 'traces'), 0)
  for (const request of requests) await sendHttp(jaeger.otlp, 'traces', request)
  await writeOurs(url, jaegerSection(ours, keys), requests)
  const all = async () => ((await count(url, `${theirs}-jaeger-span-*`)) >= items ? true : undefined)
  await eventually(all, `${items} spans in Jaeger's own index`, 60_000)
}

type Span = { spanID: string; processID?: string; process?: unknown; warnings?: string[] | null }
type Trace = { traceID?: string; spans?: Span[]; processes?: Record<string, unknown> }

/** Asks both until each has what is wanted, and returns the answer that they agree on. */
export async function agreed(
  jaegers: readonly [theirs: Jaeger, ours: Jaeger],
  path: string,
  isThere: (data: readonly unknown[]) => boolean,
): Promise<unknown[]> {
  const answer = ({ query }: Jaeger): Promise<unknown[]> =>
    eventually(
      async () => {
        const data: unknown[] = (await ask(query + path)).data ?? []
        return isThere(data) ? answerOf(data) : undefined
      },
      `the answer to ${path}`,
      60_000,
    )
  const [theirs, ours] = await Promise.all(jaegers.map(answer))
  assert.deepEqual(ours, theirs, path)
  return ours!
}

/** Of spans with one id Jaeger warns at any of them. */
const BY_CHANCE = /^duplicate span IDs/

/**
 * `data` of an answer in an order that does not depend on chance: traces and spans sorted, each span with its process,
 * whose number says nothing.
 */
export function answerOf(data: readonly unknown[]): unknown[] {
  const traces = data.map(one => {
    if (typeof one !== 'object' || one === null || !('spans' in one)) return one
    const { spans = [], processes = {}, ...rest } = one as Trace
    const whole = spans.map(({ processID, warnings, ...span }) => ({
      ...span,
      process: processes[processID!],
      warnings: (warnings ?? []).filter(warning => !BY_CHANCE.test(warning)),
    }))
    return { ...rest, spans: sorted(whole) }
  })
  return sorted(traces)
}

function sorted<T>(values: readonly T[]): T[] {
  const texts = values.map(value => [JSON.stringify(value), value] as const)
  return texts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}

/** The same whatever the order of keys is. */
function canonical(json: string): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    )
  }
  return JSON.stringify(sorted(JSON.parse(json)), undefined, 1)
}

/** Span by span and service by service, to the last digit. */
export async function assertSameDocuments({ url, theirs, ours }: Pair): Promise<void> {
  for (const kind of ['span', 'service']) {
    const [expected, actual] = await Promise.all(
      [theirs, ours].map(async prefix =>
        (await sources(url, `${prefix}-jaeger-${kind}-*`)).map(canonical).sort(),
      ),
    )
    assert.ok(expected!.length > 2, `${expected!.length} documents`)
    for (const [i, document] of expected!.entries()) assert.equal(actual![i], document, `${kind} ${i}`)
    assert.equal(actual!.length, expected!.length)
  }
}
