/**
 * The `zipkin_json` encoding: an array of Zipkin v2 spans. What the Collector refuses is refused (it reads with
 * zipkin-go): spans without an id, annotations without a timestamp, addresses that are none. Tags that are numbers or
 * booleans are taken as their text.
 */

import { BadMessage } from '../bad-message.ts'
import { parseIp } from '../ip.ts'
import { isObject, type JsonObject, type JsonValue, parseJson } from '../json-value.ts'
import { isZero } from '../otlp-spans.ts'
import type { ZipkinAnnotation, ZipkinEndpoint, ZipkinSpan } from './model.ts'
import { spansToOtlp, type ZipkinOptions } from './to-otlp.ts'
import { KIND_NAMES } from './words.ts'

const FORMAT = 'zipkin_json'
const PORT_MAX = 65_535

/** As an ExportTraceServiceRequest. @throws BadMessage */
export function decodeZipkinJson(bytes: Uint8Array, options: ZipkinOptions = {}): Uint8Array {
  const list = parseJson(bytes, FORMAT)
  if (!Array.isArray(list)) fail('it is not an array of spans')
  const spans: ZipkinSpan[] = []
  for (const one of list) if (one !== null) spans.push(readSpan(objectOf(one, 'a span')))
  return spansToOtlp(spans, options)
}

function readSpan(from: JsonObject): ZipkinSpan {
  const id = readId(from, 'id', 8)
  if (id === undefined || isZero(id)) fail('a span has no id')
  const timestamp = readMicros(from, 'timestamp')
  return {
    traceId: readId(from, 'traceId', 16) ?? new Uint8Array(16),
    id,
    parentId: readId(from, 'parentId', 8),
    name: textOf(from, 'name'),
    kind: kindOf(textOf(from, 'kind')),
    start: timestamp === 0n ? undefined : timestamp,
    duration: readMicros(from, 'duration'),
    local: readEndpoint(from, 'localEndpoint'),
    remote: readEndpoint(from, 'remoteEndpoint'),
    annotations: readAnnotations(from),
    tags: readTags(from),
  }
}

export function kindOf(name: string): number {
  const kind = KIND_NAMES.indexOf(name as (typeof KIND_NAMES)[number])
  return kind === -1 ? 0 : kind
}

function readAnnotations(from: JsonObject): ZipkinAnnotation[] {
  const list = member(from, 'annotations')
  if (list === null) return []
  if (!Array.isArray(list)) fail('annotations is not an array')
  return list.map(one => {
    const annotation = objectOf(one, 'an annotation')
    const time = readMicros(annotation, 'timestamp')
    if (time === 0n) fail('an annotation has no timestamp')
    return { time, value: textOf(annotation, 'value') }
  })
}

function readTags(from: JsonObject): Map<string, string> {
  const tags = new Map<string, string>()
  const found = member(from, 'tags')
  if (found === null) return tags
  for (const [key, value] of Object.entries(objectOf(found, 'tags'))) {
    if (typeof value === 'object' && value !== null) fail(`the tag ${key} is not a text`)
    tags.set(key, value === null ? '' : String(value))
  }
  return tags
}

function readEndpoint(from: JsonObject, name: string): ZipkinEndpoint | undefined {
  const found = member(from, name)
  if (found === null) return undefined
  const endpoint = objectOf(found, name)
  const serviceName = textOf(endpoint, 'serviceName')
  const ipv4 = readIp(endpoint, 'ipv4')
  const ipv6 = readIp(endpoint, 'ipv6')
  const port = member(endpoint, 'port') ?? 0
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > PORT_MAX)
    fail(`the port of ${name} is not from 0 to ${PORT_MAX}`)
  const isEmpty = serviceName === '' && ipv4 === undefined && ipv6 === undefined && port === 0
  return isEmpty ? undefined : { serviceName, ipv4, ipv6, port }
}

function readIp(from: JsonObject, name: string): Uint8Array | undefined {
  const text = textOf(from, name)
  return text === '' ? undefined : (parseIp(text) ?? fail(`${name} is not an IP address`))
}

/** A time or duration in microseconds as nanoseconds, 64 bits of them; 0 when absent. */
function readMicros(from: JsonObject, name: string): bigint {
  const value = member(from, name)
  if (value === null) return 0n
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  if (!isWhole || value < 0 || value >= 2 ** 64) fail(`${name} is not a whole number of microseconds`)
  return BigInt.asUintN(64, BigInt(value) * 1000n)
}

/** Hex digits of an id of `size` bytes; fewer stand for its lower end. Undefined when absent or empty. */
function readId(from: JsonObject, name: string, size: number): Uint8Array | undefined {
  const text = textOf(from, name)
  if (text === '') return undefined
  if (text.length > 2 * size || !/^[0-9a-fA-F]*$/.test(text))
    fail(`${name} is not up to ${2 * size} hex digits`)
  return Buffer.from(text.padStart(2 * size, '0'), 'hex')
}

function fail(reason: string): never {
  throw new BadMessage(FORMAT, reason)
}

/** Names in any case, as Go takes them; null when absent. */
function member(from: JsonObject, name: string): JsonValue {
  const exact = from[name]
  if (exact !== undefined) return exact
  const lower = name.toLowerCase()
  for (const key in from) if (key.length === name.length && key.toLowerCase() === lower) return from[key]!
  return null
}

function objectOf(value: JsonValue, what: string): JsonObject {
  if (!isObject(value)) fail(`${what} is not an object`)
  return value
}

function textOf(from: JsonObject, name: string): string {
  const value = member(from, name)
  if (value === null) return ''
  if (typeof value !== 'string') fail(`${name} is not a text`)
  return value
}
