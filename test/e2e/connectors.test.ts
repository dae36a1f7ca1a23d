import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { batchOf } from '../../core/component/batch.ts'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { graphRequest, pairOf, pointsOf } from '../kit/graph.ts'
import { sendHttp } from '../kit/send.ts'
import { eventually } from '../services/process.ts'

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

// Scenario: a reload changes another part, then service_graph itself, with series and half a request in it; then the
// gateway stops.
// Guarantees: what did not change goes on counting, from the start it had; what did is a new one: the old one hands on all
// it had, the new one's series begin anew and later; the half is accounted for, and the ledger balances.
test('a graph over reloads', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-connectors-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'metrics.json')
  const config = join(folder, 'sluice.yaml')
  const write = (batch: number, ttl: number): void =>
    writeFileSync(
      config,
      `{receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}, processors: {batch: {send_batch_size: ${batch}, timeout: 1ms}}, connectors: {service_graph: {store: {ttl: ${ttl}s}}}, exporters: {file: {path: "${file}"}}, service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [service_graph]}, metrics: {receivers: [service_graph], exporters: [file]}}}}`,
    )
  write(1, 100)
  const gateway = await startGateway([`--config=${config}`])
  t.after(() => gateway.stop('SIGKILL'))
  const total = async (name: string, count: number): Promise<void> => {
    await eventually(
      async () => ((await gateway.metrics()).get(name) ?? 0) >= count || undefined,
      name,
      30_000,
    )
  }
  const edges = (count: number) => total('otelcol_connector_servicegraph_total_edges', count)
  const send = (trace: number, spans = 2) =>
    sendHttp(gateway.http, 'traces', graphRequest(pairOf('shop', 'cart', trace).slice(0, spans)))
  const reload = async (nth: number): Promise<void> => {
    process.kill(gateway.pid, 'SIGHUP')
    await total('sluice_config_reloads{outcome="applied"}', nth)
  }
  await send(1)
  await edges(1)
  write(2, 100)
  await reload(1)
  await send(2)
  await send(3, 1)
  await edges(3)
  write(2, 200)
  await reload(2)
  await send(4)
  await edges(4)
  assert.deepEqual(imbalances(await gateway.metrics()), [])
  assert.equal(await gateway.stop(), 0)
  const requests = readFileSync(file, 'utf8').trim().split('\n')
  const points = pointsOf(
    requests.map(line => batchOf('metrics', [jsonToRequest(Buffer.from(line), 'metrics')], 1)),
  ).filter(({ metric }) => metric === 'traces_service_graph_request_total')
  assert.deepEqual(
    points.map(({ value }) => value),
    [2, 1],
  )
  assert.ok(points[1]!.start > points[0]!.start)
})
