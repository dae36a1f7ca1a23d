/** Nodes of a cluster: TLS, fingerprints, discovery, and those that fail. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, mock, test } from 'node:test'
import { inspect } from 'node:util'
import { Refused } from '../../../core/component/outcome.ts'
import { type Cluster, openCluster } from '../../../exporters/elasticsearch/client.ts'
import { config, type ElasticsearchConfig, nodesOf } from '../../../exporters/elasticsearch/config.ts'
import { nodesIn } from '../../../exporters/elasticsearch/discovery.ts'
import { makeCertificates } from '../../kit/certificates.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import { until } from '../../kit/files.ts'
import type { Tree } from '../../kit/node.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'

const certificates = makeCertificates()
after(() => certificates.remove())
const folder = dirname(certificates.ca)
const cert = certificates.read(certificates.serverCert) + certificates.read(certificates.ca)
const key = certificates.read(certificates.serverKey)
const fingerprintOf = (path: string): string =>
  execFileSync('openssl', ['x509', '-in', path, '-noout', '-fingerprint', '-sha256'])
    .toString()
    .trim()
    .replace(/^.*=/, '')

const { log } = testSettings('exporter', 'elasticsearch')

function open(written: Tree, auth?: Parameters<typeof openCluster>[3]): Cluster {
  const read = readConfig(config, written) as ElasticsearchConfig
  return openCluster(read, nodesOf(read), 'test', auth, log)
}

const PING = { method: 'GET', path: '/' } as const

async function ask(written: Tree): Promise<string> {
  const cluster = open(written)
  try {
    return String((await cluster.request(PING)).status)
  } catch (error) {
    assert.ok(error instanceof Refused)
    return error.message
  } finally {
    await cluster.close()
  }
}

// Scenario: a node with a certificate of an authority that nobody knows; the authority as a file, as a fingerprint in
// both spellings, nobody, another one; and a node that shows the authority's certificate without being signed by it.
// Guarantees: only who is told whom to trust gets an answer, and a chain is looked at link by link.
test('TLS by authority and by fingerprint', async () => {
  const node = await FakeElasticsearch.start({ cert, key })
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    'evil.key',
    '-out',
    'evil-ca.pem',
    '-subj',
    '/CN=test authority',
  )
  openssl('req', ...curve, '-keyout', 'fake.key', '-out', 'fake.csr', '-subj', '/CN=test server')
  writeFileSync(join(folder, 'fake.ext'), 'subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=none\n')
  openssl(
    ...['x509', '-req', '-in', 'fake.csr', '-CA', 'evil-ca.pem', '-CAkey', 'evil.key', '-CAcreateserial'],
    ...['-out', 'fake.pem', '-extfile', 'fake.ext'],
  )
  const liar = await FakeElasticsearch.start({
    cert: certificates.read(join(folder, 'fake.pem')) + certificates.read(certificates.ca),
    key: certificates.read(join(folder, 'fake.key')),
  })
  const fingerprint = fingerprintOf(certificates.ca)
  try {
    const endpoint = node.url
    assert.match(await ask({ endpoint }), /certificate/)
    assert.equal(await ask({ endpoint, tls: { ca_file: certificates.ca } }), '200')
    assert.equal(await ask({ endpoint, tls: { insecure_skip_verify: true } }), '200')
    assert.equal(await ask({ endpoint, ca_fingerprint: fingerprint }), '200')
    assert.equal(
      await ask({ endpoint, ca_fingerprint: fingerprint.replaceAll(':', '').toLowerCase() }),
      '200',
    )
    assert.equal(await ask({ endpoint, ca_fingerprint: fingerprintOf(certificates.serverCert) }), '200')
    assert.match(await ask({ endpoint, ca_fingerprint: '00'.repeat(32) }), /ca_fingerprint/)
    assert.match(await ask({ endpoint: liar.url, ca_fingerprint: fingerprint }), /ca_fingerprint/)
    assert.match(
      await ask({ endpoint, tls: { ca_file: certificates.ca, max_version: '1.2', min_version: '1.2' } }),
      /200/,
    )
    assert.throws(() => open({ endpoint, tls: { ca_file: join(folder, 'none') } }), /ca_file/)
  } finally {
    await node.close()
    await liar.close()
  }
})

// Scenario: one node is configured and tells of two, by address, one of them through TLS; then it tells nonsense.
// Guarantees: both are asked in turn; nonsense changes nothing; the authenticator's credentials are shown for that too.
test('nodes are discovered', async () => {
  const [a, b] = [await FakeElasticsearch.start({ cert, key }), await FakeElasticsearch.start({ cert, key })]
  const address = ({ url }: FakeElasticsearch): string => url.replace('https://', '')
  let body: unknown = {
    nodes: {
      a: { roles: ['data'], http: { publish_address: `127.0.0.1/${address(a)}` } },
      b: { roles: ['data', 'master'], http: { publish_address: address(b) } },
      master: { roles: ['master'], http: { publish_address: '127.0.0.1:1' } },
    },
  }
  let told = 0
  a.answer = b.answer = ({ path }) => {
    if (path !== '/_nodes/_all/http') return undefined
    told++
    return { status: 200, body }
  }
  const auth = {
    authorize: async (headers: Record<string, string>) => {
      headers['authorization'] = 'Bearer token'
    },
  }
  const cluster = open(
    { endpoint: a.url, tls: { ca_file: certificates.ca }, discover: { on_start: true, interval: '1ms' } },
    auth as unknown as Parameters<typeof openCluster>[3],
  )
  const pings = ({ requests }: FakeElasticsearch): number =>
    requests.filter(({ path }) => path === '/').length
  try {
    // Two, and the question for the nodes, which takes a turn too.
    await until(async () => {
      await Promise.all([cluster.request(PING), cluster.request(PING)])
      return pings(b) > 0
    })
    assert.ok(a.requests.every(({ headers }) => headers['authorization'] === 'Bearer token'))
    for (const nonsense of [
      {},
      { nodes: {} },
      { nodes: { x: null } },
      'no',
      { nodes: { x: { http: { publish_address: 7 } } } },
    ]) {
      body = nonsense
      const before = told
      await until(async () => {
        assert.equal((await cluster.request(PING)).status, 200)
        return told > before + 1
      })
    }
    const before = pings(b)
    await until(async () => {
      await Promise.all([cluster.request(PING), cluster.request(PING)])
      return pings(b) > before
    })
  } finally {
    await cluster.close()
    await a.close()
    await b.close()
  }
})

test('addresses of nodes', () => {
  const urls = (...addresses: string[]) =>
    nodesIn(
      { nodes: Object.fromEntries(addresses.map((at, i) => [i, { http: { publish_address: at } }])) },
      'http:',
    ).map(({ url }) => url.href)
  assert.deepEqual(
    urls('10.0.0.1:9200', '[::1]:9200', 'es-1/10.0.0.1:9200', 'es-2/[::1]:9201', '', '/', 'a b'),
    ['http://10.0.0.1:9200/', 'http://[::1]:9200/', 'http://es-1:9200/', 'http://es-2:9201/'],
  )
})

// Scenario: one of two nodes takes requests and never answers.
// Guarantees: after one request that waited in vain the others go to the node that answers.
test('a node that does not answer in time is left out', async () => {
  const [a, b] = [await FakeElasticsearch.start(), await FakeElasticsearch.start()]
  a.hangs = true
  const cluster = open({ endpoints: [a.url, b.url] })
  const inVain = new Refused('too late', { status: 'DEADLINE_EXCEEDED' })
  try {
    let failures = 0
    for (let i = 0; i < 8; i++) {
      const controller = new AbortController()
      const before = a.requests.length
      const asked = cluster.request({ ...PING, signal: controller.signal }).catch(() => failures++)
      await until(() => Promise.resolve(a.requests.length > before || b.requests.length > i - failures))
      if (a.requests.length > before) controller.abort(inVain)
      await asked
    }
    assert.deepEqual([failures, a.requests.length, b.requests.length], [1, 1, 7])
  } finally {
    await cluster.close()
    await a.close()
    await b.close()
  }
})

// Scenario: both nodes fail for a long time, then one comes back, and the other a while later.
// Guarantees: a node is asked again within a minute, however long it was away: they share the work as before.
test('a node that was away for long is soon asked again', async () => {
  const [a, b] = [await FakeElasticsearch.start(), await FakeElasticsearch.start()]
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const cluster = open({ endpoints: [a.url, b.url] })
  try {
    for (const node of [a, b]) node.answer = () => ({ status: 503, body: 'away' })
    for (let i = 0; i < 40; i++) await cluster.request(PING)
    a.answer = () => undefined
    for (let i = 0; i < 10; i++) await cluster.request(PING)
    const before = b.requests.length
    await cluster.request(PING)
    assert.equal(b.requests.length, before, 'it is left out')
    b.answer = () => undefined
    mock.timers.tick(60_000)
    a.requests.length = b.requests.length = 0
    for (let i = 0; i < 10; i++) await cluster.request(PING)
    assert.deepEqual([a.requests.length, b.requests.length], [5, 5])
  } finally {
    mock.timers.reset()
    await cluster.close()
    await a.close()
    await b.close()
  }
})

// Scenario: six requests at once, with no more than two connections to a node; then three without keeping any.
// Guarantees: no more connections than that; a new one for each request where none is kept.
test('connections are kept as the config says', async () => {
  const node = await FakeElasticsearch.start()
  const ports = new Set<number>()
  node.answer = ({ remotePort }) => {
    ports.add(remotePort)
    return undefined
  }
  const few = open({ endpoint: node.url, max_conns_per_host: 2 })
  const none = open({ endpoint: node.url, disable_keep_alives: true })
  try {
    await Promise.all(Array.from({ length: 6 }, () => few.request(PING)))
    assert.equal(ports.size, 2)
    ports.clear()
    for (let i = 0; i < 3; i++) await none.request(PING)
    assert.equal(ports.size, 3)
  } finally {
    await few.close()
    await none.close()
    await node.close()
  }
})

// Scenario: bulk requests of 64 kB with credentials that a node answers with 429, and that nobody takes any more.
// Guarantees: the client does not take bodies apart to copy them into its errors, and no error has a request or a secret.
test('errors leave requests alone', async t => {
  const node = await FakeElasticsearch.start()
  node.answer = () => ({ status: 429, body: {} })
  const cluster = open({ endpoint: node.url, user: 'u', password: 'not to be seen' })
  t.after(() => cluster.close())
  const bulk = {
    method: 'POST',
    path: '/_bulk',
    body: Buffer.from(JSON.stringify('a body to be left alone '.repeat(3000))),
  } as const
  let apart = 0
  const { entries } = Object
  t.mock.method(Object, 'entries', (value: object) => {
    if (ArrayBuffer.isView(value)) apart++
    return entries(value)
  })
  assert.equal((await cluster.request(bulk)).status, 429)
  await node.close()
  const refused = await cluster.request(bulk).catch((error: unknown) => error)
  assert.ok(refused instanceof Refused)
  assert.ok(refused.cause instanceof Error)
  assert.equal(apart, 0)
  const shown = inspect(refused, { depth: 20, showHidden: true })
  assert.doesNotMatch(shown, /not to be seen|bm90IHRvIGJlIHNlZW4|left alone/)
  assert.doesNotMatch(shown, /authorization|61 20 62 6f 64 79/)
})
