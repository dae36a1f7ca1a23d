import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { makeCertificates } from '../../kit/certificates.ts'
import { ByHand, own, pages, target } from './kit.ts'

const certificates = makeCertificates()
after(() => certificates.remove())

// Scenario: a target with TLS that wants a certificate, scraped with files, with texts, without checking, and without.
// Guarantees: each way works as tls_config says, and who has no certificate gets `up` 0 with the reason.
test('https', async t => {
  const { ca, serverCert, serverKey, clientCert, clientKey, read } = certificates
  const server = createTlsServer(
    {
      cert: read(serverCert),
      key: read(serverKey),
      ca: read(ca),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_, response) => response.end('a 1\n'),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const scraped = async (tls_config: object, host = '127.0.0.1') => {
    const harness = new ByHand(`${host}:${port}`, { scheme: 'https', tls_config })
    const values = own(await harness.scrape())
    return [values, String(harness.warnings[0]?.['error'] ?? '')] as const
  }
  const client = { cert_file: clientCert, key_file: clientKey }
  const good = { a: 1, up: 1 }
  assert.deepEqual((await scraped({ ca_file: ca, ...client }))[0], good)
  assert.deepEqual((await scraped({ ca: read(ca), cert: read(clientCert), key: read(clientKey) }))[0], good)
  assert.deepEqual((await scraped({ insecure_skip_verify: true, ...client }))[0], good)
  assert.deepEqual(
    (await scraped({ ca_file: ca, server_name: 'host.test', ...client }, 'localhost'))[0],
    good,
  )
  const [values, why] = await scraped({ ca_file: ca, server_name: 'other.test', ...client })
  assert.deepEqual(values, { up: 0 })
  assert.match(why, /other\.test/)
  assert.deepEqual((await scraped(client))[0], { up: 0 })
  assert.deepEqual((await scraped({ ca_file: ca }))[0], { up: 0 })
})

// Scenario: jobs with a proxy, with exceptions from it, and with a proxy in the environment that they do not ask for.
// Guarantees: only what is to go through the proxy does.
test('proxies', async t => {
  const asked: string[] = []
  const proxy = await target(t, (request, response) => {
    asked.push(request.url!)
    response.end('via 1\n')
  })
  const address = await target(t, pages('direct 1\n'))
  const scraped = async (host: string, keys: object) => own(await new ByHand(host, keys).scrape())
  const through = { proxy_url: `http://${proxy}` }
  assert.deepEqual(await scraped('back.invalid:80', through), { via: 1, up: 1 })
  assert.deepEqual(asked, ['http://back.invalid/metrics'])
  assert.deepEqual(await scraped(address, through), { via: 1, up: 1 })
  assert.deepEqual(await scraped(address, { ...through, no_proxy: '127.0.0.1' }), { direct: 1, up: 1 })
  const before = process.env['HTTP_PROXY']
  process.env['HTTP_PROXY'] = `http://${proxy}`
  t.after(() => {
    if (before === undefined) delete process.env['HTTP_PROXY']
    else process.env['HTTP_PROXY'] = before
  })
  assert.deepEqual(await scraped('front.invalid:80', {}), { up: 0 })
  assert.deepEqual(await scraped('front.invalid:80', { proxy_from_environment: true }), { via: 1, up: 1 })
})

// Scenario: user and password, in the config and in a file; an old bearer token; another type of authorization.
// Guarantees: the header is what Prometheus would send.
test('credentials', async t => {
  const seen: (string | undefined)[] = []
  const address = await target(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.end('a 1\n')
  })
  for (const keys of [
    { basic_auth: { username: 'u', password: 'p:w' } },
    { bearer_token: 'old' },
    { authorization: { type: 'Token', credentials: 'c' } },
    {},
  ])
    await new ByHand(address, keys).scrape()
  assert.deepEqual(seen, [
    `Basic ${Buffer.from('u:p:w').toString('base64')}`,
    'Bearer old',
    'Token c',
    undefined,
  ])
})
