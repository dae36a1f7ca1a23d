/** A gateway that knows its senders, as its users run it. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { SIGNAL_WORDS } from '../../core/otlp/signals.ts'
import { emptyFolder, until } from '../kit/files.ts'
import { imbalances, startGateway } from '../kit/gateway-process.ts'
import { basic } from '../kit/htpasswd.ts'
import { httpServer } from '../kit/otlp-servers.ts'
import { decodeRequest, encodeRequest } from '../kit/proto.ts'
import { freePort } from '../services/ports.ts'
import { run } from '../services/process.ts'

const PROTO = { 'content-type': 'application/x-protobuf' }

/**
 * The HTTP status of a request with one span of this name. As OTLP wants it of clients, 503 is tried again: over a
 * connection of before a reload that is the answer.
 */
async function post(address: string, name: string, headers: Record<string, string>): Promise<number> {
  for (;;) {
    const status = await postOnce(address, name, headers)
    if (status !== 503) return status
  }
}

async function postOnce(address: string, name: string, headers: Record<string, string>): Promise<number> {
  const body = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name }] }] }] })
  const answer = await fetch(`http://${address}${SIGNAL_WORDS.traces.path}`, {
    method: 'POST',
    headers: { ...PROTO, ...headers },
    body: Buffer.from(body) as Uint8Array<ArrayBuffer>,
  })
  await answer.arrayBuffer()
  return answer.status
}

const showing = (name: string, password: string) => ({ authorization: basic(name, password) })

/** A gateway on a config file, and what rewrites it and waits until the gateway has followed. */
async function onFile(t: TestContext, yaml: string) {
  const file = join(emptyFolder(t), 'sluice.yaml')
  writeFileSync(file, yaml)
  const gateway = await startGateway(['--config', file])
  t.after(() => gateway.stop())
  let changes = 0
  const change = async (text: string): Promise<void> => {
    writeFileSync(file, text)
    process.kill(gateway.pid, 'SIGHUP')
    await gateway.printed(new RegExp(`(The new config (runs|cannot be run)[^]*){${++changes}}`))
  }
  return { gateway, change, file }
}

// Scenario: a running gateway gets other senders, an authenticator of another kind, none, a broken one, and one again.
// Guarantees: each request is judged by the config that runs; a config whose authenticator is missing changes nothing,
// above all it opens no door.
test('who may send changes with the config', { timeout: 60_000 }, async t => {
  const yaml = (extensions: string, auth: string): string => `
extensions: {${extensions}}
receivers: {otlp: {protocols: {grpc: {${auth}}, http: {${auth}}}}}
exporters: {nop: }
service:
  extensions: [${[...extensions.matchAll(/(\w+): \{(?=htpasswd|token)/g)].map(([, id]) => id).join(', ')}]
  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}
`
  const people = (inline: string) => `basicauth: {htpasswd: {inline: "${inline}"}}`
  const BASIC = 'auth: {authenticator: basicauth}'
  const { gateway, change } = await onFile(t, yaml(people('ann:one'), BASIC))
  const statuses = async (more: Record<string, string> = {}) =>
    Promise.all([
      post(gateway.http, 'a', { ...showing('ann', 'one'), ...more }),
      post(gateway.http, 'a', { ...showing('bob', 'two'), ...more }),
      post(gateway.http, 'a', { authorization: 'Bearer three', ...more }),
      post(gateway.http, 'a', more),
    ])
  assert.deepEqual(await statuses(), [200, 401, 401, 401])
  await change(yaml(people('bob:two'), BASIC))
  assert.deepEqual(await statuses(), [401, 200, 401, 401])
  await change(
    yaml(`${people('bob:two')}, bearertokenauth: {token: three}`, 'auth: {authenticator: bearertokenauth}'),
  )
  assert.deepEqual(await statuses(), [401, 401, 200, 401])
  await change(yaml(people('bob:two'), 'auth: {authenticator: bearertokenauth}'))
  assert.match(gateway.output(), /there is no extension bearertokenauth/)
  assert.deepEqual(await statuses(), [401, 401, 200, 401])
  await change(yaml('', ''))
  // Over connections of their own: one that an open door has let in is served once more.
  assert.deepEqual(await statuses({ connection: 'close' }), [200, 200, 200, 200])
  await change(yaml(people('ann:one'), BASIC))
  assert.deepEqual(await statuses(), [200, 401, 401, 401])
  const metrics = await gateway.metrics()
  assert.deepEqual(imbalances(metrics), [])
  assert.equal(await gateway.stop('SIGTERM'), 0)
})

// Scenario: two senders at once through one `batch` to a server, with `metadata_keys` on who they are; headers_setter
// tells the server whose data it is.
// Guarantees: no request to the server has spans of both, and each has the name of its sender.
test('data of two senders never mixes', { timeout: 60_000 }, async t => {
  const backend = await httpServer(response => response.writeHead(200, PROTO).end())
  t.after(() => backend.close())
  const { gateway } = await onFile(
    t,
    `
extensions:
  basicauth: {htpasswd: {inline: "ann:one\\nbob:two"}}
  headers_setter: {headers: [{action: upsert, key: X-Scope-OrgID, from_attribute: username}]}
receivers: {otlp: {protocols: {grpc: , http: {auth: {authenticator: basicauth}}}}}
processors: {batch: {timeout: 200ms, metadata_keys: [auth.username]}}
exporters: {otlp_http: {endpoint: "${backend.endpoint}", auth: {authenticator: headers_setter}}}
service:
  extensions: [basicauth, headers_setter]
  pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp_http]}}
`,
  )
  const REQUESTS = 60
  const sent = Array.from({ length: REQUESTS }, (_, i) =>
    i % 2 === 0
      ? post(gateway.http, 'ann', showing('ann', 'one'))
      : post(gateway.http, 'bob', showing('bob', 'two')),
  )
  assert.deepEqual(new Set(await Promise.all(sent)), new Set([200]))
  const arrived = () =>
    backend.received.map(({ headers, body }) => {
      const whole = decodeRequest('traces', gunzipSync(body)) as {
        resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[]
      }
      const names = whole.resourceSpans.flatMap(one => one.scopeSpans.flatMap(({ spans }) => spans))
      return { owner: headers['x-scope-orgid'], names: names.map(({ name }) => name) }
    })
  await until(() => arrived().flatMap(({ names }) => names).length === REQUESTS)
  assert.ok(backend.received.length < REQUESTS, 'they were merged')
  for (const { owner, names } of arrived()) assert.deepEqual(new Set(names), new Set([owner]))
  assert.equal(await gateway.stop('SIGTERM'), 0)
})

// Scenario: a gateway with every authenticator, at log level debug, meets good and bad credentials, a server that
// answers 401 and a token server that is not there; all its pages are read, its config printed and validated.
// Guarantees: no secret of the config, of a file, or of a sender is anywhere.
test('secrets are nowhere to be read', { timeout: 60_000 }, async t => {
  const backend = await httpServer((response, { headers }) =>
    response.writeHead(401, { 'content-type': 'text/plain' }).end(`not ${String(headers['x-public'])}`),
  )
  t.after(() => backend.close())
  const folder = emptyFolder(t)
  const token = join(folder, 'token')
  writeFileSync(token, 'SECRET-file')
  const [zpages, health] = [await freePort(), await freePort()]
  const endpoint = `endpoint: "${backend.endpoint}", retry_on_failure: {initial_interval: 10ms, max_elapsed_time: 100ms, max_interval: 20ms}`
  const { gateway, file } = await onFile(
    t,
    `
extensions:
  basicauth: {htpasswd: {inline: "ann:SECRET-ann\\nSECRET-no-colon"}}
  basicauth/client: {client_auth: {username: me, password: SECRET-client}}
  bearertokenauth: {tokens: [SECRET-token]}
  bearertokenauth/file: {filename: "${token}"}
  headers_setter: {headers: [{action: upsert, key: X-Key, value: SECRET-header}, {action: insert, key: X-Public, value: public}]}
  oauth2client: {client_id: me, client_secret: SECRET-oauth, token_url: "http://127.0.0.1:9/token?key=SECRET-url", endpoint_params: {a: SECRET-param}}
  zpages: {endpoint: "127.0.0.1:${zpages}", expvar: {enabled: true}}
  health_check: {endpoint: "127.0.0.1:${health}"}
receivers:
  otlp:
    protocols:
      grpc: {auth: {authenticator: bearertokenauth}}
      http: {auth: {authenticator: basicauth, request_params: [Authorization]}, include_metadata: true}
exporters:
  debug: {verbosity: detailed}
  otlp_http/1: {${endpoint}, auth: {authenticator: basicauth/client}}
  otlp_http/2: {${endpoint}, auth: {authenticator: bearertokenauth/file}}
  otlp_http/3: {${endpoint}, auth: {authenticator: headers_setter}}
  otlp_http/4: {${endpoint}, auth: {authenticator: oauth2client}}
service:
  telemetry: {logs: {level: debug}}
  extensions: [basicauth, basicauth/client, bearertokenauth, bearertokenauth/file, headers_setter, oauth2client, zpages, health_check]
  pipelines:
    traces: {receivers: [otlp], exporters: [debug, otlp_http/1, otlp_http/2, otlp_http/3, otlp_http/4]}
`,
  )
  assert.equal(await post(gateway.http, 'a', showing('ann', 'SECRET-ann')), 200)
  for (const headers of [showing('ann', 'SECRET-guess'), { authorization: 'Bearer SECRET-guess' }, {}])
    assert.equal(await post(gateway.http, 'a', headers), 401)
  const hidden = Buffer.from('ann:SECRET-query').toString('base64')
  const queried = await fetch(`http://${gateway.http}/v1/%ff?Authorization=Basic%20${hidden}`, {
    method: 'POST',
  })
  const pages = [await queried.text()]
  await gateway.printed(/no token from http:\/\/127\.0\.0\.1:9\/token: /)
  await gateway.printed(/answered 401: not public/)
  writeFileSync(token, 'SECRET-renewed')
  await gateway.printed(/Read a file that has changed/)
  for (const path of ['servicez', 'pipelinez', 'extensionz', 'expvarz'])
    pages.push(await (await fetch(`http://127.0.0.1:${zpages}/debug/${path}`)).text())
  for (const path of ['', 'ready'])
    pages.push(await (await fetch(`http://127.0.0.1:${health}/${path}`)).text())
  pages.push(JSON.stringify([...(await gateway.metrics())]))
  for (const command of ['print-config', 'validate', 'print-config --format json']) {
    const main = new URL('../../gateway/start.js', import.meta.url).pathname
    const running = run(process.execPath, [main, ...command.split(' '), '--config', file])
    assert.equal(await running.ended, 0)
    pages.push(running.output())
  }
  await gateway.stop('SIGTERM')
  pages.push(gateway.output())
  assert.match(pages.join(), /adds credentials/)
  const secrets = [
    'SECRET',
    'open sesame',
    hidden,
    ...['ann:SECRET-ann', 'ann:SECRET-guess', 'me:SECRET-client'].map(one =>
      Buffer.from(one).toString('base64'),
    ),
  ]
  for (const page of pages)
    for (const secret of secrets) {
      const at = page.indexOf(secret)
      assert.equal(at, -1, `${secret} in: ${page.slice(Math.max(0, at - 200), at + 100)}`)
    }
})
