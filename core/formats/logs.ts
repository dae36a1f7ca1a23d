/**
 * Log records as messages that hold nothing but a body, and back: the Kafka encodings `raw`, `text` and `json`, as the
 * Collector's kafka exporter and receiver have them (0.155).
 */

import { AnyValue, ExportLogsServiceRequest, LogRecord, ResourceLogs, ScopeLogs } from '../otlp/fields.ts'
import { MessageView } from '../otlp/message.ts'
import type { PlainValue } from '../otlp/value.ts'
import { ItemWalker } from '../otlp/walk.ts'
import { Writer } from '../otlp/writer.ts'
import { EMPTY_VALUE, readKind, valueJson, valueStart, valueStop } from './any-value.ts'
import { BadMessage } from './bad-message.ts'
import { isObject, type JsonValue, parseJson } from './json-value.ts'
import { writeTime, writeValue } from './otlp-spans.ts'
import type { FormatRecord } from './record.ts'

const EMPTY = new Uint8Array()

/**
 * The body of each log record of a batch: bytes as they are, anything else as Go's JSON, so that a text has quotes.
 * Empty bodies make no record, as in the Collector: `skip` is told of each.
 */
export function* rawLogRecords(
  chunks: readonly Uint8Array[],
  skip: (reason: string) => void,
): Generator<FormatRecord, void, undefined> {
  const walker = new ItemWalker(EMPTY, 'logs')
  const record = new MessageView()
  for (const chunk of chunks) {
    walker.reset(chunk, 'logs')
    while (walker.next()) {
      record.reset(chunk, walker.start, walker.stop)
      const value = rawBody(record)
      if (value.length === 0) skip('the body is empty')
      else yield { key: undefined, value, items: 1 }
    }
  }
}

function rawBody(record: MessageView): Uint8Array {
  const start = record.startOf(LogRecord.body)
  if (start === -1) return EMPTY
  const stop = record.stopOf(LogRecord.body)
  const kind = readKind(record.bytes, start, stop)
  if (kind === EMPTY_VALUE || kind === AnyValue.stringValueStrindex) return EMPTY
  if (kind === AnyValue.bytesValue) return record.bytes.subarray(valueStart, valueStop)
  return Buffer.from(valueJson(record.bytes, start, stop))
}

/** A record whose body is the message's bytes, as an ExportLogsServiceRequest. */
export function decodeRawLog(bytes: Uint8Array): Uint8Array {
  return requestWith(bytes, 0n)
}

/**
 * A record whose body is the message, a JSON object. `observed`: nanoseconds since 1970. Numbers are doubles, as in the
 * Collector, but integers that a double cannot hold stay integers.
 * @throws BadMessage
 */
export function decodeJsonLog(bytes: Uint8Array, observed: bigint): Uint8Array {
  const object = parseJson(bytes, 'json')
  if (object !== null && !isObject(object)) throw new BadMessage('json', 'it is not an object')
  return requestWith(plainOf(object ?? {}), observed)
}

function plainOf(value: JsonValue): PlainValue {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : Number(value)
  if (Array.isArray(value)) return value.map(plainOf)
  if (!isObject(value)) return value
  const plain: { [key: string]: PlainValue } = Object.create(null)
  for (const [key, one] of Object.entries(value)) plain[key] = plainOf(one)
  return plain
}

export type TextDecode = (bytes: Uint8Array, observed: bigint) => Uint8Array

/** The Collector's own names. `raw` ones keep bytes that are no UTF-8; here they become U+FFFD like elsewhere. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  '': 'utf-8',
  utf8: 'utf-8',
  'utf-8-raw': 'utf-8',
  'utf8-raw': 'utf-8',
  nop: 'utf-8',
  ascii: 'utf-8',
  'us-ascii': 'utf-8',
  utf16: 'utf-16le',
  'utf-16': 'utf-16le',
}

/** Latin 1 as IANA means it; the Web, and so TextDecoder, means windows-1252 by these names. */
const LATIN1 = /^(?:iso[-_]?8859-1(?::1987)?|latin1|l1|iso-ir-100|ibm819|cp819|csisolatin1)$/i

/**
 * A decoder for a character encoding by the name that stands behind `text_`; undefined when there is none of that name.
 * What it returns is an ExportLogsServiceRequest with one record, whose body is the text. Ill-formed sequences become
 * U+FFFD.
 */
export function textLogDecoder(encoding: string): TextDecode | undefined {
  if (LATIN1.test(encoding))
    return (bytes, observed) => requestWith(Buffer.from(bytes).toString('latin1'), observed)
  try {
    const decoder = new TextDecoder(OWN_NAMES[encoding.toLowerCase()] ?? encoding, { ignoreBOM: true })
    return (bytes, observed) => requestWith(decoder.decode(bytes), observed)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function requestWith(body: PlainValue, observed: bigint): Uint8Array {
  const out = new Writer(256)
  const entry = out.open(ExportLogsServiceRequest.resourceLogs)
  const scope = out.open(ResourceLogs.scopeLogs)
  const record = out.open(ScopeLogs.logRecords)
  writeValue(out, LogRecord.body, body)
  writeTime(out, LogRecord.observedTimeUnixNano, observed)
  out.close(record)
  out.close(scope)
  out.close(entry)
  return out.take()
}
