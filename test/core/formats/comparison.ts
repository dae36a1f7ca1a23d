/** What Sluice makes of a message beside what the Collector's translators made of it. */

import assert from 'node:assert/strict'
import { decodeJaegerJson } from '../../../core/formats/jaeger/decode-json.ts'
import { decodeJaegerProto } from '../../../core/formats/jaeger/decode-proto.ts'
import { jaegerJsonRecords } from '../../../core/formats/jaeger/encode-json.ts'
import { jaegerProtoRecords } from '../../../core/formats/jaeger/encode-proto.ts'
import type { FormatRecord } from '../../../core/formats/record.ts'
import { decodeZipkinJson } from '../../../core/formats/zipkin/decode-json.ts'
import { decodeZipkinProto } from '../../../core/formats/zipkin/decode-proto.ts'
import { decodeZipkinThrift } from '../../../core/formats/zipkin/decode-thrift.ts'
import { zipkinJsonRecords } from '../../../core/formats/zipkin/encode-json.ts'
import { zipkinProtoRecords } from '../../../core/formats/zipkin/encode-proto.ts'
import { validate } from '../../../core/otlp/validate.ts'
import type { Answer, Operation, Question } from '../../services/translator.ts'
import { comparableSpans, decode, JaegerSpan, type Plain, withoutDefaults, ZipkinList } from './formats.ts'

const noReject = (reason: string): void => assert.fail(reason)

/** From a traces request to records. */
export const ENCODERS: Readonly<Record<string, (request: Uint8Array) => Iterable<FormatRecord>>> = {
  to_jaeger_proto: request => jaegerProtoRecords([request]),
  to_jaeger_json: request => jaegerJsonRecords([request]),
  to_zipkin_json: request => zipkinJsonRecords([request], Infinity, noReject),
  to_zipkin_proto: request => zipkinProtoRecords([request], Infinity, noReject),
}

/** From a message to a traces request. */
export const DECODERS: Readonly<Record<string, (message: Uint8Array) => Uint8Array>> = {
  from_jaeger_proto: decodeJaegerProto,
  from_jaeger_json: decodeJaegerJson,
  from_zipkin_json: message => decodeZipkinJson(message),
  from_zipkin_json_parsed: message => decodeZipkinJson(message, { parseStringTags: true }),
  from_zipkin_proto: message => decodeZipkinProto(message),
  from_zipkin_thrift: decodeZipkinThrift,
}

/** Records as plain values, read by protobufjs or JSON.parse. */
const READERS: Readonly<Record<string, (value: Uint8Array) => unknown>> = {
  to_jaeger_proto: value => withoutDefaults(decode(JaegerSpan, value)),
  to_jaeger_json: value => withoutDefaults(jsonOf(value)),
  to_zipkin_json: value => withoutDefaults(jsonOf(value) ?? []),
  to_zipkin_proto: value => withoutDefaults(zipkinWithShortAddresses(decode(ZipkinList, value))),
}

function jsonOf(value: Uint8Array): unknown {
  return JSON.parse(Buffer.from(value).toString())
}

/** Go writes IPv4 addresses with 16 bytes, and a duration of 0. */
function zipkinWithShortAddresses(list: Plain): Plain {
  for (const span of (list['spans'] ?? []) as Plain[]) {
    for (const name of ['localEndpoint', 'remoteEndpoint']) {
      const endpoint = span[name] as Plain | undefined
      const address = Buffer.from((endpoint?.['ipv4'] ?? '') as string, 'base64')
      if (address.length === 16) endpoint!['ipv4'] = address.subarray(12).toString('base64')
    }
  }
  return list
}

/** Fails when Sluice's answer is another one. */
export function compare({ operation, message }: Question, answer: Answer): void {
  const { records = [], otlp = '', error } = answer
  const encoder = ENCODERS[operation]
  if (encoder === undefined) {
    assert.equal(error, undefined, `the Collector refuses: ${error}`)
    const request = DECODERS[operation]!(message)
    validate(request, 'traces')
    assert.deepEqual(comparableSpans(request), comparableSpans(Buffer.from(otlp, 'base64')))
    return
  }
  assert.equal(error, undefined, `the Collector refuses: ${error}`)
  const read = READERS[operation]!
  const made = Array.from(encoder(message), ({ key, value, items }) => {
    assert.ok(items > 0)
    return { key: key && Buffer.from(key).toString(), value: read(value) }
  })
  const expected = records.map(({ key, value }) => ({ key, value: read(Buffer.from(value ?? '', 'base64')) }))
  assert.deepEqual(made, expected.filter(hasSpans(operation)))
}

/** The Collector makes a message of no spans; here there is none. */
function hasSpans(operation: Operation): (record: { value: unknown }) => boolean {
  return ({ value }) => {
    if (operation === 'to_zipkin_json') return (value as unknown[]).length > 0
    return operation !== 'to_zipkin_proto' || 'spans' in (value as Plain)
  }
}
