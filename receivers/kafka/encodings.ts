/** What the value of a record can be. One table: a name, the signals it can say, and the decoder. */

import { decodeJaegerJson } from '../../core/formats/jaeger/decode-json.ts'
import { decodeJaegerProto } from '../../core/formats/jaeger/decode-proto.ts'
import { decodeJsonLog, decodeRawLog, textLogDecoder } from '../../core/formats/logs.ts'
import { decodeZipkinJson } from '../../core/formats/zipkin/decode-json.ts'
import { decodeZipkinProto } from '../../core/formats/zipkin/decode-proto.ts'
import { decodeZipkinThrift } from '../../core/formats/zipkin/decode-thrift.ts'
import { jsonToRequest } from '../../core/otlp/json.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'

/**
 * An export request made of a record's value. `now`: nanoseconds since 1970, for formats that do not say when something
 * was observed. What it throws means that the value is no such thing.
 */
export type Decode = (value: Uint8Array, now: bigint) => Uint8Array

interface Encoding {
  readonly signals: readonly Signal[]
  readonly decoder: (signal: Signal) => Decode
}

const TRACES = ['traces'] as const
const LOGS = ['logs'] as const

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  otlp_proto: { signals: SIGNALS, decoder: () => value => value },
  otlp_json: { signals: SIGNALS, decoder: signal => value => jsonToRequest(value, signal) },
  jaeger_proto: { signals: TRACES, decoder: () => decodeJaegerProto },
  jaeger_json: { signals: TRACES, decoder: () => decodeJaegerJson },
  zipkin_proto: { signals: TRACES, decoder: () => value => decodeZipkinProto(value) },
  zipkin_json: { signals: TRACES, decoder: () => value => decodeZipkinJson(value) },
  zipkin_thrift: { signals: TRACES, decoder: () => decodeZipkinThrift },
  raw: { signals: LOGS, decoder: () => decodeRawLog },
  json: { signals: LOGS, decoder: () => decodeJsonLog },
  text: { signals: LOGS, decoder: () => textLogDecoder('utf-8')! },
}

/** Those with a fixed name; logs may also be `text_` and the name of a character encoding. */
export function encodingNames(signal: Signal): string[] {
  return Object.keys(ENCODINGS).filter(name => ENCODINGS[name]!.signals.includes(signal))
}

/** Undefined when there is no such encoding for the signal. */
export function decoderOf(name: string, signal: Signal): Decode | undefined {
  if (signal === 'logs' && name.startsWith('text_')) return textLogDecoder(name.slice('text_'.length))
  const encoding = Object.hasOwn(ENCODINGS, name) ? ENCODINGS[name] : undefined
  return encoding?.signals.includes(signal) ? encoding.decoder(signal) : undefined
}
