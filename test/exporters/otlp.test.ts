/** What both OTLP exporters owe, whatever the transport. Each case runs once over HTTP and once over gRPC. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Batch, batchOf } from '../../core/component/batch.ts'
import { type Exporter, type ExporterFactory, NO_CONTEXT } from '../../core/component/contract.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { factory as overGrpc } from '../../exporters/otlp-grpc.ts'
import { factory as overHttp } from '../../exporters/otlp-http.ts'
import { generate } from '../kit/generate.ts'
import { grpcServer, httpServer, type Received, type TestServer } from '../kit/otlp-servers.ts'
import { type TestSettings, testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'
import { freePort } from '../services/ports.ts'

interface Door {
  readonly name: string
  readonly serve: () => Promise<TestServer>
  readonly make: (endpoint: string, settings: TestSettings) => Exporter
  readonly plain: (request: Received) => Buffer
}

function maker(factory: ExporterFactory<never>, more: Record<string, unknown>): Door['make'] {
  return (endpoint, settings) =>
    factory.create(readConfig(factory.config, { endpoint, ...more }) as never, settings, SIGNALS)
}

const DOORS: readonly Door[] = [
  {
    name: 'otlp_http',
    serve: () => httpServer(),
    make: maker(overHttp as never, {}),
    plain: request => gunzipSync(request.body),
  },
  {
    name: 'otlp_grpc',
    serve: () => grpcServer(),
    make: maker(overGrpc as never, { tls: { insecure: true } }),
    plain: request => request.body,
  },
  {
    name: 'otlp_grpc with grpc-js',
    serve: () => grpcServer(),
    make: maker(overGrpc as never, { tls: { insecure: true }, client: 'grpc-js' }),
    plain: request => request.body,
  },
]

const TRACES = batchOf('traces', [generate('traces', 1, 10).bytes], 10)

for (const door of DOORS) {
  const onServer = async (
    run: (server: TestServer, exporter: Exporter, settings: TestSettings) => Promise<void>,
  ): Promise<void> => {
    const server = await door.serve()
    const settings = testSettings('exporter', door.name)
    const exporter = door.make(server.endpoint, settings)
    await exporter.start()
    try {
      await run(server, exporter, settings)
    } finally {
      await server.close()
      await exporter.stop(performance.now())
    }
  }
  const caught = async (sent: Promise<unknown>): Promise<Refused | Rejected> => {
    const error = await sent.then(
      () => undefined,
      error => error,
    )
    assert.ok(error instanceof Refused || error instanceof Rejected, `not an outcome: ${error}`)
    return error
  }

  // Scenario: one request of each signal, in one chunk and in three, goes to a server that takes it; gzip is on.
  // Guarantees: the server sees the chunks' bytes, unchanged and in order, at the signal's own path or method, with
  // our user agent; everything counts as sent.
  test(`${door.name}: bytes arrive as they were`, async () => {
    await onServer(async (server, exporter) => {
      for (const signal of SIGNALS) {
        const [a, b, c] = [1, 2, 3].map(seed => generate(signal, seed, 4).bytes)
        const chunked = signal === 'profiles' ? [[a!]] : [[a!], [a!, b!, c!]]
        for (const chunks of chunked) {
          const batch: Batch = batchOf(signal, chunks, 12)
          assert.deepEqual(await exporter.send(batch, NO_CONTEXT), { sent: 12 })
          const request = server.received.at(-1)!
          assert.equal(request.signal, signal)
          assert.deepEqual(door.plain(request), Buffer.concat(chunks))
          assert.match(
            String(request.headers['user-agent']),
            /^sluice-test\/0\.0\.0 \([a-z0-9]+\/[a-z0-9]+\)/,
          )
        }
      }
    })
  })

  // Scenario: the server takes seven of ten and says why; then it takes all and warns; then claims to reject 99.
  // Guarantees: sent + rejected = items every time, nothing is left to retry, and the server's words are logged.
  test(`${door.name}: partial success`, async () => {
    await onServer(async (server, exporter, { log }) => {
      server.answer = { kind: 'partial', rejected: 3, message: 'too old' }
      assert.deepEqual(await exporter.send(TRACES, NO_CONTEXT), {
        sent: 7,
        rejected: [{ items: 3, reason: 'partial_success', message: 'too old' }],
      })
      assert.equal(log.lines.at(-1)?.fields['message'], 'too old')
      server.answer = { kind: 'partial', rejected: 0, message: 'be careful' }
      assert.deepEqual(await exporter.send(TRACES, NO_CONTEXT), { sent: 10 })
      assert.equal(log.lines.at(-1)?.fields['message'], 'be careful')
      server.answer = { kind: 'partial', rejected: 99, message: 'all' }
      const { sent, rejected } = await exporter.send(TRACES, NO_CONTEXT)
      assert.deepEqual([sent, rejected?.[0]?.items], [0, 10])
    })
  })

  // Scenario: the server is busy, without and with a wait; then it calls the request malformed.
  // Guarantees: busy is Refused, with the wait in ms when one was asked for; malformed is Rejected with its words.
  test(`${door.name}: refused and rejected`, async () => {
    await onServer(async (server, exporter) => {
      server.answer = { kind: 'refuse' }
      const busy = await caught(exporter.send(TRACES, NO_CONTEXT))
      assert.ok(busy instanceof Refused)
      assert.deepEqual([busy.afterMs, busy.status], [undefined, 'UNAVAILABLE'])
      server.answer = { kind: 'refuse', afterMs: 7000 }
      const waits = await caught(exporter.send(TRACES, NO_CONTEXT))
      assert.ok(waits instanceof Refused)
      assert.equal(waits.afterMs, 7000)
      server.answer = { kind: 'reject', message: 'span id has 9 bytes' }
      const never = await caught(exporter.send(TRACES, NO_CONTEXT))
      assert.ok(never instanceof Rejected)
      assert.equal(never.status, 'INVALID_ARGUMENT')
      assert.match(never.message, /127\.0\.0\.1:\d+.*span id has 9 bytes/)
    })
  })

  // Scenario: nobody listens at the endpoint.
  // Guarantees: Refused soon, in words that name the endpoint.
  test(`${door.name}: a dead server`, async () => {
    const port = await freePort()
    const scheme = door.name === 'otlp_http' ? 'http://' : ''
    const exporter = door.make(`${scheme}127.0.0.1:${port}`, testSettings('exporter', door.name))
    await exporter.start()
    const error = await caught(exporter.send(TRACES, NO_CONTEXT))
    assert.ok(error instanceof Refused)
    assert.match(error.message, new RegExp(`127.0.0.1:${port}.*ECONNREFUSED`))
    await exporter.stop(performance.now())
  })

  // Scenario: the context makes its signal when it is asked for, as that of an attempt does; the server hangs.
  // Guarantees: the request ends with the abort.
  test(`${door.name}: a signal that is made when it is asked for`, async () => {
    await onServer(async (server, exporter) => {
      server.answer = { kind: 'hang' }
      const caller = new AbortController()
      const context = Object.create({
        get signal() {
          return caller.signal
        },
      })
      const arrived = server.arrival()
      const sent = caught(exporter.send(TRACES, context))
      await arrived
      caller.abort(new Error('attempt took too long'))
      assert.match((await sent).message, /did not answer in time/)
    })
  })

  // Scenario: the server reads the request and never answers; the caller stops waiting. Another had stopped before.
  // Guarantees: Refused at the abort, and nothing is sent for a caller that has stopped already; the next request works.
  test(`${door.name}: a server that hangs`, async () => {
    await onServer(async (server, exporter) => {
      server.answer = { kind: 'hang' }
      const caller = new AbortController()
      const arrived = server.arrival()
      const sent = caught(exporter.send(TRACES, { signal: caller.signal }))
      await arrived
      caller.abort(new Error('attempt took too long'))
      const error = await sent
      assert.ok(error instanceof Refused)
      assert.match(error.message, /did not answer in time/)
      const early = await caught(exporter.send(TRACES, { signal: AbortSignal.abort() }))
      assert.ok(early instanceof Refused)
      assert.equal(server.received.length, 1)
      server.answer = { kind: 'accept' }
      assert.deepEqual(await exporter.send(TRACES, NO_CONTEXT), { sent: 10 })
    })
  })

  // Scenario: the server dies while a request is open.
  // Guarantees: Refused, because nobody knows whether it was taken.
  test(`${door.name}: a server that dies`, async () => {
    await onServer(async (server, exporter) => {
      server.answer = { kind: 'hang' }
      const arrived = server.arrival()
      const sent = caught(exporter.send(TRACES, NO_CONTEXT))
      await arrived
      await server.close()
      assert.ok((await sent) instanceof Refused)
    })
  })

  // Scenario: an exporter is stopped without having been started, used without start, and stopped twice.
  // Guarantees: stop never throws; sending without start is Refused and takes nothing.
  test(`${door.name}: life cycle`, async () => {
    const scheme = door.name === 'otlp_http' ? 'http://' : ''
    const exporter = door.make(`${scheme}127.0.0.1:1`, testSettings('exporter', door.name))
    await exporter.stop(performance.now())
    assert.ok((await caught(exporter.send(TRACES, NO_CONTEXT))) instanceof Refused)
    await exporter.start()
    await exporter.stop(performance.now())
    await exporter.stop(performance.now())
  })
}
