/**
 * What a request says, whatever its encoding: the official decoding without the fields that say nothing. Two requests
 * mean the same exactly when these are equal.
 */

import protobuf from 'protobufjs'
import type { Signal } from '../../core/otlp/signals.ts'
import { decodeRequest, requestType } from './proto.ts'

type Plain = Record<string, unknown>

const ALL_ZERO_IDS = new Set([Buffer.alloc(8).toString('base64'), Buffer.alloc(16).toString('base64'), ''])

function saysNothing(field: protobuf.Field, value: unknown): boolean {
  if (field.partOf !== null) return false
  if (field.repeated) return (value as unknown[]).length === 0
  if (field.resolvedType instanceof protobuf.Type) return Object.keys(value as Plain).length === 0
  // An id of zeros is no id (opentelemetry-proto trace.proto).
  if (field.type === 'bytes' && /Id$/.test(field.name)) return ALL_ZERO_IDS.has(value as string)
  return Object.is(value, 0) || value === '' || value === false || value === '0'
}

function strip(type: protobuf.Type, message: Plain): Plain {
  const kept: Plain = {}
  for (const [name, value] of Object.entries(message)) {
    const field = type.fields[name]!
    const inner = field.resolve().resolvedType
    let stripped = value
    if (inner instanceof protobuf.Type) {
      stripped = field.repeated
        ? (value as Plain[]).map(one => strip(inner, one))
        : strip(inner, value as Plain)
    }
    if (!saysNothing(field, stripped)) kept[name] = stripped
  }
  return kept
}

export function normalize(signal: Signal, bytes: Uint8Array): Plain {
  return strip(requestType(signal), decodeRequest(signal, bytes))
}
