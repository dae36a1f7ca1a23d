/** What HTTP itself says of requests and connections: Expect, Host, sizes, and how connections end. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { Handover } from '../../../core/transport/handover.ts'
import { generate } from '../../kit/generate.ts'
import { freePort } from '../../services/ports.ts'
import { eventually } from '../../services/process.ts'
import { portOf, post, type Running, raw, startReceiver } from './harness.ts'

const TRACES = generate('traces', 61, 3).bytes
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

const head = (lines: readonly string[], path = '/v1/traces') =>
  `POST ${path} HTTP/1.1\r\n${['content-type: application/x-protobuf', ...lines].join('\r\n')}\r\n\r\n`

/** A connection whose answers are waited for with a pattern. */
class Talk {
  readonly socket: Socket
  #heard = ''

  constructor(address: string) {
    this.socket = connect(portOf(address), '127.0.0.1')
    this.socket.setEncoding('latin1').on('data', part => {
      this.#heard += part
    })
    this.socket.on('error', () => {})
  }

  say(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) this.socket.write(part)
  }

  async hear(pattern: RegExp): Promise<string> {
    await eventually(() => (pattern.test(this.#heard) ? true : undefined), `${pattern} in ${this.#heard}`)
    const heard = this.#heard
    this.#heard = ''
    return heard
  }
}

// Scenario: clients ask with `Expect: 100-continue` before they send a body: one that is wanted, one that is too large,
// one of a type that is not taken, one for a path that is not there; then on with the first connection.
// Guarantees: 100 is said only where the body will be read, and the request is served; the others get their final answer
// at once, and their connection ends, because nobody knows whether the body comes.
test('Expect: 100-continue', async () => {
  const running = await startReceiver({ http: { max_request_body_size: 10_000 } })
  const wanted = new Talk(running.http)
  wanted.say(head(['host: a', 'expect: 100-continue', `content-length: ${TRACES.length}`]))
  assert.equal(await wanted.hear(/\r\n\r\n$/), 'HTTP/1.1 100 Continue\r\n\r\n')
  wanted.say(TRACES)
  assert.match(await wanted.hear(/\r\n\r\n/), /^HTTP\/1\.1 200 OK[\s\S]*connection: keep-alive/i)
  wanted.say(head(['host: a', `content-length: ${TRACES.length}`]), TRACES)
  assert.match(await wanted.hear(/\r\n\r\n/), /^HTTP\/1\.1 200 OK/)
  wanted.socket.destroy()
  const expect = ['host: a', 'Expect: 100-Continue']
  for (const [lines, path, status] of [
    [[...expect, 'content-length: 10001'], '/v1/traces', 413],
    [[...expect, 'content-length: 10', 'content-encoding: br'], '/v1/traces', 415],
    [[...expect, 'content-length: 10'], '/v1/trace', 404],
  ] as const) {
    const answer = String(await raw(running.http, head(lines, path)))
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*connection: close`, 'i'))
  }
  assert.equal(running.sinks.traces.batches.length, 2)
  await running.stop()
})

// Scenario: another Expect, HTTP/1.1 without a Host, HTTP/1.0 without one, and headers beyond the limit.
// Guarantees: 417, 400 and 431 with a Status that says what is wrong, instead of Node's bare answers; HTTP/1.0 is served.
test('what HTTP asks of a request', async () => {
  const running = await startReceiver({ http: { max_request_header_size: 2048 } })
  const ask = async (text: string) => String(await raw(running.http, text))
  const end = `connection: close`
  assert.match(
    await ask(head(['host: a', 'expect: tea', 'content-length: 0', end])),
    /^HTTP\/1\.1 417 [\s\S]*application\/x-protobuf[\s\S]*Expect: tea cannot be met; 100-continue can/,
  )
  assert.match(await ask(head(['content-length: 0', end])), /^HTTP\/1\.1 400 [\s\S]*needs a Host header/)
  assert.match(await ask(head(['content-length: 0', end], '/')), /^HTTP\/1\.1 400 [\s\S]*needs a Host header/)
  assert.match(
    await ask(
      'POST /v1/traces HTTP/1.0\r\ncontent-type: application/json\r\nexpect: tea\r\ncontent-length: 2\r\n\r\n{}',
    ),
    /^HTTP\/1\.1 200 OK/,
  )
  assert.match(
    await ask(head(['host: a', `x: ${'x'.repeat(3000)}`])),
    /^HTTP\/1\.1 431 [\s\S]*more than 2048 bytes of headers/,
  )
  await running.stop()
})

// Scenario: max_connection_age of 1 s: a client sends before and after that; without the key it sends as long.
// Guarantees: the first answer on the old connection says that it is the last one, and a new one serves on; no request
// fails. Without the key the connection is kept.
test('max_connection_age', async () => {
  for (const [age, kept] of [
    ['1s', false],
    ['0s', true],
  ] as const) {
    const running = await startReceiver({ http: { max_connection_age: age } })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const send = async () => {
      const { status, headers } = await post(running.http, 'traces', TRACES, PROTOBUF, { agent })
      assert.equal(status, 200)
      return headers.connection
    }
    assert.equal(await send(), 'keep-alive')
    const end = performance.now() + 1150
    while (performance.now() < end) await new Promise(resolve => setTimeout(resolve, 10))
    assert.equal(await send(), kept ? 'keep-alive' : 'close')
    assert.equal(await send(), 'keep-alive')
    agent.destroy()
    await running.stop()
  }
})

/** A part that a reload puts in the place of another, on its listening socket. */
async function takeOver(old: Running, owner: object): Promise<Running> {
  const [, port] = old.http.split(':')
  const keys = { endpoint: `127.0.0.1:${port}` }
  return new Handover(new Set([owner])).run({}, () => startReceiver({ http: keys }))
}

// Scenario: a receiver is replaced while two clients have connections to it, one that had an answer and one that has said
// nothing yet; both send later. A third one says nothing until the gateway stops.
// Guarantees: both are served by the old receiver, with an answer that ends the connection, and the next requests by the
// new one; the third one does not keep the old receiver once the gateway itself stops.
test('a receiver that was replaced waits for its clients', async () => {
  const owner = {}
  const port = await freePort()
  const keys = { endpoint: `127.0.0.1:${port}` }
  const old = await new Handover(new Set()).run(owner, () => startReceiver({ http: keys }))
  const [busy, fresh, silent] = [new Talk(old.http), new Talk(old.http), new Talk(old.http)]
  const request = [head(['host: a', `content-length: ${TRACES.length}`]), TRACES] as const
  busy.say(...request)
  await busy.hear(/200 OK/)
  const next = await takeOver(old, owner)
  let over = false
  const stopped = old.stop(600_000).then(() => {
    over = true
  })
  for (const talk of [busy, fresh]) {
    await new Promise(resolve => setTimeout(resolve, 60))
    talk.say(...request)
    assert.match(await talk.hear(/\r\n\r\n/), /200 OK[\s\S]*connection: close/i)
  }
  assert.equal(old.sinks.traces.batches.length, 3)
  assert.equal((await post(next.http, 'traces', TRACES)).status, 200)
  assert.equal(next.sinks.traces.batches.length, 1)
  assert.equal(over, false)
  old.settings.host.ready = false
  await stopped
  silent.socket.destroy()
  await next.stop()
})

// Scenario: idle_timeout of 100 ms and a client that is idle.
// Guarantees: its connection ends without an answer.
test('idle_timeout', async () => {
  const running = await startReceiver({ http: { idle_timeout: '100ms' } })
  const talk = new Talk(running.http)
  talk.say(head(['host: a', `content-length: ${TRACES.length}`]), TRACES)
  await talk.hear(/200 OK/)
  await once(talk.socket, 'close')
  await running.stop()
})
