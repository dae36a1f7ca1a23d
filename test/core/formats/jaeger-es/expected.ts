/**
 * Jaeger's documents as plain values, made the slow way from what protobufjs decodes: sanitizers first, then the
 * translation, then tags as fields, each as its source in Jaeger 1.76 reads. int64 are bigint, NaN and infinities texts.
 */

import { isUtf8 } from 'node:buffer'
import type protobuf from 'protobufjs'
import { requestType } from '../../../kit/proto.ts'

export interface ExpectedOptions {
  readonly all?: boolean
  readonly include?: readonly string[]
  readonly dot?: string
}

interface Tag {
  key: string
  type: string
  value: unknown
}

/** Whatever JSON or a decoder gives. */
export type Loose = ReturnType<typeof JSON.parse>
type Plain = Record<string, Loose>

const NO_ID = /^0*$/
const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer']

/** Documents of the spans of a request, in order. */
export function expectedDocuments(request: Uint8Array, options: ExpectedOptions = {}): Plain[] {
  const type: protobuf.Type = requestType('traces')
  const decoded = type.toObject(type.decode(request), { longs: String, arrays: true, oneofs: true }) as Plain
  return decoded['resourceSpans'].flatMap((resourceSpans: Plain) => {
    const process = processOf(resourceSpans['resource']?.attributes ?? [])
    return resourceSpans['scopeSpans'].flatMap((scopeSpans: Plain) =>
      scopeSpans['spans'].map((span: Plain) => documentOf(span, scopeSpans['scope'] ?? {}, process, options)),
    )
  })
}

function processOf(attributes: Plain[]): { serviceName: string; tags: Tag[] } {
  const names = attributes.filter(({ key = '' }) => key === 'service.name')
  const last = names.at(-1)?.['value'] as Plain | undefined
  let serviceName = 'missing-service-name'
  if (names.length > 0 && last?.['value'] !== 'stringValue') {
    serviceName = names.length > 1 ? asString(last) : 'service-name-wrong-type'
  } else if (names.length > 0) {
    serviceName = last!['stringValue']
    if (serviceName === '' && names.length === 1) serviceName = 'empty-service-name'
  }
  return { serviceName, tags: attributes.filter(({ key = '' }) => key !== 'service.name').map(tagOf) }
}

function documentOf(
  span: Plain,
  scope: Plain,
  process: { serviceName: string; tags: Tag[] },
  options: ExpectedOptions,
): Plain {
  const start = BigInt.asIntN(64, BigInt(span['startTimeUnixNano'] ?? 0))
  const end = BigInt.asIntN(64, BigInt(span['endTimeUnixNano'] ?? 0))
  const micros = start < 0n ? 0n : start / 1000n
  const tags = tagsOf(span, scope, start, end)
  const split = splitter(options)
  const own = split(tags)
  const ofProcess = split(process.tags)
  return {
    traceID: id(span['traceId']),
    spanID: id(span['spanId']),
    ...((span['flags'] ?? 0) % 2 ** 31 > 0 ? { flags: BigInt(span['flags'] % 2 ** 31) } : {}),
    operationName: span['name'] ?? '',
    references: referencesOf(span),
    startTime: micros,
    startTimeMillis: micros / 1000n,
    duration: end > start ? smaller(end - start, 2n ** 63n - 1n) / 1000n : 0n,
    tags: own.fields === undefined && tags.length === 0 ? null : own.tags,
    ...(own.fields !== undefined && Object.keys(own.fields).length > 0 ? { tag: own.fields } : {}),
    logs: logsOf(span['events'] ?? []),
    process: {
      serviceName: process.serviceName,
      tags: ofProcess.tags,
      ...(ofProcess.fields !== undefined && Object.keys(ofProcess.fields).length > 0
        ? { tag: ofProcess.fields }
        : {}),
    },
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function id(bytes: Uint8Array | undefined): string {
  const hex = Buffer.from(bytes ?? []).toString('hex')
  return NO_ID.test(hex) ? '' : hex
}

function tagsOf(span: Plain, scope: Plain, start: bigint, end: bigint): Tag[] {
  const text = (key: string, value: string): Tag => ({ key, type: 'string', value })
  const tags: Tag[] = []
  if (scope['name']) tags.push(text('otel.scope.name', scope['name']))
  if (scope['version']) tags.push(text('otel.scope.version', scope['version']))
  tags.push(...(span['attributes'] ?? []).map(tagOf))
  if (end <= start) {
    const said = `Negative duration detected, sanitizing end timestamp. Original end timestamp: ${goTime(end)}, adjusted to: ${goTime(start + 1n)}`
    tags.push(text('@jaeger@warnings', JSON.stringify([said])))
  }
  const kind = KINDS[span['kind'] ?? 0]
  if (kind) tags.push(text('span.kind', kind))
  const { code = 0, message = '' } = span['status'] ?? {}
  if (code === 1) tags.push(text('otel.status_code', 'OK'))
  if (code === 2) tags.push({ key: 'error', type: 'bool', value: true })
  if (message) tags.push(text('otel.status_description', message))
  if (span['traceState']) tags.push(text('w3c.tracestate', span['traceState']))
  return tags
}

function goTime(nanos: bigint): string {
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const [date, time] = new Date(Number((nanos - rest) / 1_000_000n)).toISOString().split('T')
  const fraction = String(rest).padStart(9, '0').replace(/0+$/, '')
  return `${date} ${time!.slice(0, 8)}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`
}

function referencesOf(span: Plain): Plain[] | null {
  const parent = id(span['parentSpanId'])
  const traceID = id(span['traceId'])
  const references: Plain[] = parent === '' ? [] : [{ refType: 'CHILD_OF', traceID, spanID: parent }]
  for (const link of span['links'] ?? []) {
    const type = (link.attributes ?? []).find(({ key = '' }: Plain) => key === 'opentracing.ref_type')
    const refType = type?.value?.stringValue === 'child_of' ? 'CHILD_OF' : 'FOLLOWS_FROM'
    const to = { refType, traceID: id(link.traceId), spanID: id(link.spanId) }
    if (parent !== '' && to.traceID === traceID && to.spanID === parent) references[0]!['refType'] = refType
    else references.push(to)
  }
  return parent === '' && (span['links'] ?? []).length === 0 ? null : references
}

function logsOf(events: Plain[]): Plain[] | null {
  if (events.length === 0) return null
  return events.map(event => {
    const time = BigInt.asIntN(64, BigInt(event['timeUnixNano'] ?? 0))
    const fields = (event['attributes'] ?? []).map(tagOf) as Tag[]
    const named = event['name'] && !fields.some(({ key }) => key === 'event')
    if (named) fields.unshift({ key: 'event', type: 'string', value: event['name'] })
    return { timestamp: time < 0n ? 0n : time / 1000n, fields }
  })
}

function splitter({ all = false, include = [], dot = '@' }: ExpectedOptions) {
  return (tags: Tag[]): { tags: Tag[]; fields: Plain | undefined } => {
    if (!all && include.length === 0) return { tags, fields: undefined }
    const isField = ({ key, type }: Tag): boolean =>
      type !== 'binary' && key !== '' && (all || include.includes(key))
    const fields: Plain = {}
    for (const tag of tags.filter(isField)) fields[tag.key.replaceAll('.', dot)] = tag.value
    return { tags: tags.filter(tag => !isField(tag)), fields }
  }
}

function tagOf({ key = '', value = {} }: Plain): Tag {
  switch (value?.value) {
    case 'stringValue':
      return { key, type: 'string', value: value.stringValue }
    case 'boolValue':
      return { key, type: 'bool', value: value.boolValue }
    case 'intValue':
      return { key, type: 'int64', value: BigInt(value.intValue) }
    case 'doubleValue':
      return {
        key,
        type: 'float64',
        value: Number.isFinite(value.doubleValue) ? value.doubleValue : String(value.doubleValue),
      }
    case 'bytesValue':
      return { key, type: 'binary', value: Buffer.from(value.bytesValue).toString('hex') }
    case 'arrayValue':
    case 'kvlistValue':
      return { key, type: 'string', value: asString(value) }
    default:
      return { key, type: 'string', value: null }
  }
}

/** The Collector's AsString; '' where Go cannot write the JSON. */
function asString(value: Plain | undefined): string {
  switch (value?.['value']) {
    case 'stringValue':
      return value['stringValue']
    case 'bytesValue':
      return Buffer.from(value['bytesValue']).toString('base64')
    case 'arrayValue':
    case 'kvlistValue':
      try {
        return goJson(value)
      } catch {
        return ''
      }
    case undefined:
    case 'stringValueStrindex':
      return ''
    default:
      return goNumber(value!)
  }
}

function goNumber(value: Plain): string {
  if (value['value'] === 'doubleValue') {
    if (!Number.isFinite(value['doubleValue'])) throw new Error('no JSON')
    return Object.is(value['doubleValue'], -0) ? '-0' : String(value['doubleValue'])
  }
  return String(value['boolValue'] ?? value['intValue'])
}

function goJson(value: Plain): string {
  switch (value?.['value']) {
    case 'stringValue':
      return goText(value['stringValue'])
    case 'bytesValue':
      return value['bytesValue'].length === 0 ? 'null' : `"${asString(value)}"`
    case 'arrayValue':
      return `[${(value['arrayValue'].values ?? []).map(goJson).join(',')}]`
    case 'kvlistValue': {
      const entries = new Map<string, Plain>()
      for (const { key = '', value: inner = {} } of value['kvlistValue'].values ?? []) entries.set(key, inner)
      const sorted = [...entries].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      return `{${sorted.map(([key, inner]) => `${goText(key)}:${goJson(inner)}`).join(',')}}`
    }
    case undefined:
    case 'stringValueStrindex':
      return 'null'
    default:
      return goNumber(value)
  }
}

function goText(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

/** JSON with whole numbers as bigint, as no digit may be lost. */
export function parseExact(json: Uint8Array): Loose {
  if (!isUtf8(json)) throw new Error('the document is no UTF-8')
  return JSON.parse(Buffer.from(json).toString(), ((_key, value, context?: { source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) && source !== '-0'
      ? BigInt(source)
      : value
  }) as (key: string, value: unknown) => unknown)
}

/** The same in values: doubles that are whole are printed like integers. */
export function comparable(value: Loose): Loose {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${Number(value)}`
  if (typeof value === 'bigint') return `${value}`
  if (Array.isArray(value)) return value.map(comparable)
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, comparable(inner)]))
  return value
}
