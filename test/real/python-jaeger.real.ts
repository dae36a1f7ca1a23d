/** A Python zero-code application, through the gateway into Elasticsearch, as Jaeger's query service shows it. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { expectedDocuments, type Loose } from '../core/formats/jaeger-es/expected.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { jaegerSection } from '../kit/jaeger-pair.ts'
import { requestsIn, runPythonApp } from '../kit/python-app.ts'
import { need } from '../services/cache.ts'
import { elasticsearchUrl, indexPrefix } from '../services/elasticsearch.ts'
import { jaegerProgram, startJaeger } from '../services/jaeger.ts'
import { eventually } from '../services/process.ts'
import { pythonTools } from '../services/python.ts'

/** The answer of the query API; whole numbers are bigint, to the last digit. */
async function askExactly(url: string): Promise<Loose> {
  const answer = await fetch(url)
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context!.source!) : value
  return JSON.parse(await answer.text(), exact)
}

interface Shown {
  readonly spanID: string
  readonly [key: string]: Loose
}

const byKey = (a: Loose, b: Loose): number => (a.key < b.key ? -1 : 1)
const sortTags = (tags: Loose[] | null) => [...(tags ?? [])].sort(byKey)

/** Jaeger's API shows a failed span's status as a tag too, and numbers that JavaScript would round as texts. */
function shownTags(tags: Loose[] | null): Loose[] {
  const failed = (tags ?? []).some(({ key, value }) => key === 'error' && value === true)
  const status = failed ? [{ key: 'otel.status_code', type: 'string', value: 'ERROR' }] : []
  return [...(tags ?? []), ...status].map(tag =>
    typeof tag.value === 'bigint' && tag.value > BigInt(Number.MAX_SAFE_INTEGER)
      ? { ...tag, value: String(tag.value) }
      : tag,
  )
}

/** What both an expected document and an answer come to: tags sorted, nothing null. */
function comparable(span: Loose, process: Loose): Shown {
  const { traceID, spanID, operationName, startTime, duration, references, tags, logs } = span
  return {
    ...{ traceID, spanID, operationName, startTime, duration, references: references ?? [] },
    tags: sortTags(tags),
    logs: (logs ?? []).map(({ timestamp, fields }: Loose) => ({ timestamp, fields: sortTags(fields) })),
    service: process.serviceName,
    process: sortTags(process.tags),
  }
}

// Scenario: the zero-code application over gRPC into the gateway, which writes Jaeger's documents; Jaeger reads them.
// Guarantees: every span of every trace is shown, with its tags and their types, 64-bit numbers to the last digit, logs
// (recorded exceptions), references, errors and process; services and operations are in Jaeger's menus.
test('its traces show complete in Jaeger', { timeout: 600_000 }, async t => {
  const bin = await need(t, 'Python with OpenTelemetry', pythonTools)
  const url = await need(t, 'Elasticsearch', elasticsearchUrl)
  if (bin === undefined || url === undefined) return
  if ((await need(t, 'Jaeger', jaegerProgram)) === undefined) return
  const folder = mkdtempSync(join(tmpdir(), 'sluice-python-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const prefix = indexPrefix('python')
  const config = {
    receivers: { otlp: { protocols: { grpc: {}, http: {} } } },
    exporters: {
      elasticsearch: { endpoint: url, mapping: { mode: 'jaeger' }, jaeger: jaegerSection(prefix) },
      nop: {},
    },
    service: {
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['elasticsearch'] },
        metrics: { receivers: ['otlp'], exporters: ['nop'] },
        logs: { receivers: ['otlp'], exporters: ['nop'] },
      },
    },
  }
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config))
  const gateway = await startGateway(['--config', join(folder, 'config.yaml')], folder)
  t.after(() => gateway.stop())
  const sent = join(folder, 'sent')
  await runPythonApp(bin, gateway, 'grpc', sent)
  const requests = requestsIn(`${sent}.traces`)
  const expected = requests
    .flatMap(request => expectedDocuments(request))
    .map(span => comparable({ ...span, tags: shownTags(span['tags']) }, span['process']))
  assert.ok(expected.length > 60, `${expected.length} spans`)
  const metrics = await eventually(async () => {
    const page = await gateway.metrics()
    const done = [...page].find(([name]) => name.startsWith('otelcol_exporter_sent_spans'))
    return done?.[1] === expected.length ? page : undefined
  }, 'every span sent')
  assert.deepEqual(imbalances(metrics), [])

  const jaeger = await startJaeger(url, prefix)
  t.after(() => jaeger.stop())
  const ids = new Set(expected.map(({ traceID }) => traceID as string))
  const shown: Shown[] = []
  for (const id of ids) {
    const many = expected.filter(({ traceID }) => traceID === id).length
    const { data } = await eventually(async () => {
      const answer = await askExactly(`${jaeger.query}/api/traces/${id}`)
      return answer.data?.[0]?.spans.length === many ? answer : undefined
    }, `the ${many} spans of trace ${id}`)
    const { spans, processes } = data[0]
    for (const span of spans) shown.push(comparable(span, processes[span.processID]))
  }
  const inOrder = (spans: Shown[]) => spans.sort((a, b) => (a.spanID < b.spanID ? -1 : 1))
  assert.deepEqual(inOrder(shown), inOrder(expected))

  const has = (key: string, type: string) => (span: Shown) =>
    span['tags'].some((tag: Loose) => tag.key === key && tag.type === type)
  const logged = (span: Shown) =>
    span['logs'].some(({ fields }: Loose) => fields.some(({ key }: Loose) => key === 'exception.type'))
  assert.ok(shown.some(has('error', 'bool')), 'an error')
  assert.ok(shown.some(has('big', 'int64')), 'a large number')
  assert.ok(shown.some(logged), 'an exception')
  assert.ok(
    shown.some(({ references }) => references.length === 1),
    'a parent',
  )
  const { data: services } = await askExactly(`${jaeger.query}/api/services`)
  assert.deepEqual(services, ['shop'])
  const { data: operations } = await askExactly(`${jaeger.query}/api/services/shop/operations`)
  const names = new Set(expected.map(({ operationName }) => operationName))
  assert.deepEqual([...operations].sort(), [...names].sort())
  const failed = `${jaeger.query}/api/traces?service=shop&limit=200&tags=${encodeURIComponent('{"error":"true"}')}`
  const errors = new Set(expected.filter(has('error', 'bool')).map(({ traceID }) => traceID))
  assert.equal((await askExactly(failed)).data.length, errors.size)
  t.diagnostic(`${shown.length} spans in ${ids.size} traces, ${errors.size} of them with errors`)
})
