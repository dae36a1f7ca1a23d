import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ClientAuthenticator } from '../../../core/component/extensions.ts'
import { NO_META } from '../../../core/component/meta.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { factory } from '../../../extensions/oauth2client/index.ts'
import { makeCertificates } from '../../kit/certificates.ts'
import { emptyFolder, until } from '../../kit/files.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

interface Asked {
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

type Reply = readonly [status: number, body: unknown, type?: string]

/** A token server over HTTP that answers as a test wants and keeps what it was asked. */
async function tokenServer(t: TestContext, tls?: { key: string; cert: string }) {
  const asked: Asked[] = []
  const server = {
    asked,
    url: '',
    reply: (_asked: Asked, nth: number): Reply | Promise<Reply> => [
      200,
      { access_token: `token${nth}`, token_type: 'bearer', expires_in: 3600 },
    ],
  }
  const make = tls === undefined ? createServer : createTlsServer.bind(undefined, tls)
  const http = make(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const one = { headers: request.headers, form: new URLSearchParams(Buffer.concat(parts).toString()) }
    asked.push(one)
    const [status, body, type = 'application/json'] = await server.reply(one, asked.length)
    response.writeHead(status, { 'content-type': type })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  server.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(http.address() as AddressInfo).port}/token?a=b`
  return server
}

async function start(t: TestContext, config: Record<string, unknown>) {
  const settings = testSettings('extension', 'oauth2client')
  const plain = { client_id: 'my id', client_secret: 'my&secret', ...config }
  const extension = factory.create(readConfig(factory.config, plain), settings)
  t.after(() => extension.stop(0))
  await extension.start()
  return { client: extension as unknown as ClientAuthenticator, settings }
}

/** What is shown with a request. */
async function shown(client: ClientAuthenticator, signal?: AbortSignal): Promise<string | undefined> {
  const headers: Record<string, string> = {}
  await client.authorize(headers, NO_META, signal)
  return headers['authorization']
}

// Scenario: a server that wants id and secret in the header; scopes and more parameters.
// Guarantees: RFC 6749 4.4 on the wire, once for many requests, and the token as Bearer.
test('a token is had once', async t => {
  const server = await tokenServer(t)
  const { client, settings } = await start(t, {
    token_url: server.url,
    scopes: ['a', 'b'],
    endpoint_params: { audience: 'all', resource: ['x', 'y'] },
  })
  assert.equal(server.asked.length, 0)
  const all = await Promise.all(Array.from({ length: 20 }, () => shown(client)))
  assert.deepEqual(new Set(all), new Set(['Bearer token1']))
  assert.equal(server.asked.length, 1)
  const { headers, form } = server.asked[0]!
  const pair = Buffer.from(headers.authorization!.slice('Basic '.length), 'base64').toString()
  assert.equal(pair, 'my+id:my%26secret')
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
  assert.equal(form.toString(), 'grant_type=client_credentials&scope=a+b&audience=all&resource=x&resource=y')
  const headersNow: Record<string, string> = {}
  assert.equal(client.authorize(headersNow, NO_META, undefined), undefined)
  assert.equal(headersNow['authorization'], 'Bearer token1')
  assert.equal(client.plainTextAllowed, false)
  assert.equal(settings.host.health.get(settings.name)?.state, 'ok')
})

// Scenario: a server that takes id and secret in the form only, and answers with a form, as old ones do.
// Guarantees: it is found out once and remembered.
test('a server that wants the secret in the form', async t => {
  const server = await tokenServer(t)
  server.reply = ({ form }, nth) =>
    form.get('client_secret') === 'my&secret' && form.get('client_id') === 'my id'
      ? [200, `access_token=t${nth}&expires_in=1`, 'application/x-www-form-urlencoded']
      : [401, { error: 'invalid_client' }]
  const { client } = await start(t, { token_url: server.url })
  assert.equal(await shown(client), 'Bearer t2')
  assert.equal(server.asked[1]!.headers.authorization, undefined)
  await until(async () => (await shown(client)) === 'Bearer t3')
  assert.equal(server.asked[2]!.headers.authorization, undefined)
})

// Scenario: a token that lives for a second, which is less than expiry_buffer; later the server fails.
// Guarantees: it is renewed when half of its life is over, while requests go on with the old one; not for each request.
test('a token is renewed in the background', async t => {
  const server = await tokenServer(t)
  server.reply = (_, nth) => [200, { access_token: `token${nth}`, expires_in: '2' }]
  const { client } = await start(t, { token_url: server.url })
  assert.equal(await shown(client), 'Bearer token1')
  for (let i = 0; i < 50; i++) assert.equal(await shown(client), 'Bearer token1')
  assert.equal(server.asked.length, 1)
  await until(async () => (await shown(client)) === 'Bearer token2')
  assert.equal(server.asked.length, 2)
})

// Scenario: the server says no, says nonsense, is not there, and hangs; afterwards it is well.
// Guarantees: a retryable failure that names the server and the reason, never the secret; the server is asked once
// whoever waits; health shows it; the wait of a request ends with the request.
test('no token is a reason to try again', async t => {
  const server = await tokenServer(t)
  const failure = async (reply: Reply, config: Record<string, unknown> = {}): Promise<Refused> => {
    server.reply = () => reply
    const { client, settings } = await start(t, { token_url: server.url, ...config })
    const error = await shown(client).catch((one: unknown) => one)
    assert.ok(error instanceof Refused && error.status === 'UNAVAILABLE')
    assert.ok(!JSON.stringify([error.message, settings.log.lines]).includes('my&secret'), error.message)
    assert.match(error.message, /^oauth2client: no token from http:\/\/127\.0\.0\.1:\d+\/token: /)
    assert.equal(settings.host.health.get(settings.name)?.state, 'recoverable_error')
    return error
  }
  const denied = [401, { error: 'invalid_client', error_description: 'not my&secret' }] as const
  assert.match((await failure(denied)).message, /it answered 401, invalid_client: not \[REDACTED\]$/)
  assert.match((await failure([500, 'oops', 'text/html'])).message, /it answered 500$/)
  assert.match((await failure([200, 'oops'])).message, /it answered 200 without an access_token/)
  assert.match((await failure([200, { access_token: 'a\nb' }])).message, /cannot be put into a header/)
  const nowhere = { token_url: 'http://127.0.0.1:9/token' }
  assert.match((await failure([200, {}], nowhere)).message, /nothing listens there/)
  const missing = { client_secret_file: '/nowhere/secret' }
  assert.match((await failure([200, {}], missing)).message, /cannot read client_secret_file/)

  server.reply = () => new Promise(() => {})
  const hanging = await start(t, { token_url: server.url })
  const waiting = shown(hanging.client, AbortSignal.timeout(50)).catch((one: unknown) => one)
  assert.match(String(await waiting), /no token was had in time/)
  const short = await start(t, { token_url: server.url, timeout: '50ms' })
  await assert.rejects(shown(short.client), /did not answer in time/)

  server.reply = () => [503, {}]
  const { client, settings } = await start(t, { token_url: server.url })
  const before = server.asked.length
  await Promise.allSettled(Array.from({ length: 10 }, () => shown(client)))
  assert.equal(server.asked.length - before, 2) // In the header, then in the form.
  server.reply = () => [200, { access_token: 'well', token_type: 'Bearer' }]
  await until(() =>
    shown(client).then(
      one => one === 'Bearer well',
      () => false,
    ),
  )
  assert.equal(settings.host.health.get(settings.name)?.state, 'ok')
})

// Scenario: a server downstream does not take the token.
// Guarantees: a token that just came is not thrown away, so that nobody is flooded; one that is not in use any more is
// worth another try.
test('a token that is not taken', async t => {
  const server = await tokenServer(t)
  const { client } = await start(t, { token_url: server.url })
  const authorization = await shown(client)
  assert.equal(client.renew!({ authorization: authorization! }), false)
  assert.equal(client.renew!({ authorization: 'Bearer old' }), true)
  assert.equal(server.asked.length, 1)
})

// Scenario: the secret is in a file, and the token server speaks TLS.
// Guarantees: the file is read for each token; its certificate is checked with `tls`.
test('files and TLS', async t => {
  const certificates = makeCertificates()
  t.after(() => certificates.remove())
  const server = await tokenServer(t, {
    key: certificates.read(certificates.serverKey),
    cert: certificates.read(certificates.serverCert),
  })
  const file = join(emptyFolder(t), 'secret')
  writeFileSync(file, ' from-file \n')
  const config = { token_url: server.url, client_secret: '', client_secret_file: file }
  const { client } = await start(t, { ...config, tls: { ca_file: certificates.ca } })
  assert.equal(await shown(client), 'Bearer token1')
  const pair = Buffer.from(server.asked[0]!.headers.authorization!.slice(6), 'base64').toString()
  assert.equal(pair, 'my+id:from-file')
  const { client: distrusting } = await start(t, config)
  await assert.rejects(shown(distrusting), /certificate/)
  await assert.rejects(start(t, { ...config, tls: { ca_file: '/nowhere/ca.pem' } }), /ca_file/)
})

// Scenario: jwt-bearer with each algorithm, and with everything in it that can be set.
// Guarantees: RFC 7523 on the wire; the signature is right, and the claims are those of the config.
test('a signed JWT instead of a secret', async t => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const server = await tokenServer(t)
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const common = { token_url: server.url, client_secret: '', grant_type, client_certificate_key: pem }
  const full = {
    ...common,
    scopes: ['a', 'b'],
    signature_algorithm: 'RS512',
    client_certificate_key_id: 'key1',
    iss: 'issuer',
    audience: 'everybody',
    claims: { tier: 3, sub: 'somebody' },
    endpoint_params: { grant_type: 'own' },
  }
  for (const [config, digest] of [
    [common, 'sha256'],
    [{ ...common, signature_algorithm: 'RS384' }, 'sha384'],
    [full, 'sha512'],
  ] as const) {
    const { client } = await start(t, config)
    await shown(client)
    const { form, headers } = server.asked.at(-1)!
    assert.equal(headers.authorization, undefined)
    const [head, body, signature] = form.get('assertion')!.split('.')
    const signed = Buffer.from(`${head}.${body}`)
    assert.ok(
      verify(
        digest,
        signed,
        createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
        Buffer.from(signature!, 'base64url'),
      ),
    )
    const header = JSON.parse(Buffer.from(head!, 'base64url').toString())
    const claims = JSON.parse(Buffer.from(body!, 'base64url').toString())
    assert.equal(claims.exp - claims.iat, 1800)
    assert.match(claims.jti, /^[\da-f-]{36}$/)
    if (config !== full) {
      assert.deepEqual([form.get('grant_type'), form.get('scope')], [grant_type, null])
      assert.deepEqual([claims.iss, claims.sub, claims.aud], ['my id', 'my id', server.url])
      assert.equal(header.kid, undefined)
    } else {
      assert.deepEqual([form.get('grant_type'), form.get('scope'), claims.scope], ['own', 'a b', 'a b'])
      assert.deepEqual(
        [claims.iss, claims.sub, claims.aud, claims.tier],
        ['issuer', 'somebody', 'everybody', 3],
      )
      assert.deepEqual(header, { alg: 'RS512', typ: 'JWT', kid: 'key1' })
    }
  }
  const { client } = await start(t, { ...common, client_certificate_key: 'secret nonsense' })
  await assert.rejects(
    shown(client),
    error => /not a private key/.test(String(error)) && !/nonsense/.test(String(error)),
  )
})

// Scenario: configs that make no sense, and the printed form of one that does.
// Guarantees: errors say what to do; secrets are printed nowhere, not even in parameters.
test('configs are checked, and secrets not printed', () => {
  const problems = (plain: unknown) => tryConfig(factory.config, plain).problems.join('\n')
  const token_url = 'https://host/token'
  assert.match(problems({}), /token_url: is missing/)
  assert.match(problems({ token_url }), /client_id: is missing.*\n.*client_secret: is missing/)
  assert.match(
    problems({ token_url: 'host/token', client_id: 'a', client_secret: 'b' }),
    /not the URL of a token server/,
  )
  assert.match(
    problems({ token_url, grant_type: 'password', client_id: 'a' }),
    /"password" is not one of its values/,
  )
  const jwt = { token_url, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_id: 'a' }
  assert.match(problems(jwt), /client_certificate_key: is missing/)
  const config = readConfig(factory.config, {
    token_url,
    client_id: 'a',
    client_secret: 'secret1',
    endpoint_params: { password: 'secret2', list: ['secret3'] },
  })
  assert.ok(!JSON.stringify(factory.config.print(config, false)).includes('secret1'))
  assert.ok(!/secret[23]/.test(JSON.stringify(factory.config.print(config, false))))
})
