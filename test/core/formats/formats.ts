/** Independent readers of the formats, and spans of them in a form in which they can be compared. */

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { itemsOf } from '../../kit/items.ts'

const root = new protobuf.Root()
root.loadSync(
  ['jaeger/model.proto', 'zipkin/zipkin.proto'].map(file => fileURLToPath(new URL(file, import.meta.url))),
)

export const JaegerSpan = root.lookupType('jaeger.Span')
export const JaegerBatch = root.lookupType('jaeger.Batch')
export const ZipkinList = root.lookupType('zipkin.ListOfSpans')

export type Plain = Record<string, unknown>

export function encode(type: protobuf.Type, value: Plain): Uint8Array {
  return type.encode(type.fromObject(value)).finish()
}

/** 64-bit as decimal text, bytes as base64, enums by name, defaults absent. */
export function decode(type: protobuf.Type, bytes: Uint8Array): Plain {
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, enums: String })
}

const NO_SPAN_ID = 'AAAAAAAAAAA='

/** What stands in JSON or in what protobufjs made, without members that have their default value. */
export function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([key, one]) => [key, withoutDefaults(one)] as const)
    .filter(([, one]) => !isDefault(one))
  return Object.fromEntries(kept)
}

function isDefault(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return (
    value === '' || value === 0 || value === '0' || value === false || value === '0s' || value === NO_SPAN_ID
  )
}

/** The spans of an OTLP request with all that is around them, sorted; order does not count in attributes. */
export function comparableSpans(request: Uint8Array): unknown[] {
  return itemsOf('traces', request)
    .map(one => tidy(one) as object)
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([key, one]) => [key, key === 'attributes' ? tidyAttributes(one as Plain[]) : tidy(one)] as const)
    .filter(([, one]) => !isNothing(one))
  return Object.fromEntries(kept)
}

function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === '' || value === 0 || value === '0' || value === undefined
}

/** As text, so that an attribute with a value that is a default keeps it. */
function tidyAttributes(list: Plain[]): string[] {
  return list.map(({ key, value }) => `${key ?? ''} = ${attributeText(value as Plain | undefined)}`).sort()
}

function attributeText(value: Plain | undefined): string {
  return JSON.stringify(value ?? {}, (_key, one) => (typeof one === 'number' ? String(one) : one))
}
