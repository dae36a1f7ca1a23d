import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import protobuf from 'protobufjs'
import { encodeResponse, encodeStatus, readResponse, readStatus } from '../../../core/otlp/response.ts'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { responseType } from '../../kit/proto.ts'

const rpc = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`).root
const StatusType = rpc.lookupType('Status')
const RetryInfoType = rpc.lookupType('RetryInfo')
const REJECTED = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  profiles: 'rejectedProfiles',
} as const

describe('export responses', () => {
  for (const signal of SIGNALS) {
    // Scenario: a response for this signal says that 300 items were rejected, and why.
    // Guarantees: the official definitions read it in protobuf, JSON has proto3's names, and both read back the same.
    it(`says how many ${signal} were rejected`, () => {
      const response = { rejected: 300, message: 'größe: too old' }
      const bytes = encodeResponse(signal, response, 'protobuf')
      const type = responseType(signal)
      assert.deepEqual(type.toObject(type.decode(bytes), { longs: Number }), {
        partialSuccess: { [REJECTED[signal]]: 300, errorMessage: response.message },
      })
      const json = encodeResponse(signal, response, 'json')
      assert.deepEqual(JSON.parse(Buffer.from(json).toString()), {
        partialSuccess: { [REJECTED[signal]]: '300', errorMessage: response.message },
      })
      assert.deepEqual(readResponse(bytes), response)
      assert.deepEqual(readResponse(json, 'application/json; charset=utf-8'), response)
    })
  }

  // Scenario: everything was taken; then: everything was taken, with a warning.
  // Guarantees: partial_success is unset in the first and carries the message alone in the second.
  it('leaves partial_success unset when there is nothing to say', () => {
    assert.equal(encodeResponse('logs', { rejected: 0, message: '' }, 'protobuf').length, 0)
    assert.equal(Buffer.from(encodeResponse('logs', { rejected: 0, message: '' }, 'json')).toString(), '{}')
    const warning = { rejected: 0, message: 'deprecated' }
    for (const encoding of ['protobuf', 'json'] as const) {
      assert.deepEqual(readResponse(encodeResponse('logs', warning, encoding)), warning)
    }
  })
})

describe('google.rpc.Status', () => {
  // Scenario: a status with a wait of 2.5 s is written in protobuf.
  // Guarantees: it is a Status whose detail is a RetryInfo, read by independent definitions.
  it('carries RetryInfo', () => {
    const bytes = encodeStatus({ code: 14, message: 'busy', retryDelayMs: 2500 }, 'protobuf')
    const read = StatusType.toObject(StatusType.decode(bytes)) as {
      code: number
      message: string
      details: { type_url?: string; typeUrl?: string; value: Uint8Array }[]
    }
    assert.equal(read.code, 14)
    assert.equal(read.message, 'busy')
    assert.equal(read.details[0]!.typeUrl, 'type.googleapis.com/google.rpc.RetryInfo')
    assert.deepEqual(
      RetryInfoType.toObject(RetryInfoType.decode(read.details[0]!.value), { longs: Number }),
      {
        retryDelay: { seconds: 2, nanos: 500_000_000 },
      },
    )
  })

  // Scenario: statuses with and without a wait go through each encoding.
  // Guarantees: what is read is what was written; JSON writes the wait as a proto3 duration.
  it('reads back what it writes', () => {
    for (const status of [
      { code: 3, message: 'no' },
      { code: 8, message: '', retryDelayMs: 0 },
      { code: 14, message: 'später', retryDelayMs: 61_250 },
    ]) {
      assert.deepEqual(readStatus(encodeStatus(status, 'protobuf')), status)
      assert.deepEqual(readStatus(encodeStatus(status, 'json'), 'application/json'), status)
    }
    const json = Buffer.from(encodeStatus({ code: 14, message: '', retryDelayMs: 1500 }, 'json')).toString()
    assert.match(json, /"retryDelay":"1.5s"/)
  })

  // Scenario: the body is a proxy's page, cut short, or bytes without sense.
  // Guarantees: nothing throws, and nothing is made up.
  it('makes nothing of garbage', () => {
    const whole = encodeStatus({ code: 14, message: 'busy', retryDelayMs: 2500 }, 'protobuf')
    const bodies = [
      '<html>502 Bad Gateway</html>',
      'upstream connect error',
      '{',
      '{"code":"x","details":[1]}',
      '[]',
      '',
    ]
    for (const body of bodies) {
      const bytes = Buffer.from(body)
      assert.deepEqual(readStatus(bytes), { code: 2, message: '' }, body)
      assert.deepEqual(readStatus(bytes, 'application/json'), { code: 2, message: '' }, body)
      readResponse(bytes)
      assert.deepEqual(readResponse(bytes, 'application/json'), { rejected: 0, message: '' }, body)
    }
    for (let cut = 0; cut < whole.length; cut++) readStatus(whole.subarray(0, cut))
    for (let i = 0; i < whole.length; i++) {
      const broken = Uint8Array.from(whole)
      broken[i] = 0xff
      readStatus(broken)
      readResponse(broken)
    }
  })

  // Scenario: an Any that is not a RetryInfo stands before one that is.
  // Guarantees: the RetryInfo is found, the other is passed over.
  it('finds RetryInfo among other details', () => {
    const value = RetryInfoType.encode({ retryDelay: { seconds: 7 } }).finish()
    const bytes = StatusType.encode(
      StatusType.fromObject({
        code: 8,
        message: 'm',
        details: [
          { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Uint8Array.of(10, 1, 65) },
          { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value },
        ],
      }),
    ).finish()
    assert.deepEqual(readStatus(bytes), { code: 8, message: 'm', retryDelayMs: 7000 })
  })
})
