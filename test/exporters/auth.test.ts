/** `auth` of both OTLP exporters: what their clients in core/transport do for every exporter. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ServerCredentials } from '@grpc/grpc-js'
import { batchOf } from '../../core/component/batch.ts'
import { type Exporter, type Extension, NO_CONTEXT } from '../../core/component/contract.ts'
import type { ClientAuthenticator } from '../../core/component/extensions.ts'
import type { Meta } from '../../core/component/meta.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { factory as grpcFactory } from '../../exporters/otlp-grpc.ts'
import { factory as httpFactory } from '../../exporters/otlp-http.ts'
import { makeCertificates } from '../kit/certificates.ts'
import { generate } from '../kit/generate.ts'
import { Failure, grpcServer, httpServer, type Received } from '../kit/otlp-servers.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'

const META: Meta = { address: '', metadata: new Map([['x-tenant', ['blue']]]), auth: new Map() }
const LOGS = batchOf('logs', [generate('logs', 1, 3).bytes], 3, META)

type Authenticator = Partial<ClientAuthenticator>

/** Shows `key N`, where N is 1 until `renew` makes it 2. */
function keyed(): Authenticator {
  let key = 1
  return {
    plainTextAllowed: false,
    authorize(headers) {
      headers['authorization'] = `key ${key}`
    },
    renew(headers) {
      assert.equal(headers['authorization'], `key ${key}`)
      return ++key === 2
    },
  }
}

interface Side {
  readonly name: string
  readonly received: Received[]
  /** The answer to who shows this. */
  allow: (authorization: string) => boolean
  exporter(authenticator: Authenticator, more?: Record<string, unknown>): Promise<Exporter>
}

/** A server and exporters for it, over HTTP and over gRPC with TLS. */
async function sides(t: TestContext): Promise<Side[]> {
  const certificates = makeCertificates()
  t.after(() => certificates.remove())
  const start = async (exporter: Exporter): Promise<Exporter> => {
    t.after(() => exporter.stop(performance.now()))
    await exporter.start()
    return exporter
  }
  const settingsOf = (authenticator: Authenticator) => {
    const settings = testSettings('exporter', 'otlp')
    const life = { start: async () => {}, stop: async () => {} }
    settings.host.extensions.set('auth', { ...life, ...authenticator } as Extension)
    return settings
  }
  const auth = { authenticator: 'auth' }
  const shown = ({ headers }: Received): string => String(headers['authorization'])
  const http = await httpServer((response, request) =>
    response.writeHead(overHttp.allow(shown(request)) ? 200 : 401).end(),
  )
  const overHttp: Side = {
    name: 'HTTP',
    received: http.received,
    allow: () => true,
    exporter: (authenticator, more = {}) => {
      const config = readConfig(httpFactory.config, { endpoint: http.endpoint, auth, ...more })
      return start(httpFactory.create(config, settingsOf(authenticator), SIGNALS))
    },
  }
  const pair = {
    cert_chain: Buffer.from(certificates.read(certificates.serverCert)),
    private_key: Buffer.from(certificates.read(certificates.serverKey)),
  }
  const grpc = await grpcServer({
    credentials: ServerCredentials.createSsl(null, [pair], false),
    handler: request => {
      if (overGrpc.allow(shown(request))) return new Uint8Array()
      throw new Failure({ code: 'UNAUTHENTICATED', message: 'no' })
    },
  })
  const overGrpc: Side = {
    name: 'gRPC',
    received: grpc.received,
    allow: () => true,
    exporter: (authenticator, more = {}) => {
      const tls = { ca_file: certificates.ca }
      const config = readConfig(grpcFactory.config, { endpoint: grpc.endpoint, tls, auth, ...more })
      return start(grpcFactory.create(config, settingsOf(authenticator), SIGNALS))
    },
  }
  t.after(() => Promise.all([http.close(), grpc.close()]))
  return [overHttp, overGrpc]
}

const send = (exporter: Exporter): Promise<unknown> =>
  exporter.send(LOGS, NO_CONTEXT).catch((error: unknown) => error)

// Scenario: authenticators that add, change and take away headers, at once and after a while, by what the batch's
// sender said.
// Guarantees: what leaves is what they made of it, for each request anew; `headers` of the exporter stay as they were.
test('authenticators have the last word on headers', async t => {
  for (const side of await sides(t)) {
    let nth = 0
    const exporter = await side.exporter(
      {
        plainTextAllowed: true,
        async authorize(headers, { metadata }) {
          await new Promise(resolve => setImmediate(resolve))
          assert.equal(headers['x-own'], 'own')
          headers['authorization'] = `${metadata.get('x-tenant')} ${++nth}`
          headers['x-own'] = 'theirs'
          delete headers['x-gone']
        },
      },
      { headers: { 'X-Own': 'own', 'X-Gone': 'a' } },
    )
    for (let i = 0; i < 2; i++) assert.deepEqual(await send(exporter), { sent: 3 }, side.name)
    const headers = side.received.map(one => one.headers)
    assert.deepEqual(
      headers.map(one => [one['authorization'], one['x-own'], one['x-gone']]),
      [
        ['blue 1', 'theirs', undefined],
        ['blue 2', 'theirs', undefined],
      ],
      side.name,
    )
  }
})

// Scenario: the server takes the second key only, then none at all.
// Guarantees: other credentials are tried once and at once; when there are none the batch is rejected.
test('other credentials are tried once', async t => {
  for (const side of await sides(t)) {
    side.allow = shown => shown === 'key 2'
    const exporter = await side.exporter(keyed())
    assert.deepEqual(await send(exporter), { sent: 3 }, side.name)
    assert.equal(side.received.length, 2)
    side.allow = () => false
    const error = await send(exporter)
    assert.ok(error instanceof Rejected && error.status === 'UNAUTHENTICATED', side.name)
    assert.equal(side.received.length, 3)
  }
})

// Scenario: no credentials can be had, or none that a header can carry.
// Guarantees: nothing is sent; the outcome is the authenticator's, so a token that cannot be had is tried again; a value
// that cannot be sent is quoted nowhere.
test('without credentials nothing is sent', async t => {
  for (const side of await sides(t)) {
    const none = await side.exporter({
      plainTextAllowed: false,
      authorize: () => Promise.reject(new Refused('no token', { status: 'UNAVAILABLE' })),
    })
    const refused = await send(none)
    assert.ok(refused instanceof Refused && refused.message === 'no token', side.name)
    const odd = await side.exporter({
      plainTextAllowed: false,
      authorize(headers) {
        headers['authorization'] = 'sec\nret'
      },
    })
    const error = await send(odd)
    assert.ok(error instanceof Refused || error instanceof Rejected, side.name)
    assert.ok(!/sec|ret\b/.test(error.message), error.message)
    assert.equal(side.received.length, 0)
  }
})

// Scenario: secrets over gRPC without TLS; no such extension; one that is no authenticator of this kind.
// Guarantees: the exporter does not start, and says why.
test('an exporter does not start without its authenticator', async t => {
  const [http, grpc] = (await sides(t)) as [Side, Side]
  const insecure = { tls: { insecure: true } }
  await assert.rejects(
    grpc.exporter(keyed(), insecure),
    /auth: auth adds secrets to requests, which gRPC sends over TLS only/,
  )
  await grpc.exporter({ plainTextAllowed: true, authorize: () => {} }, insecure)
  for (const side of [http, grpc]) {
    const missing = { auth: { authenticator: 'nobody' } }
    await assert.rejects(side.exporter({}, missing), /auth: no extension nobody runs/)
    await assert.rejects(side.exporter({}), /auth: auth is no extension that adds credentials/)
  }
})
