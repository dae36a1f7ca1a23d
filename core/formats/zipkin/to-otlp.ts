/**
 * Spans of Zipkin v2 as OTLP, as the Collector's pkg/translator/zipkin does it (0.155, feature gates as they are by
 * default). Unlike it, spans share a resource only when they agree on all of it (there the first span of a service
 * speaks for all, and what the others say is lost), a span without a service keeps its other resource attributes,
 * arrays and maps in the JSON of events and links are kept, and an annotation or link that only looks like such JSON
 * stays a name or tag (there it spoils the message).
 */

import { SpanSpanKind, StatusStatusCode } from '../../otlp/fields.ts'
import type { PlainValue } from '../../otlp/value.ts'
import { BadMessage } from '../bad-message.ts'
import { parseGoFloat, parseGoInt } from '../go-numbers.ts'
import { ipText } from '../ip.ts'
import { isObject, type JsonValue, parseJson } from '../json-value.ts'
import {
  type Attributes,
  type EventValues,
  encodeResource,
  isZero,
  type LinkValues,
  TracesBuilder,
} from '../otlp-spans.ts'
import type { ZipkinAnnotation, ZipkinEndpoint, ZipkinSpan } from './model.ts'
import {
  ERROR,
  LIBRARY_NAME,
  LIBRARY_VERSION,
  LINK_PREFIX,
  LINKS_MAX,
  LOCAL_IP,
  LOCAL_PORT,
  NO_SERVICE_NAME,
  REMOTE_IP,
  REMOTE_PORT,
  REMOTE_SERVICE,
  RESOURCE_KEYS,
  SCOPE_NAME,
  SCOPE_VERSION,
  SERVICE_NAME,
  SERVICE_NAME_SOURCE,
  SPAN_KIND,
  START_TIME_ABSENT,
  STATUS_CODE,
  STATUS_DESCRIPTION,
  TRACE_STATE,
} from './words.ts'

export interface ZipkinOptions {
  /** Tags that look like integers, decimals or booleans become them; the zipkin receiver's `parse_string_tags`. */
  readonly parseStringTags?: boolean
}

type Tags = Map<string, string>

/** An ExportTraceServiceRequest. */
export function spansToOtlp(spans: readonly ZipkinSpan[], options: ZipkinOptions): Uint8Array {
  const builder = new TracesBuilder()
  for (const span of spans) addSpan(builder, span, options.parseStringTags ?? false)
  return builder.finish()
}

function addSpan(builder: TracesBuilder, span: ZipkinSpan, parse: boolean): void {
  // The decoder made them for this; what is left of them are the attributes.
  const { tags } = span
  const resource = takeResource(tags, span.local?.serviceName ?? '')
  const scopeName = take(tags, SCOPE_NAME) ?? tags.get(LIBRARY_NAME) ?? ''
  const scopeVersion = take(tags, SCOPE_VERSION) ?? tags.get(LIBRARY_VERSION) ?? ''
  tags.delete(LIBRARY_NAME)
  tags.delete(LIBRARY_VERSION)
  const traceState = take(tags, TRACE_STATE) ?? ''
  const kind = span.kind === 0 ? takeKind(tags) : span.kind
  const status = takeStatus(tags)
  const links = takeLinks(tags)
  const attributes = tags as Attributes
  if (parse) for (const [key, value] of tags) attributes.set(key, parsed(value))
  setEndpoint(attributes, span.local, LOCAL_IP, LOCAL_PORT)
  const remoteService = span.remote?.serviceName ?? ''
  if (remoteService !== '') attributes.set(REMOTE_SERVICE, remoteService)
  setEndpoint(attributes, span.remote, REMOTE_IP, REMOTE_PORT)
  const start = span.start ?? 0n
  if (span.start === undefined) attributes.set(START_TIME_ABSENT, true)
  const { parentId } = span
  const hasParent = parentId !== undefined && !isZero(parentId) && Buffer.compare(parentId, span.id) !== 0
  builder.add(encodeResource(resource), scopeName, scopeVersion, {
    traceId: span.traceId,
    spanId: span.id,
    parentSpanId: hasParent ? parentId : undefined,
    traceState,
    name: span.name,
    kind,
    start,
    end: start + span.duration,
    attributes,
    events: span.annotations.map(eventOf),
    links,
    statusCode: status.code,
    statusMessage: status.message,
  })
}

function take(tags: Tags, key: string): string | undefined {
  const value = tags.get(key)
  if (value !== undefined) tags.delete(key)
  return value
}

function takeResource(tags: Tags, serviceName: string): Attributes {
  const resource: Attributes = new Map()
  const source = take(tags, SERVICE_NAME_SOURCE) ?? ''
  if (serviceName !== '' && serviceName !== NO_SERVICE_NAME)
    resource.set(source === '' ? SERVICE_NAME : source, serviceName)
  for (const [key, value] of tags) {
    if (!RESOURCE_KEYS.has(key)) continue
    resource.set(key, value)
    tags.delete(key)
  }
  return resource
}

function takeKind(tags: Tags): number {
  return take(tags, SPAN_KIND) === 'internal'
    ? SpanSpanKind.SPAN_KIND_INTERNAL
    : SpanSpanKind.SPAN_KIND_UNSPECIFIED
}

const { STATUS_CODE_OK, STATUS_CODE_ERROR, STATUS_CODE_UNSET } = StatusStatusCode
const STATUS_CODES: Readonly<Record<string, number>> = {
  STATUS_CODE_OK,
  STATUS_CODE_ERROR,
  Ok: STATUS_CODE_OK,
  Error: STATUS_CODE_ERROR,
}

function takeStatus(tags: Tags): { code: number; message: string } {
  let code: number = STATUS_CODE_UNSET
  let message = ''
  const name = take(tags, STATUS_CODE)
  if (name !== undefined) {
    code = STATUS_CODES[name] ?? STATUS_CODE_UNSET
    message = take(tags, STATUS_DESCRIPTION) ?? ''
  }
  const error = tags.get(ERROR)
  if (error !== undefined) {
    code = STATUS_CODE_ERROR
    if (error === 'true') tags.delete(ERROR)
  }
  return { code, message }
}

/** `trace id|span id|tracestate|{attributes as JSON}|dropped`. A tag that is not that stays one. */
function takeLinks(tags: Tags): LinkValues[] {
  const links: LinkValues[] = []
  for (let i = 0; i < LINKS_MAX; i++) {
    const key = `${LINK_PREFIX}${i}`
    const text = tags.get(key)
    if (text === undefined) break
    const found = splitJson(text)
    const parts = found === undefined ? null : LINK_IDS.exec(found.head)
    if (found === undefined || parts === null) continue
    tags.delete(key)
    const { attributes, dropped } = found
    links.push({
      traceId: Buffer.from(parts[1]!.padStart(32, '0'), 'hex'),
      spanId: Buffer.from(parts[2]!.padStart(16, '0'), 'hex'),
      traceState: parts[3]!,
      attributes,
      dropped,
    })
  }
  return links
}

const LINK_IDS = /^([0-9a-fA-F]{32}|)\|([0-9a-fA-F]{16}|)\|(.*)$/s

/** `name`, or `name|{attributes as JSON}|dropped`. What only looks like that is a name. */
function eventOf({ time, value }: ZipkinAnnotation): EventValues {
  const found = splitJson(value)
  if (found === undefined) return { time, name: value, attributes: new Map(), dropped: 0 }
  return { time, name: found.head, attributes: found.attributes, dropped: found.dropped }
}

interface WithJson {
  readonly head: string
  readonly attributes: Attributes
  readonly dropped: number
}

function splitJson(text: string): WithJson | undefined {
  const open = text.indexOf('|{')
  const close = text.lastIndexOf('}|')
  if (open === -1 || close < open) return undefined
  const digits = text.slice(close + 2)
  if (!/^[0-9]{1,10}$/.test(digits) || Number(digits) > 0xffff_ffff) return undefined
  const attributes = attributesOf(text.slice(open + 1, close + 1))
  if (attributes === undefined) return undefined
  return { head: text.slice(0, open), attributes, dropped: Number(digits) }
}

function attributesOf(json: string): Attributes | undefined {
  let object: JsonValue
  try {
    object = parseJson(Buffer.from(json), 'JSON')
  } catch (error) {
    if (error instanceof BadMessage) return undefined
    throw error
  }
  const attributes: Attributes = new Map()
  if (!isObject(object)) return undefined
  for (const [key, value] of Object.entries(object)) if (value !== null) attributes.set(key, plainOf(value))
  return attributes
}

/** Whole numbers are integers. */
function plainOf(value: JsonValue): PlainValue {
  if (typeof value === 'bigint') return inInt64(value) ? value : Number(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(plainOf)
  if (!isObject(value)) return value
  const plain: { [key: string]: PlainValue } = Object.create(null)
  for (const [key, one] of Object.entries(value)) plain[key] = plainOf(one)
  return plain
}

function inInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value
}

function setEndpoint(
  attributes: Attributes,
  endpoint: ZipkinEndpoint | undefined,
  ipKey: string,
  portKey: string,
): void {
  const ip = endpoint?.ipv6 ?? endpoint?.ipv4
  const text = ip === undefined ? undefined : ipText(ip)
  if (text !== undefined) attributes.set(ipKey, text)
  const port = endpoint?.port ?? 0
  if (port > 0) attributes.set(portKey, BigInt(port))
}

/** What the text looks like: an integer, a decimal, a boolean. */
function parsed(text: string): PlainValue {
  if (/^-?\d+$/.test(text)) return parseGoInt(text) ?? text
  if (/^-?\d+\.\d+$/.test(text)) return parseGoFloat(text) ?? text
  if (text === 'true' || text === 'false') return text === 'true'
  return text
}
