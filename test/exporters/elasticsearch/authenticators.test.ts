/**
 * Authenticators in front of a cluster, with the gateway as its users run it: under `auth` of the exporter, and under `auth`
 * of a backend of `jaeger_storage`. The Elasticsearch of the tests has no security, so it is one that looks at headers.
 */

import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { numberedSpans, numberOf } from '../../kit/elasticsearch-exporter.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import { imbalances, startGateway } from '../../kit/gateway-process.ts'
import { eventually } from '../../services/process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-auth-'))
after(() => rmSync(folder, { recursive: true }))
const tokenFile = join(folder, 'token')
const BASIC = `Basic ${Buffer.from('writer:secret word').toString('base64')}`
const OLD = 'old.5ffd28'
const NEW = 'new.a01c9e'

/** A cluster that lets nobody in who does not show this. */
async function guarded(shows: () => string): Promise<FakeElasticsearch> {
  const cluster = await FakeElasticsearch.start()
  const error = { type: 'security_exception', reason: 'missing authentication credentials' }
  cluster.answer = ({ headers }) =>
    headers['authorization'] === shows() ? undefined : { status: 401, body: { error } }
  return cluster
}

// Scenario: four clusters that ask for a password or a token, each behind another exporter of one gateway; a token that is
// changed, first by the cluster and then in the file.
// Guarantees: every request, those for the version and the templates too, shows what the extension has; with the old token
// nothing is lost, with the new one all of it is there.
test('basicauth and bearertokenauth, in the words of both exporters', { timeout: 120_000 }, async () => {
  let token = OLD
  writeFileSync(tokenFile, `${token}\n`)
  const clusters = {
    basic: await guarded(() => BASIC),
    bearer: await guarded(() => `Bearer ${token}`),
    storedBasic: await guarded(() => BASIC),
    storedBearer: await guarded(() => `Bearer ${token}`),
  }
  const retry = { initial_interval: '50ms', max_interval: '100ms' }
  const own = (url: string, authenticator: string) => ({
    endpoint: url,
    auth: { authenticator },
    mapping: { mode: 'jaeger' },
    retry,
  })
  const backend = (url: string, authenticator: string) => ({
    elasticsearch: { server_urls: [url], auth: { authenticator } },
  })
  const exporters = {
    'elasticsearch/basic': own(clusters.basic.url, 'basicauth/writer'),
    'elasticsearch/bearer': own(clusters.bearer.url, 'bearertokenauth'),
    'jaeger_storage_exporter/basic': { trace_storage: 'basic', retry_on_failure: retry },
    'jaeger_storage_exporter/bearer': { trace_storage: 'bearer', retry_on_failure: retry },
  }
  const config = {
    receivers: { otlp: { protocols: { grpc: {}, http: {} } } },
    exporters,
    extensions: {
      'basicauth/writer': { client_auth: { username: 'writer', password: 'secret word' } },
      bearertokenauth: { filename: tokenFile },
      jaeger_storage: {
        backends: {
          basic: backend(clusters.storedBasic.url, 'basicauth/writer'),
          bearer: backend(clusters.storedBearer.url, 'bearertokenauth'),
        },
      },
    },
    service: {
      extensions: ['basicauth/writer', 'bearertokenauth', 'jaeger_storage'],
      pipelines: { traces: { receivers: ['otlp'], exporters: Object.keys(exporters) } },
    },
  }
  const gateway = await startGateway(['--config', `yaml:${JSON.stringify(config)}`])
  const send = async (first: number): Promise<void> => {
    const headers = { 'content-type': 'application/x-protobuf' }
    const [body] = numberedSpans(10, undefined, first).chunks
    const answer = await fetch(`http://${gateway.http}/v1/traces`, { method: 'POST', headers, body: body! })
    assert.equal(answer.status, 200, await answer.text())
  }
  /** Spans that a cluster took, each as often as it did: what it refused shows another token. */
  const taken = ({ bulks }: FakeElasticsearch, ...shown: string[]): number[] =>
    bulks
      .filter(({ headers }) => shown.includes(String(headers['authorization'])))
      .flatMap(({ lines }) => lines.filter(line => line.traceID !== undefined).map(numberOf))
      .sort((a, b) => a - b)
  const until = (what: string, check: () => void): Promise<boolean> =>
    eventually(() => {
      check()
      return true
    }, what)
  const range = (count: number) => Array.from({ length: count }, (_, n) => n)
  const byBearer = [clusters.bearer, clusters.storedBearer]
  try {
    await send(0)
    for (const cluster of [clusters.basic, clusters.storedBasic])
      await until('spans by password', () => assert.deepEqual(taken(cluster, BASIC), range(10)))
    for (const cluster of byBearer)
      await until('spans by token', () => assert.deepEqual(taken(cluster, `Bearer ${OLD}`), range(10)))
    for (const cluster of Object.values(clusters)) {
      const shown = new Set(cluster.requests.map(({ headers }) => headers['authorization']))
      assert.equal(shown.size, 1, [...shown].join(', '))
      assert.ok(cluster.requests.some(({ path }) => path === '/'))
      assert.equal(cluster.templates.length, 2)
    }
    token = NEW
    await send(10)
    for (const { requests } of byBearer) {
      const before = requests.length
      await until('it is tried again', () => assert.ok(requests.length > before + 2))
    }
    // At once, as whoever changes such files does.
    writeFileSync(`${tokenFile}.new`, `${token}\n`)
    renameSync(`${tokenFile}.new`, tokenFile)
    for (const cluster of byBearer)
      await until('spans by the new token', () =>
        assert.deepEqual(taken(cluster, `Bearer ${NEW}`), range(20).slice(10)),
      )
    await eventually(
      async () => imbalances(await gateway.metrics()).length === 0 || undefined,
      'accounts that balance',
    )
    const said = gateway.output()
    for (const secret of ['secret word', OLD, NEW]) assert.ok(!said.includes(secret), said)
    assert.match(said, /401 security_exception: missing authentication credentials/)
  } finally {
    await gateway.stop()
    for (const cluster of Object.values(clusters)) await cluster.close()
  }
})
