/** `prometheus`: the same metrics on the pages of both, in every format and escaping, under every key. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { conventionRequest } from '../kit/conventions.ts'
import { OPEN_METRICS, PROTOBUF, type ProtoFamily, readProtoPage } from '../kit/prometheus-page.ts'
import { Comparison } from './comparison.ts'
import { askHttp, post } from './exchange.ts'
import { type Side, startPair } from './pair.ts'
import { CLASH_REQUEST, CLASHES, ESCAPED_CLASH } from './prometheus-clashes.ts'
import { prometheusRequests } from './prometheus-input.ts'
import { golden, seed } from './requests.ts'

/** One exporter each. */
const OPTIONS: Readonly<Record<string, string>> = {
  defaults: '',
  'no suffixes': 'add_metric_suffixes: false',
  'escaped with suffixes': 'translation_strategy: UnderscoreEscapingWithSuffixes, add_metric_suffixes: false',
  'escaped without suffixes': 'translation_strategy: UnderscoreEscapingWithoutSuffixes',
  'UTF-8 with suffixes': 'translation_strategy: NoUTF8EscapingWithSuffixes, enable_open_metrics: true',
  'no translation': 'translation_strategy: NoTranslation, enable_open_metrics: true',
  namespace: 'namespace: my-ns, const_labels: {zone: "a\\"b", Env: prod}',
  timestamps: 'send_timestamps: true, enable_open_metrics: true',
  'resource labels': 'resource_to_telemetry_conversion: {enabled: true}',
  'fewer resource labels':
    'resource_to_telemetry_conversion: {enabled: true, exclude_service_attributes: true}',
  'no scope': 'without_scope_info: true',
  openmetrics: 'enable_open_metrics: true',
}
const names = Object.keys(OPTIONS)
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${names.map((name, i) => `  prometheus/${i}: {endpoint: "@page${'abcdefghijkl'[i]}@"${OPTIONS[name] === '' ? '' : `, ${OPTIONS[name]}`}}`).join('\n')}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [${names.map((_, i) => `prometheus/${i}`).join(', ')}]}
`

/** What scrapers ask for: Prometheus' own headers among them. */
const ACCEPTS: Readonly<Record<string, string>> = {
  nothing: '',
  text: 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'text in UTF-8': 'text/plain;version=0.0.4;escaping=allow-utf-8',
  'dots and values': 'text/plain;version=0.0.4;escaping=dots,text/html',
  values: 'text/html;escaping=values,text/plain;version=0.0.4;escaping=values',
  openmetrics: `${OPEN_METRICS};escaping=underscores,text/plain;q=0.3`,
  'openmetrics in UTF-8': `${OPEN_METRICS};escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4`,
  'openmetrics 0.0.1': 'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;q=0.9;version=1',
  protobuf: `${PROTOBUF};escaping=allow-utf-8;q=0.6,${OPEN_METRICS};q=0.5`,
  'an unknown escaping': 'text/plain;escaping=rot13',
}

interface Page {
  readonly status: number
  readonly type: unknown
  readonly lines: readonly string[]
  readonly families: unknown
}

async function scrape(side: Side, i: number, accept: string): Promise<Page> {
  const answer = await askHttp(side.address(`page${'abcdefghijkl'[i]}`), {
    method: 'GET',
    path: '/metrics',
    headers: { ...(accept === '' ? {} : { accept }), 'accept-encoding': i % 2 === 0 ? 'gzip' : 'identity' },
  })
  assert.equal(answer.headers['content-encoding'], i % 2 === 0 ? 'gzip' : undefined)
  const body = i % 2 === 0 ? gunzipSync(answer.body) : answer.body
  const type = answer.headers['content-type']
  const binary = String(type).includes('protobuf')
  return {
    status: answer.status,
    type,
    lines: binary ? [] : body.toString().split('\n').map(line),
    families: binary ? readProtoPage(body).map(tidy) : [],
  }
}

/** The Collector writes the labels of an exemplar in any order. */
function line(text: string): string {
  return text.replace(/ # \{(.*?)\}/, (_, labels: string) => ` # {${labels.split(',').sort().join(',')}}`)
}

/** The same in protobuf; and "no time" is left out instead of being the year 1. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    if (key === 'exemplar') return [key, sortLabels(tidy(inner))]
    return [key, key === 'exemplars' ? (inner as unknown[]).map(one => sortLabels(tidy(one))) : tidy(inner)]
  })
  return Object.fromEntries(
    entries.filter(([key, inner]) => {
      if (key !== 'created_timestamp') return true
      return (inner as { seconds: string }).seconds !== '-62135596800'
    }),
  )
}

function sortLabels(exemplar: unknown): unknown {
  const { label = [], ...rest } = exemplar as { label?: { name: string }[] }
  return { ...rest, label: label.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}

// Scenario: golden metrics of real clients, metrics of every kind, deltas, late points and staleness marks, and many
// made-up series go to twelve exporters with different keys, which are then scraped in ten ways.
// Guarantees: equal pages, line for line, and equal protobuf families, but for the list of differences.
test(`prometheus (SLUICE_SEED=${seed})`, { timeout: 120_000 }, async t => {
  const pair = await startPair(t, CONFIG)
  if (pair === undefined) return
  const requests = [
    ...golden()
      .filter(({ signal }) => signal === 'metrics')
      .map(({ bytes }) => bytes),
    ...prometheusRequests(seed),
  ]
  await pair.both(async side => {
    for (const bytes of requests)
      assert.equal((await post(side.address('http'), 'metrics', bytes)).status, 200)
  })
  const comparison = new Comparison('prometheus')
  for (const [i, name] of names.entries()) {
    for (const [way, accept] of Object.entries(ACCEPTS)) {
      await t.test(`${name}, asked for ${way}`, async () => {
        const [ours, theirs] = await pair.both(side => scrape(side, i, accept))
        assert.ok(ours.lines.length > 100 || (ours.families as unknown[]).length > 20)
        comparison.same(`${name}, asked for ${way}`, { ...ours }, { ...theirs })
      })
    }
  }
  await t.test('clashes', t => clashes(t, comparison))
  await t.test('the semantic conventions', t => conventions(t, comparison))
  comparison.end()
})

const STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
]
const CONVENTION_CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${STRATEGIES.map((strategy, i) => `  prometheus/${i}: {endpoint: "@page${'abcd'[i]}@", translation_strategy: ${strategy}}`).join('\n')}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [${STRATEGIES.map((_, i) => `prometheus/${i}`).join(', ')}]}}}
`

// Scenario: every metric of the semantic conventions, in each strategy.
// Guarantees: equal pages, so equal names and types.
async function conventions(t: TestContext, comparison: Comparison): Promise<void> {
  const pair = await startPair(t, CONVENTION_CONFIG)
  if (pair === undefined) return
  await pair.both(async side => {
    assert.equal((await post(side.address('http'), 'metrics', conventionRequest())).status, 200)
  })
  for (const [i, strategy] of STRATEGIES.entries()) {
    const [ours, theirs]: [Page, Page] = await pair.both(side => scrape(side, i, ACCEPTS['text in UTF-8']!))
    assert.ok(ours.lines.length > 1000)
    await t.test(strategy, () => comparison.same(`conventions, ${strategy}`, { ...ours }, { ...theirs }))
  }
}

const CLASH_CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
  prometheus/0: {endpoint: "@pagea@", enable_open_metrics: true}
  prometheus/1: {endpoint: "@pageb@", translation_strategy: NoTranslation}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheus/0, prometheus/1]}}}
`

// Scenario: metrics at which the Collector loses something, shows something wrong, or breaks the page.
// Guarantees: what is listed as a difference and nothing else.
async function clashes(t: TestContext, comparison: Comparison): Promise<void> {
  const pair = await startPair(t, CLASH_CONFIG)
  if (pair === undefined) return
  await pair.both(async side => {
    for (const bytes of [CLASH_REQUEST, ESCAPED_CLASH])
      assert.equal((await post(side.address('http'), 'metrics', bytes)).status, 200)
  })
  const [ours, theirs] = await pair.both(async side => ({
    text: await scrape(side, 0, ACCEPTS['openmetrics']!),
    proto: await scrape(side, 0, ACCEPTS['protobuf']!),
    escaped: await scrape(side, 1, ''),
  }))
  for (const [what, metric] of Object.entries(CLASHES)) {
    const seen = ({ text, proto }: typeof ours) => ({
      lines: text.lines.filter(one => one.startsWith(metric)),
      families: (proto.families as ProtoFamily[]).filter(({ name }) => name.startsWith(metric)),
    })
    assert.ok([ours, theirs].some(one => seen(one).lines.length > 0))
    await t.test(what, () => comparison.same(what, seen(ours), seen(theirs)))
  }
  const targets = ({ escaped }: typeof ours) => ({
    lines: escaped.lines.filter(one => one.startsWith('target_info{')),
  })
  await t.test('labels that the scraper cannot tell apart', () =>
    comparison.same('labels that the scraper cannot tell apart', targets(ours), targets(theirs)),
  )
}
