import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Refused } from '../../core/component/outcome.ts'
import { startGateway } from '../../gateway/run.ts'
import { Stage } from '../kit/fake-parts.ts'
import { numbered } from '../kit/numbered.ts'
import { grpcServer, httpServer, type TestServer } from '../kit/otlp-servers.ts'
import { decodeRequest } from '../kit/proto.ts'

const log = join(mkdtempSync(join(tmpdir(), 'sluice-own-')), 'log')
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Loosely typed on purpose: the assertions say what must be there. */
const decoded = (signal: 'traces' | 'metrics' | 'logs', bytes: Uint8Array) =>
  JSON.parse(JSON.stringify(decodeRequest(signal, bytes)))

async function start(t: TestContext, stage: Stage, otlp: object) {
  const exporter = { otlp }
  const service = {
    telemetry: {
      logs: { encoding: 'json', output_paths: [log], processors: [{ batch: { exporter } }] },
      metrics: { readers: [{ periodic: { interval: 60_000, exporter } }] },
      traces: { processors: [{ batch: { exporter } }] },
      resource: { 'service.name': 'edge' },
    },
    pipelines: { traces: { receivers: ['fake'], exporters: ['fake'] } },
  }
  const yaml = JSON.stringify({ receivers: { fake: null }, exporters: { fake: null }, service })
  const gateway = await startGateway({ sources: [`yaml:${yaml}`], catalog: stage.catalog() })
  t.after(() => gateway.stop())
  return gateway
}

function bodyOf(server: TestServer, signal: string): Uint8Array {
  const request = server.received.find(one => one.signal === signal)!
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(request.body) : request.body
}

// Scenario: a gateway with all three signals exported takes a batch, refuses another and stops; over HTTP with gzip
// and headers, and over gRPC.
// Guarantees: what it says of itself has arrived: counters, log lines, and one span a batch in the sender's trace.
for (const protocol of ['http/protobuf', 'grpc'] as const) {
  test(`the gateway's own signals are sent over ${protocol}`, async t => {
    const server = protocol === 'grpc' ? await grpcServer() : await httpServer()
    t.after(() => server.close())
    const stage = new Stage()
    const gateway = await start(t, stage, {
      protocol,
      endpoint: server.endpoint,
      insecure: true,
      headers: [{ name: 'x-tenant', value: 't1' }],
      compression: protocol === 'grpc' ? 'none' : 'gzip',
    })
    const context = { transport: 'grpc', traceparent: TRACEPARENT }
    const inlet = stage.inlet('fake', 'traces')
    await inlet.consume(numbered('traces', 0, 4), context)
    stage.answers.set('fake', () => {
      throw new Refused('busy')
    })
    await assert.rejects(inlet.consume(numbered('traces', 0, 2), context), Refused)
    await gateway.stop()

    const spans = decoded('traces', bodyOf(server, 'traces')).resourceSpans[0].scopeSpans[0].spans
    assert.deepEqual(
      spans.map((span: { name: string; status: { code?: number } }) => [span.name, span.status.code ?? 0]),
      [
        ['receiver/fake/TraceDataReceived', 0],
        ['receiver/fake/TraceDataReceived', 2],
      ],
    )
    assert.equal(Buffer.from(spans[0].parentSpanId, 'base64').toString('hex'), 'b7ad6b7169203331')
    const [{ resource, scopeMetrics }] = decoded('metrics', bodyOf(server, 'metrics')).resourceMetrics
    assert.match(JSON.stringify(resource), /"service\.name".*"edge"/)
    const accepted = scopeMetrics[0].metrics.find(
      ({ name }: { name: string }) => name === 'otelcol_receiver_accepted_spans',
    )
    assert.equal(accepted.sum.dataPoints[0].asInt, '4')
    const lines = JSON.stringify(decoded('logs', bodyOf(server, 'logs')))
    assert.match(lines, /Everything is ready/)
    // The gateway is told once, by the resource.
    assert.doesNotMatch(lines, /"key":"resource"/)
    assert.equal(server.received[0]!.headers['x-tenant'], 't1')
  })
}

// Scenario: nobody listens where the signals go.
// Guarantees: the gateway works and stops as if it were not so; what was lost is counted.
test('a missing backend is not felt', async t => {
  const stage = new Stage()
  const gateway = await start(t, stage, { protocol: 'http/protobuf', endpoint: 'http://127.0.0.1:1' })
  await stage.inlet('fake', 'traces').consume(numbered('traces', 0, 4), { transport: 'grpc' })
  await gateway.stop()
  const dropped = gateway.metrics
    .snapshot()
    .find(({ declaration }) => declaration.name === 'sluice_telemetry_dropped_records')!
  const total = dropped.points.reduce((sum, point) => sum + ('value' in point ? point.value : 0), 0)
  assert.equal(total >= 2, true, `${total}`)
})

// Scenario: a server never answers; the reader and the processors have shorter timeouts than the exporter's 10 s.
// Guarantees: the shorter one counts, so that stopping is not held up.
test('the timeouts of readers and processors count', { timeout: 8_000 }, async t => {
  const server = await httpServer(() => {})
  t.after(() => server.close())
  const exporter = { otlp: { endpoint: server.endpoint } }
  const service = {
    telemetry: {
      logs: { output_paths: [log], processors: [{ batch: { export_timeout: 500, exporter } }] },
      metrics: { readers: [{ periodic: { timeout: 500, exporter } }] },
    },
    pipelines: { traces: { receivers: ['fake'], exporters: ['fake'] } },
  }
  const yaml = JSON.stringify({ receivers: { fake: null }, exporters: { fake: null }, service })
  const gateway = await startGateway({ sources: [`yaml:${yaml}`], catalog: new Stage().catalog() })
  await gateway.stop()
  assert.ok(server.received.length >= 2)
})

// Scenario: the trace of a refused and an accepted batch reaches what is behind the receiver.
// Guarantees: exporters see the gateway's own span as their parent, in the sender's trace.
test('the trace goes on behind the receiver', async t => {
  const server = await httpServer()
  t.after(() => server.close())
  const stage = new Stage()
  let seen: string | undefined
  stage.treatments.set('fake', (batch, context, next) => {
    seen = context.traceparent
    return next.consume(batch, context)
  })
  const yaml = JSON.stringify({
    receivers: { fake: null },
    processors: { fake: null },
    exporters: { fake: null },
    service: {
      telemetry: {
        logs: { output_paths: [log] },
        metrics: { level: 'none' },
        traces: { processors: [{ simple: { exporter: { otlp: { endpoint: server.endpoint } } } }] },
      },
      pipelines: { traces: { receivers: ['fake'], processors: ['fake'], exporters: ['fake'] } },
    },
  })
  const gateway = await startGateway({ sources: [`yaml:${yaml}`], catalog: stage.catalog() })
  t.after(() => gateway.stop())
  await stage.inlet('fake', 'traces').consume(numbered('traces', 0, 1), { traceparent: TRACEPARENT })
  await gateway.stop()
  const [span] = decoded('traces', bodyOf(server, 'traces')).resourceSpans[0].scopeSpans[0].spans
  const id = Buffer.from(span.spanId, 'base64').toString('hex')
  assert.equal(seen, `00-0af7651916cd43dd8448eb211c80319c-${id}-01`)
})
