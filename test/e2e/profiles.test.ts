import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { requestToJson } from '../../core/otlp/json.ts'
import { SIGNAL_WORDS } from '../../core/otlp/signals.ts'
import { type RunningGateway, startGateway } from '../../gateway/run.ts'
import { assertBalanced } from '../kit/balance.ts'
import { generate } from '../kit/generate.ts'
import { normalize } from '../kit/normalize.ts'
import { sendGrpc, sendHttp } from '../kit/send.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-profiles-'))

const RECEIVERS = 'otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}'

/** A gateway with these exporters behind one pipeline of profiles. */
async function start(t: TestContext, exporters: Record<string, string>): Promise<RunningGateway> {
  const configs = Object.entries(exporters).map(([id, config]) => `${id}: ${config}`)
  const gateway = await startGateway({
    sources: [
      `yaml:{receivers: {${RECEIVERS}}, processors: {batch: }, exporters: {${configs.join(', ')}}, service: {` +
        `telemetry: {metrics: {level: none}, logs: {output_paths: [${join(folder, 'log')}]}}, pipelines: {` +
        `profiles: {receivers: [otlp], processors: [batch], exporters: [${Object.keys(exporters).join(', ')}]}}}}`,
    ],
  })
  t.after(() => gateway.stop(0))
  return gateway
}

/** The messages of a file with lengths in front. */
function messagesOf(path: string): Uint8Array[] {
  const bytes = readFileSync(path)
  const messages: Uint8Array[] = []
  for (let pos = 0; pos < bytes.length; ) {
    const end = pos + 4 + bytes.readUInt32BE(pos)
    messages.push(bytes.subarray(pos + 4, end))
    pos = end
  }
  return messages
}

// Scenario: requests of profiles with every optional field go over gRPC, HTTP and JSON into a gateway that sends them
// on over gRPC, HTTP and JSON to a second one, which writes files of protobuf.
// Guarantees: each request arrives by each route, never merged with another; where no JSON is on the way its bytes
// are those that were sent; both ledgers balance.
test('profiles pass through two gateways unchanged', { timeout: 30_000 }, async t => {
  const routes = ['otlp_grpc', 'otlp_http', 'otlp_http/json'] as const
  const backs = new Map<string, RunningGateway>()
  const fileOf = (route: string): string => join(folder, route.replace('/', '-'))
  for (const route of routes) {
    backs.set(route, await start(t, { file: `{path: "${fileOf(route)}", format: proto}` }))
  }
  const to = (route: string, door: string): string =>
    backs.get(route)!.addresses.get(`receiver/otlp/${door}`)!
  const front = await start(t, {
    otlp_grpc: `{endpoint: "${to('otlp_grpc', 'grpc')}", tls: {insecure: true}}`,
    otlp_http: `{endpoint: "http://${to('otlp_http', 'http')}"}`,
    'otlp_http/json': `{endpoint: "http://${to('otlp_http/json', 'http')}", encoding: json}`,
  })
  const [grpc, http] = ['grpc', 'http'].map(door => front.addresses.get(`receiver/otlp/${door}`)!)
  const [one, two, three] = [1, 2, 3].map(seed => generate('profiles', seed, 5).bytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  await sendGrpc(grpc!, 'profiles', one, true)
  await sendHttp(http!, 'profiles', two, true)
  const answer = await fetch(`http://${http}${SIGNAL_WORDS.profiles.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: requestToJson(three, 'profiles'),
  })
  assert.deepEqual([answer.status, await answer.text()], [200, '{}'])
  await front.stop()
  assertBalanced(front.accounts)

  const plain = (requests: Uint8Array[]): string[] =>
    requests.map(bytes => JSON.stringify(normalize('profiles', bytes))).sort()
  for (const route of routes) {
    const back = backs.get(route)!
    await back.stop()
    assertBalanced(back.accounts)
    const arrived = messagesOf(fileOf(route))
    assert.deepEqual(plain(arrived), plain([one, two, three]), route)
    if (route === 'otlp_http/json') continue
    const bytes = new Set(arrived.map(request => Buffer.from(request).toString('hex')))
    for (const sent of [one, two]) assert.ok(bytes.has(Buffer.from(sent).toString('hex')), route)
  }
})
