import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { test } from 'node:test'
import { KeepAlive, KeepAliveConfig } from '../../../../core/transport/grpc/keepalive.ts'

/** A session that notes pings; `answer` answers the last of them. */
class Session extends EventEmitter {
  pings = 0
  destroyed = false
  readonly socket = { bytesRead: 0 }
  answer: () => void = () => {}

  ping(done: (error: Error | null) => void): void {
    this.pings++
    this.answer = () => {
      this.socket.bytesRead += 17
      done(null)
    }
  }

  destroy(): void {
    this.destroyed = true
  }
}

const keep = (session: Session, config: KeepAliveConfig) =>
  new KeepAlive(session as unknown as ClientHttp2Session, config)

// Scenario: a quiet server answers one ping and not the next, with a call open.
// Guarantees: it is asked after `time`, and cut `timeout` after the ping it did not answer; never while bytes come.
test('a server that does not answer is left', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const session = new Session()
  keep(session, new KeepAliveConfig(10_000, 3_000, false)).callBegins()
  session.socket.bytesRead = 1
  t.mock.timers.tick(10_000)
  assert.equal(session.pings, 0)
  t.mock.timers.tick(10_000)
  assert.equal(session.pings, 1)
  session.answer()
  t.mock.timers.tick(9_999)
  assert.equal(session.pings, 1)
  t.mock.timers.tick(1)
  assert.equal(session.pings, 2)
  t.mock.timers.tick(2_999)
  assert.equal(session.destroyed, false)
  t.mock.timers.tick(1)
  assert.equal(session.destroyed, true)
})

// Scenario: no call is open, without and with permit_without_stream; then a call begins.
// Guarantees: no ping without a call unless permitted; the call that comes after a long quiet asks at once.
test('without calls there are no pings, unless permitted', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const session = new Session()
  const keepalive = keep(session, new KeepAliveConfig(10_000, 3_000, false))
  t.mock.timers.tick(60_000)
  assert.equal(session.pings, 0)
  keepalive.callBegins()
  assert.equal(session.pings, 1)
  session.answer()
  keepalive.callEnds()
  t.mock.timers.tick(60_000)
  assert.equal(session.pings, 1)
  const permitted = new Session()
  keep(permitted, new KeepAliveConfig(10_000, 3_000, true))
  t.mock.timers.tick(10_000)
  assert.equal(permitted.pings, 1)
})

// Scenario: times below the floor, zeros, and a server that calls it too many.
// Guarantees: Go's floor and defaults; the time doubles.
test('times', () => {
  const config = new KeepAliveConfig(1, 0, false)
  assert.deepEqual([config.time, config.timeout], [10_000, 20_000])
  config.slowDown()
  assert.equal(config.time, 20_000)
  assert.equal(new KeepAliveConfig(0, 1, false).time, Number.POSITIVE_INFINITY)
})
