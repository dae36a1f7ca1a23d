import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { graphRequest, pairOf, pointsOf } from '../kit/graph.ts'
import { sendHttp } from '../kit/send.ts'

// Scenario: spans go through count and service_graph at once; the gateway stops long before service_graph would hand its
// metrics on, while a request is half known.
// Guarantees: both made their metrics, the last ones leave when it stops; the ledger balances while it runs.
test('connectors make metrics of spans', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-connectors-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'metrics.json')
  const gateway = await startGateway([
    `--config=yaml:{receivers: {otlp: {protocols: {grpc: , http: }}}, connectors: {count: , servicegraph: }, exporters: {file: {path: "${file}"}}, service: {pipelines: {traces: {receivers: [otlp], exporters: [count, servicegraph]}, metrics: {receivers: [count, servicegraph], exporters: [file]}}}}`,
  ])
  t.after(() => gateway.stop('SIGKILL'))
  await sendHttp(gateway.http, 'traces', graphRequest(pairOf('shop', 'cart', 1)))
  await sendHttp(gateway.http, 'traces', graphRequest(pairOf('shop', 'cart', 2).slice(0, 1)))
  assert.deepEqual(imbalances(await gateway.metrics()), [])
  assert.equal(await gateway.stop(), 0)
  const requests = readFileSync(file, 'utf8').trim().split('\n')
  const points = pointsOf(
    requests.map(line => batchOf('metrics', [jsonToRequest(Buffer.from(line), 'metrics')], 1)),
  )
  const found = points.map(({ metric, labels, value }) => [metric, labels['server'] ?? '', value])
  assert.deepEqual(found, [
    ['trace.span.count', '', 1],
    ['trace.span.count', '', 1],
    ['trace.span.count', '', 1],
    ['traces_service_graph_request_total', 'cart', 1],
    ['traces_service_graph_request_server', 'cart', 1],
    ['traces_service_graph_request_client', 'cart', 1],
  ])
})
