/** One YAML for Jaeger and for Sluice: `jaeger_storage` and `jaeger_storage_exporter` as Jaeger's users have them. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { countItems } from '../../core/otlp/walk.ts'
import { count } from '../kit/es-search.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { pathOf, requestOf, SEARCHES, TRACES } from '../kit/jaeger-cases.ts'
import { agreed, assertSameDocuments, pair, readerOfOurs } from '../kit/jaeger-pair.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'
import { eventually } from '../services/process.ts'

// Scenario: the same backend section, with hourly indices, tags as fields and bulk sizes of its own, given to Jaeger and to
// the gateway as a process; the same spans through both, over gRPC and HTTP.
// Guarantees: documents are the same, in indices of the same names; Jaeger finds in them what it finds in its own.
test("Jaeger's own YAML runs", { timeout: 900_000 }, async t => {
  const index = { date_layout: '2006-01-02-15', rollover_frequency: 'hour', shards: 1, replicas: 0 }
  const keys = (prefix: string) => ({
    indices: { index_prefix: prefix, spans: index, services: index },
    tags_as_fields: { include: 'colour,floor' },
    bulk_processing: { max_bytes: 100_000, max_actions: 50, flush_interval: '100ms', workers: 2 },
    max_span_age: '72h',
  })
  const both = await pair(t, keys)
  if (both === undefined) return
  const { url, theirs, ours, jaeger } = both
  const backend = { server_urls: [url], version: 8, disable_health_check: true, ...keys(ours) }
  const folder = mkdtempSync(join(tmpdir(), 'sluice-jaeger-yaml-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const config = {
    receivers: { otlp: { protocols: { grpc: {}, http: {} } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'main' } },
    extensions: { jaeger_storage: { backends: { main: { elasticsearch: backend } } } },
    service: {
      extensions: ['jaeger_storage'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  }
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config))
  const gateway = await startGateway(['--config', join(folder, 'config.yaml')], folder)
  t.after(() => gateway.stop())
  const requests = Object.keys(TRACES).map(requestOf)
  const items = requests.reduce((sum, request) => sum + countItems(request, 'traces'), 0)
  for (const [i, request] of requests.entries()) {
    await sendHttp(jaeger.otlp, 'traces', request)
    if (i % 2 === 0) await sendHttp(gateway.http, 'traces', request)
    else await sendGrpc(gateway.grpc, 'traces', request)
  }
  for (const prefix of [theirs, ours]) {
    const all = async () => ((await count(url, `${prefix}-jaeger-span-*`)) === items ? true : undefined)
    await eventually(all, `${items} spans of ${prefix}`, 60_000)
  }
  assert.deepEqual(imbalances(await gateway.metrics()), [])
  await assertSameDocuments(both)
  const names = async (prefix: string) => {
    const answer = await fetch(`${url}/${prefix}-*/_settings?filter_path=*.settings.index.provided_name`)
    return Object.keys((await answer.json()) as object)
      .map(name => name.slice(prefix.length))
      .sort()
  }
  assert.deepEqual(await names(ours), await names(theirs))
  const reader = await readerOfOurs(t, both)
  for (const [, search, found] of SEARCHES)
    await agreed([jaeger, reader], pathOf(search), data => data.length === found.length)
})
