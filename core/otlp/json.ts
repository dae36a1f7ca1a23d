/**
 * OTLP/JSON at the door and at the exit: between them the gateway knows only bytes.
 *
 * The spec is opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding"; where it leaves something open, or a
 * real client needs more, the Collector 0.155 decides (pdata/internal).
 */

import { readJson } from './json-read.ts'
import { MESSAGES, type Message } from './json-table.ts'
import { writeMessage } from './json-write.ts'
import type { Signal } from './signals.ts'
import { Writer } from './writer.ts'

export { OtlpJsonError } from './json-read.ts'

const REQUESTS: Readonly<Record<Signal, Message>> = {
  traces: MESSAGES.get('ExportTraceServiceRequest')!,
  metrics: MESSAGES.get('ExportMetricsServiceRequest')!,
  logs: MESSAGES.get('ExportLogsServiceRequest')!,
  profiles: MESSAGES.get('ExportProfilesServiceRequest')!,
}

/**
 * The export request that `body` (UTF-8, with or without a byte order mark) writes in JSON, as protobuf bytes.
 *
 * Accepts lowerCamelCase and snake_case names, ids in hex of either case, 64-bit integers as strings or numbers (exact
 * both ways), enums as numbers or names, standard and URL-safe base64. Unknown names are ignored, `null` is absent. A
 * name that comes twice: the last scalar wins, lists are appended, as the Collector does it; two messages are refused.
 *
 * @throws OtlpJsonError with the path to what is wrong.
 */
export function jsonToRequest(body: Uint8Array, signal: Signal): Uint8Array {
  return readJson(body, REQUESTS[signal])
}

/** An export request as OTLP/JSON text in UTF-8, on one line. The bytes must be valid (validate.ts). */
export function requestToJsonBytes(bytes: Uint8Array, signal: Signal): Uint8Array {
  const out = new Writer(bytes.length * 2)
  writeMessage(out, REQUESTS[signal], bytes, 0, bytes.length, 0)
  return out.take()
}

/** The same as a string. */
export function requestToJson(bytes: Uint8Array, signal: Signal): string {
  const json = requestToJsonBytes(bytes, signal)
  return Buffer.from(json.buffer, json.byteOffset, json.length).toString('utf8')
}
