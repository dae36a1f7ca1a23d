import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refused, Rejected, type StatusName } from '../../../core/component/outcome.ts'
import { OtlpJsonError } from '../../../core/otlp/json.ts'
import { STATUS_CODES } from '../../../core/otlp/response.ts'
import { Malformed } from '../../../core/otlp/validate.ts'
import { BodyCorrupt, BodyTooLarge } from '../../../core/transport/decompress.ts'
import { isRetryableGrpc, isRetryableHttp } from '../../../core/transport/otlp-outcome.ts'
import { answer, answerOf, httpStatusOf } from '../../../receivers/otlp/status.ts'

const NAMES = Object.keys(STATUS_CODES).filter(name => name !== 'OK') as StatusName[]
const nameOf = (code: number) => NAMES.find(name => STATUS_CODES[name] === code)!
const rowOf = (error: unknown) => {
  const { code, http } = answerOf(error)
  return [nameOf(code), http]
}

// Scenario: each outcome that carries no status, and each error of a body.
// Guarantees: the rows of the table in status.ts.
test('outcomes have their row', () => {
  const rows: [unknown, StatusName, number][] = [
    [new Refused('full'), 'UNAVAILABLE', 503],
    [new Rejected('no'), 'INTERNAL', 500],
    [new Malformed('cut', 0, ''), 'INVALID_ARGUMENT', 400],
    [new OtlpJsonError('no JSON', '', 0), 'INVALID_ARGUMENT', 400],
    [new BodyCorrupt('gzip', new Error('header')), 'INVALID_ARGUMENT', 400],
    [new BodyTooLarge(1), 'RESOURCE_EXHAUSTED', 413],
    [new TypeError('a bug'), 'UNAVAILABLE', 503],
    [new Refused('quota', { status: 'RESOURCE_EXHAUSTED', afterMs: 10 }), 'RESOURCE_EXHAUSTED', 429],
    [new Refused('quota', { status: 'RESOURCE_EXHAUSTED' }), 'UNAVAILABLE', 503],
    [new Rejected('large', { status: 'RESOURCE_EXHAUSTED' }), 'RESOURCE_EXHAUSTED', 413],
    [new Rejected('who', { status: 'UNAUTHENTICATED' }), 'UNAUTHENTICATED', 401],
    [new Rejected('you', { status: 'PERMISSION_DENIED' }), 'PERMISSION_DENIED', 403],
    [new Rejected('what', { status: 'UNIMPLEMENTED' }), 'UNIMPLEMENTED', 404],
    [new Rejected('bad', { status: 'INVALID_ARGUMENT' }), 'INVALID_ARGUMENT', 400],
    [new Refused('late', { status: 'DEADLINE_EXCEEDED' }), 'DEADLINE_EXCEEDED', 503],
  ]
  for (const [error, name, http] of rows) assert.deepEqual(rowOf(error), [name, http], String(error))
  assert.doesNotMatch(answerOf(new TypeError('a bug')).message, /a bug/)
})

// Scenario: refusals and rejections that carry any status from below.
// Guarantees: by the clients' own tables a refusal is sent again and a rejection is not, over both protocols.
test('a refusal is retried and a rejection is not, whatever came from below', () => {
  for (const status of NAMES) {
    for (const afterMs of [undefined, 500]) {
      const refused = answerOf(new Refused('m', afterMs === undefined ? { status } : { status, afterMs }))
      assert.ok(isRetryableGrpc(nameOf(refused.code), refused.retryDelayMs !== undefined), status)
      assert.ok(isRetryableHttp(refused.http), status)
      assert.equal(refused.retryDelayMs, afterMs)
    }
    const rejected = answerOf(new Rejected('m', { status }))
    assert.equal(isRetryableGrpc(nameOf(rejected.code), false), false, status)
    assert.equal(isRetryableHttp(rejected.http), false, status)
    assert.equal(rejected.retryDelayMs, undefined)
  }
})

// Scenario: every gRPC status becomes an HTTP status.
// Guarantees: the Collector's table.
test('gRPC statuses have the HTTP statuses of the Collector', () => {
  const known: Partial<Record<StatusName, number>> = {
    CANCELLED: 503,
    DEADLINE_EXCEEDED: 503,
    ABORTED: 503,
    OUT_OF_RANGE: 503,
    UNAVAILABLE: 503,
    DATA_LOSS: 503,
    RESOURCE_EXHAUSTED: 429,
    INVALID_ARGUMENT: 400,
    UNAUTHENTICATED: 401,
    PERMISSION_DENIED: 403,
    UNIMPLEMENTED: 404,
  }
  for (const name of NAMES) assert.equal(httpStatusOf(name), known[name] ?? 500, name)
})

// Scenario: messages with line breaks, half a surrogate pair and a megabyte of text.
// Guarantees: what goes into a header is one line, well-formed and short.
test('messages fit into a header', () => {
  assert.equal(answer('INTERNAL', 'a\r\nb: c').message, 'a b: c')
  assert.doesNotThrow(() => encodeURI(answer('INTERNAL', 'half \ud800 pair').message))
  assert.ok(answer('INTERNAL', 'x'.repeat(1_000_000)).message.length < 1100)
})
