/** The count connector beside the Collector's: the same items, attributes and conditions, the same counts. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeRequest } from '../kit/proto.ts'
import { Comparison } from './comparison.ts'
import { BY_ATTRIBUTES, CONDITIONS, COUNT_REQUESTS } from './count-cases.ts'
import { post } from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { startPair } from './pair.ts'
import { generated, golden, type TestRequest } from './requests.ts'

interface CountCase {
  readonly name: string
  readonly signal: TestRequest['signal']
  readonly yaml: string
}

const SIGNAL_OF: Readonly<Record<string, TestRequest['signal']>> = {
  spans: 'traces',
  spanevents: 'traces',
  metrics: 'metrics',
  datapoints: 'metrics',
  logs: 'logs',
}

/** All conditions of a kind are metrics of one connector, named by their place. */
const CASES: readonly CountCase[] = [
  ...(['traces', 'metrics', 'logs'] as const).flatMap(signal => [
    { name: `${signal} by default`, signal, yaml: '' },
    { name: `${signal} with empty sections`, signal, yaml: '{spans: {}, metrics: , logs: {}}' },
  ]),
  ...Object.entries(CONDITIONS).map(([kind, conditions]) => ({
    name: `${kind} by conditions`,
    signal: SIGNAL_OF[kind]!,
    yaml: `{${kind}: {${conditions.map((one, i) => `"${i}": {conditions: [${JSON.stringify(one)}]}`).join(', ')}}}`,
  })),
  ...Object.entries(SIGNAL_OF)
    .filter(([kind]) => kind !== 'metrics')
    .map(([kind, signal]) => ({
      name: `${kind} by attributes`,
      signal,
      yaml: `{${kind}: {${BY_ATTRIBUTES.map((one, i) => `"${i}": ${one}`).join(', ')}}}`,
    })),
]

const HOUR_NS = 3_600_000_000_000n

/** What says nothing is evened out: the order of metrics and points, and the time of what has none. */
function plain(value: unknown, now: bigint): unknown {
  if (Array.isArray(value)) {
    const items = value.map(item => plain(item, now))
    return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (!/^(start)?timeUnixNano$/i.test(key)) return [key, plain(inner, now)]
      const off = BigInt(inner as string) - now
      return [key, off < HOUR_NS && off > -HOUR_NS ? 'now' : inner]
    }),
  )
}

/** What the two made of each request; those that made nothing are left out. */
async function compare(
  t: TestContext,
  cases: readonly CountCase[],
  requests: readonly TestRequest[],
): Promise<void> {
  const lines = (format: (one: CountCase, i: number) => string): string =>
    cases.map((one, i) => `  ${format(one, i)}`).join('\n')
  const pair = await startPair(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
connectors:
${lines(({ yaml }, i) => `count/${i}: ${yaml}`)}
exporters:
${lines((_, i) => `file/${i}: ${protoFile(String(i))}`)}
service:
  pipelines:
${lines(({ signal }, i) => `  ${signal}/${i}: {receivers: [otlp], exporters: [count/${i}]}`)}
${lines((_, i) => `  metrics/out${i}: {receivers: [count/${i}], exporters: [file/${i}]}`)}
`,
  )
  if (pair === undefined) return
  await pair.both(async side => {
    for (const { name, signal, bytes } of requests) {
      const { status, body } = await post(side.address('http'), signal, bytes, {})
      assert.equal(status, 200, `${side.name}: ${name}: ${body}`)
    }
  })
  await pair.stop()
  const now = BigInt(Date.now()) * 1_000_000n
  const comparison = new Comparison('count')
  for (const [i, { name }] of cases.entries()) {
    await t.test(name, () => {
      const [ours, theirs] = pair.sides.map(side =>
        saying('metrics', readProto(side, String(i)))
          .filter(request => Object.keys(request).length > 0)
          .map(request => plain(request, now)),
      )
      assert.ok(theirs!.length > 0)
      assert.equal(ours!.length, theirs!.length, 'how many requests were made')
      for (const [nth, request] of ours!.entries())
        comparison.same(name, { [`request ${nth}`]: request }, { [`request ${nth}`]: theirs![nth] })
    })
  }
  comparison.end()
}

const DATA = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

interface MetricsTree {
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics?: readonly { readonly metrics?: readonly object[] }[]
  }[]
}

/** Of a metric that has no data the Collector refuses the whole request; here it is counted. */
function hasData({ signal, bytes }: TestRequest): boolean {
  if (signal !== 'metrics') return true
  const { resourceMetrics = [] } = decodeRequest(signal, bytes) as MetricsTree
  const scopes = resourceMetrics.flatMap(({ scopeMetrics = [] }) => scopeMetrics)
  return scopes.flatMap(({ metrics = [] }) => metrics).every(metric => DATA.some(key => key in metric))
}

// Scenario: made-up items with attributes of every type, and what real clients sent, through the default counts, through
// every condition of OTTL that is here, and by attributes.
// Guarantees: the same metrics, points, attributes, counts and times as the Collector's.
test('count', { timeout: 900_000 }, t => compare(t, CASES, [...COUNT_REQUESTS, ...golden()]))

// Scenario: generated requests with every field of OTLP, without conditions: there are bodies and attributes among them at
// which those of the Collector fail.
// Guarantees: the same.
test('count anything', { timeout: 900_000 }, t => {
  const cases = CASES.filter(({ name }) => !name.endsWith('conditions'))
  return compare(t, cases, generated(12).filter(hasData))
})
