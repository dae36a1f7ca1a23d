/** The independent oracle: the official .proto definitions through protobufjs. Tests only. */

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import type { Signal } from '../../core/otlp/signals.ts'

const folder = fileURLToPath(new URL('../proto/', import.meta.url))
const root = new protobuf.Root()
root.resolvePath = (_origin, target) => `${folder}${target}`
root.loadSync([
  'opentelemetry/proto/collector/trace/v1/trace_service.proto',
  'opentelemetry/proto/collector/metrics/v1/metrics_service.proto',
  'opentelemetry/proto/collector/logs/v1/logs_service.proto',
  'opentelemetry/proto/collector/profiles/v1development/profiles_service.proto',
])

const PACKAGES: Readonly<Record<Signal, readonly [folder: string, name: string]>> = {
  traces: ['trace.v1', 'ExportTrace'],
  metrics: ['metrics.v1', 'ExportMetrics'],
  logs: ['logs.v1', 'ExportLogs'],
  profiles: ['profiles.v1development', 'ExportProfiles'],
}

export function requestType(signal: Signal): protobuf.Type {
  const [pack, name] = PACKAGES[signal]
  return root.lookupType(`opentelemetry.proto.collector.${pack}.${name}ServiceRequest`)
}

export function responseType(signal: Signal): protobuf.Type {
  const [pack, name] = PACKAGES[signal]
  return root.lookupType(`opentelemetry.proto.collector.${pack}.${name}ServiceResponse`)
}

/** Any message of OTLP by its full name. */
export function messageType(fullName: string): protobuf.Type {
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
