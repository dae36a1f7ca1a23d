/** What it costs to write spans in other formats, and to read them. */

import { decodeJaegerJson } from '../../core/formats/jaeger/decode-json.ts'
import { decodeJaegerProto } from '../../core/formats/jaeger/decode-proto.ts'
import { jaegerJsonRecords } from '../../core/formats/jaeger/encode-json.ts'
import { jaegerProtoRecords } from '../../core/formats/jaeger/encode-proto.ts'
import type { FormatRecord } from '../../core/formats/record.ts'
import { decodeZipkinJson } from '../../core/formats/zipkin/decode-json.ts'
import { decodeZipkinProto } from '../../core/formats/zipkin/decode-proto.ts'
import { zipkinJsonRecords } from '../../core/formats/zipkin/encode-json.ts'
import { zipkinProtoRecords } from '../../core/formats/zipkin/encode-proto.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const SPANS = 512
const request = realisticTraces(SPANS, 1)
const reject = (): void => {}

type Encode = () => Iterable<FormatRecord>
const encoders: Readonly<Record<string, readonly [Encode, (message: Uint8Array) => Uint8Array]>> = {
  jaeger_proto: [() => jaegerProtoRecords([request]), decodeJaegerProto],
  jaeger_json: [() => jaegerJsonRecords([request]), decodeJaegerJson],
  zipkin_proto: [() => zipkinProtoRecords([request], 1e6, reject), message => decodeZipkinProto(message)],
  zipkin_json: [() => zipkinJsonRecords([request], 1e6, reject), message => decodeZipkinJson(message)],
}

export const cases: readonly Case[] = Object.entries(encoders).flatMap(([name, [encode, decode]]) => [
  {
    name: `write ${name}`,
    items: SPANS,
    bytes: request.length,
    prepare() {
      return () => {
        let bytes = 0
        for (const { value } of encode()) bytes += value.length
        return bytes
      }
    },
  },
  {
    name: `read ${name}`,
    items: SPANS,
    bytes: request.length,
    prepare() {
      const messages = Array.from(encode(), ({ value }) => Uint8Array.from(value))
      return () => messages.reduce((bytes, message) => bytes + decode(message).length, 0)
    },
  },
])
