/**
 * What the value of a record can be. One table: a name, the signals it can express, and the encoder (core/formats). The
 * exporter does the rest for all of them alike: keys, topics, splitting what is too large, dead letters.
 */

import { jaegerJsonRecords } from '../../core/formats/jaeger/encode-json.ts'
import { jaegerProtoRecords } from '../../core/formats/jaeger/encode-proto.ts'
import { rawLogRecords } from '../../core/formats/logs.ts'
import type { FormatRecord, Reject } from '../../core/formats/record.ts'
import { zipkinJsonRecords } from '../../core/formats/zipkin/encode-json.ts'
import { zipkinProtoRecords } from '../../core/formats/zipkin/encode-proto.ts'
import { requestToJsonBytes } from '../../core/otlp/json.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'

/** A request to be encoded. */
export interface Encodable {
  readonly request: Uint8Array
  readonly signal: Signal
  readonly items: number
  /** Values should not be longer; for formats that can begin another record by themselves. */
  readonly maxBytes: number
}

export interface Encoder {
  readonly signals: readonly Signal[]
  /**
   * Records for a whole request, in the order of its items. `reject` is called once for each item that the format cannot
   * express: those are in no record.
   */
  encode(input: Encodable, reject: Reject): Iterable<FormatRecord>
}

const TRACES: readonly Signal[] = ['traces']

const ENCODERS: Readonly<Record<string, Encoder>> = {
  otlp_proto: {
    signals: SIGNALS,
    encode: ({ request, items }) => [{ key: undefined, value: request, items }],
  },
  otlp_json: {
    signals: SIGNALS,
    encode: ({ request, signal, items }) => [
      { key: undefined, value: requestToJsonBytes(request, signal), items },
    ],
  },
  jaeger_proto: { signals: TRACES, encode: ({ request }) => jaegerProtoRecords([request]) },
  jaeger_json: { signals: TRACES, encode: ({ request }) => jaegerJsonRecords([request]) },
  zipkin_proto: {
    signals: TRACES,
    encode: ({ request, maxBytes }, reject) => zipkinProtoRecords([request], maxBytes, reject),
  },
  zipkin_json: {
    signals: TRACES,
    encode: ({ request, maxBytes }, reject) => zipkinJsonRecords([request], maxBytes, reject),
  },
  raw: { signals: ['logs'], encode: ({ request }, reject) => rawLogRecords([request], reject) },
}

export function encodingNames(signal: Signal): string[] {
  return Object.keys(ENCODERS).filter(name => ENCODERS[name]!.signals.includes(signal))
}

/** `name` must be one of `encodingNames`. */
export function encoderOf(name: string): Encoder {
  return ENCODERS[name]!
}
