/** The independent oracle: the official .proto definitions through protobufjs. Tests only. */

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'

const folder = fileURLToPath(new URL('../proto/', import.meta.url))
const root = new protobuf.Root()
root.resolvePath = (_origin, target) => `${folder}${target}`

const PACKAGES: Readonly<Record<Signal, readonly [file: string, name: string]>> = {
  traces: ['trace/v1/trace', 'ExportTrace'],
  metrics: ['metrics/v1/metrics', 'ExportMetrics'],
  logs: ['logs/v1/logs', 'ExportLogs'],
  profiles: ['profiles/v1development/profiles', 'ExportProfiles'],
}

interface Types {
  readonly request: protobuf.Type
  readonly response: protobuf.Type
}

const read = new Map<Signal, Types>()

/** A signal's definitions are read when somebody asks for it: most tests have one signal, and every process reads anew. */
function typesOf(signal: Signal): Types {
  let types = read.get(signal)
  if (types !== undefined) return types
  const [file, name] = PACKAGES[signal]
  const path = `opentelemetry/proto/collector/${file}_service.proto`
  const service = `${path.split('/').slice(0, -1).join('.')}.${name}Service`
  root.loadSync(path)
  types = { request: root.lookupType(`${service}Request`), response: root.lookupType(`${service}Response`) }
  read.set(signal, types)
  return types
}

export function requestType(signal: Signal): protobuf.Type {
  return typesOf(signal).request
}

export function responseType(signal: Signal): protobuf.Type {
  return typesOf(signal).response
}

/** Any message of OTLP by its full name. */
export function messageType(fullName: string): protobuf.Type {
  for (const signal of SIGNALS) typesOf(signal)
  return root.lookupType(fullName)
}

/** Plain values for comparing: 64-bit as decimal text, bytes as base64, enums as numbers, unset optionals absent. */
export function decodeRequest(signal: Signal, bytes: Uint8Array): Record<string, unknown> {
  const type = requestType(signal)
  return type.toObject(type.decode(bytes), {
    longs: String,
    bytes: String,
    arrays: false,
    defaults: false,
    oneofs: false,
  })
}

/** `value` as protobufjs takes it: camelCase names, bytes as base64 or Uint8Array, 64-bit as decimal text or Long. */
export function encodeRequest(signal: Signal, value: Record<string, unknown>): Uint8Array {
  const type = requestType(signal)
  return type.encode(type.fromObject(value)).finish()
}
