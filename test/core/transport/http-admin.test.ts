import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { endpointProblem, parseEndpoint } from '../../../core/transport/endpoint.ts'
import { escapeHtml, serveAdmin } from '../../../core/transport/http-admin.ts'

const serve = (handler: Parameters<typeof serveAdmin>[2]) =>
  serveAdmin('127.0.0.1:0', 'the test page', handler)

// Scenario: a page, a missing one, one that throws, other methods, HEAD.
// Guarantees: each has its status; what went wrong inside is not told outside; HEAD has no body.
test('pages are answered', async () => {
  const server = await serve(url => {
    if (url.pathname === '/broken') throw new Error('secret detail')
    return url.pathname === '/page' ? { type: 'text/plain', body: url.search } : undefined
  })
  try {
    const ask = async (path: string, method = 'GET') => {
      const answer = await fetch(server.address + path, { method })
      return [answer.status, await answer.text()]
    }
    assert.deepEqual(await ask('/page?a=1'), [200, '?a=1'])
    assert.deepEqual(await ask('/page?a=1', 'HEAD'), [200, ''])
    assert.equal((await ask('/none'))[0], 404)
    assert.equal((await ask('/page', 'POST'))[0], 405)
    const [status, body] = await ask('/broken')
    assert.equal(status, 500)
    assert.equal(String(body).includes('secret'), false)
  } finally {
    await server.close()
  }
})

// Scenario: a client sends rubbish, another one headers without an end up to the limit.
// Guarantees: both are turned away and the next request is answered.
test('bad clients are turned away', async () => {
  const server = await serve(() => ({ type: 'text/plain', body: 'ok' }))
  try {
    const port = Number(new URL(server.address).port)
    for (const bytes of ['rubbish\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n`]) {
      const socket = connect(port, '127.0.0.1')
      socket.write(bytes)
      const [answer] = await once(socket, 'data')
      assert.match(String(answer), /^HTTP\/1\.1 4\d\d/)
      socket.destroy()
    }
    assert.equal(await (await fetch(server.address)).text(), 'ok')
  } finally {
    await server.close()
  }
})

// Scenario: the port is taken; a server is closed twice.
// Guarantees: the error says what for and where; closing is safe.
test('a taken port is explained', async () => {
  const server = await serve(() => undefined)
  const endpoint = server.address.replace('http://', '')
  await assert.rejects(
    serveAdmin(endpoint, 'zpages', () => undefined),
    new RegExp(`^Error: zpages: .*${endpoint.replaceAll('.', '\\.')}`),
  )
  await server.close()
  await server.close()
})

// Scenario: endpoints as the Collector writes them, and some that are none.
// Guarantees: host and port are read; a wrong one is explained.
test('endpoints are host and port', () => {
  assert.deepEqual(parseEndpoint('localhost:1'), { host: 'localhost', port: 1 })
  assert.deepEqual(parseEndpoint(':8888'), { host: '', port: 8888 })
  assert.deepEqual(parseEndpoint('[::1]:0'), { host: '::1', port: 0 })
  for (const bad of ['localhost', '::1:80', 'a:70000', 'http://a:80', 'a:']) {
    assert.equal(parseEndpoint(bad), undefined, bad)
    assert.match(endpointProblem(bad)![0], /is not host:port/)
  }
  assert.equal(escapeHtml(`<a href="x">&'`), '&lt;a href=&quot;x&quot;&gt;&amp;&#39;')
})
