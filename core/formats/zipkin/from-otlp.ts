/**
 * OTLP spans as spans of Zipkin v2, as the Collector's pkg/translator/zipkin does it (0.155, feature gates as they are
 * by default). Unlike it: attributes of a scope do not leak into the scopes after it, a tag leaves only for an endpoint
 * that took it (there an address that is none is lost), and a span that ends before it begins has no duration
 * (there it fails the batch).
 */

import {
  AnyValue,
  InstrumentationScope,
  Resource,
  Span,
  SpanEvent,
  SpanLink,
  StatusStatusCode,
} from '../../otlp/fields.ts'
import type { MessageView } from '../../otlp/message.ts'
import { ResourceView, ScopeView } from '../../otlp/resource.ts'
import { SpanView } from '../../otlp/span.ts'
import type { KeyValues } from '../../otlp/value.ts'
import { ItemWalker } from '../../otlp/walk.ts'
import { attributesJson, readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import { parseIp } from '../ip.ts'
import { isZero } from '../otlp-spans.ts'
import type { Reject } from '../record.ts'
import { readCachedString } from '../text-cache.ts'
import type { ZipkinAnnotation, ZipkinEndpoint, ZipkinSpan } from './model.ts'
import {
  CLOUD_RESOURCE_ID,
  ERROR,
  FAAS_ID,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_STATUS_CODE,
  KIND_NAMES,
  LIBRARY_NAME,
  LIBRARY_VERSION,
  LINK_PREFIX,
  LOCAL_IP,
  LOCAL_PORT,
  NO_SERVICE_NAME,
  OLD_REMOTE_SERVICE,
  OTHER_SERVICE_NAMES,
  REMOTE_IP,
  REMOTE_PORT,
  REMOTE_SERVICE,
  SERVICE_NAME,
  SERVICE_NAME_SOURCE,
  SPAN_KIND,
  STATUS_CODE,
  STATUS_DESCRIPTION,
  TRACE_STATE,
} from './words.ts'

type Tags = Map<string, string>

const EMPTY = new Uint8Array()
const INTERNAL = 1
/** A start in the first second of 1970 is none. */
const FIRST_START = 1_000_000_000n

/** The spans of a batch, one by one; those without a trace id or span id are told to `reject`. */
export function* zipkinSpans(
  chunks: readonly Uint8Array[],
  reject: Reject,
): Generator<ZipkinSpan, void, undefined> {
  const walker = new ItemWalker(EMPTY, 'traces')
  const span = new SpanView()
  for (const chunk of chunks) {
    walker.reset(chunk, 'traces')
    let resource: { readonly serviceName: string; readonly tags: Tags } = { serviceName: '', tags: new Map() }
    let scope: Tags = resource.tags
    let resourceAt = -1
    let scopeAt = -1
    while (walker.next()) {
      if (walker.resourceEntryStart !== resourceAt) {
        resourceAt = walker.resourceEntryStart
        resource = readResource(chunk, walker.resourceStart, walker.resourceStop)
      }
      if (walker.scopeEntryStart !== scopeAt) {
        scopeAt = walker.scopeEntryStart
        scope = withScope(resource.tags, chunk, walker.scopeStart, walker.scopeStop)
      }
      span.reset(chunk, walker.start, walker.stop)
      const traceId = idOf(span, Span.traceId)
      const id = idOf(span, Span.spanId)
      if (traceId === undefined) reject('zipkin needs a trace id')
      else if (id === undefined) reject('zipkin needs a span id')
      else yield translate(span, traceId, id, resource.serviceName, scope)
    }
  }
}

function readResource(bytes: Uint8Array, start: number, stop: number): { serviceName: string; tags: Tags } {
  const view = new ResourceView().reset(bytes, start, stop)
  const tags: Tags = new Map()
  if (!view.has(Resource.attributes)) return { serviceName: NO_SERVICE_NAME, tags }
  setAll(tags, view.attributes())
  const cloudResource = tags.get(CLOUD_RESOURCE_ID)
  if (cloudResource !== undefined) {
    if (!tags.has(FAAS_ID)) tags.set(FAAS_ID, cloudResource)
    tags.delete(CLOUD_RESOURCE_ID)
  }
  return { serviceName: takeServiceName(tags), tags }
}

function takeServiceName(tags: Tags): string {
  const name = tags.get(SERVICE_NAME)
  if (name !== undefined) {
    tags.delete(SERVICE_NAME)
    return name
  }
  for (const key of OTHER_SERVICE_NAMES) {
    const other = tags.get(key)
    if (other === undefined) continue
    tags.delete(key)
    tags.set(SERVICE_NAME_SOURCE, key)
    return other
  }
  return NO_SERVICE_NAME
}

function withScope(resource: Tags, bytes: Uint8Array, start: number, stop: number): Tags {
  const view = new ScopeView().reset(bytes, start, stop)
  const tags = new Map(resource)
  if (view.has(InstrumentationScope.attributes)) setAll(tags, view.attributes())
  if (view.name !== '') tags.set(LIBRARY_NAME, view.name)
  if (view.version !== '') tags.set(LIBRARY_VERSION, view.version)
  return tags
}

function setAll(tags: Tags, attributes: KeyValues): void {
  while (attributes.next()) {
    const { bytes, keyStart, keyStop, valueStart: start, valueStop: stop } = attributes
    const key = readCachedString(bytes, keyStart, keyStop)
    if (readKind(bytes, start, stop) !== AnyValue.stringValue) tags.set(key, valueText(bytes, start, stop))
    else tags.set(key, readCachedString(bytes, valueStart, valueStop))
  }
}

/** Undefined when absent or zero. */
function idOf(message: MessageView, field: number): Uint8Array | undefined {
  const start = message.startOf(field)
  if (start === -1) return undefined
  const id = message.bytes.subarray(start, message.stopOf(field))
  return isZero(id) ? undefined : id
}

function translate(
  span: SpanView,
  traceId: Uint8Array,
  id: Uint8Array,
  serviceName: string,
  inherited: Tags,
): ZipkinSpan {
  const tags = new Map(inherited)
  setAll(tags, span.attributes())
  const httpStatus = tags.get(HTTP_RESPONSE_STATUS_CODE)
  if (httpStatus !== undefined && !tags.has(HTTP_STATUS_CODE)) tags.set(HTTP_STATUS_CODE, httpStatus)
  const traceState = span.traceState
  if (traceState !== '') tags.set(TRACE_STATE, traceState)
  const kind = span.kind
  if (kind === INTERNAL) tags.set(SPAN_KIND, 'internal')
  const local = takeEndpoint(tags, serviceName, LOCAL_IP, LOCAL_PORT)
  const remote = takeRemote(tags)
  setStatus(tags, span)
  if (span.has(Span.links)) setLinks(tags, span)
  const start = span.startTime
  const end = span.endTime
  return {
    traceId,
    id,
    parentId: idOf(span, Span.parentSpanId),
    name: span.name,
    kind: (KIND_NAMES[kind] ?? '') === '' ? 0 : kind,
    start: start < FIRST_START ? undefined : start,
    duration: end > start ? end - start : 0n,
    local,
    remote,
    annotations: span.has(Span.events) ? annotationsOf(span) : [],
    tags,
  }
}

function takeRemote(tags: Tags): ZipkinEndpoint | undefined {
  const key = tags.has(REMOTE_SERVICE) ? REMOTE_SERVICE : OLD_REMOTE_SERVICE
  const serviceName = tags.get(key) ?? ''
  if (serviceName !== '') tags.delete(key)
  return takeEndpoint(tags, serviceName, REMOTE_IP, REMOTE_PORT)
}

const PORT = /^[0-9]{1,5}$/
const PORT_MAX = 65_535

/** An endpoint has a service or an address; what became part of it is no tag any more. */
function takeEndpoint(
  tags: Tags,
  serviceName: string,
  ipKey: string,
  portKey: string,
): ZipkinEndpoint | undefined {
  const ipTag = tags.get(ipKey)
  const ip = ipTag === undefined ? undefined : parseIp(ipTag)
  if (serviceName === '' && ip === undefined) return undefined
  if (ip !== undefined) tags.delete(ipKey)
  const portTag = tags.get(portKey)
  let port = 0
  if (portTag !== undefined && PORT.test(portTag) && Number(portTag) <= PORT_MAX) {
    port = Number(portTag)
    tags.delete(portKey)
  }
  const isV4 = ip?.length === 4
  return { serviceName, ipv4: isV4 ? ip : undefined, ipv6: isV4 ? undefined : ip, port }
}

/** Zipkin takes any span with an `error` tag for a failed one, so only failed ones may have it. */
function setStatus(tags: Tags, span: SpanView): void {
  const code = span.statusCode
  if (code === StatusStatusCode.STATUS_CODE_ERROR) tags.set(ERROR, 'true')
  else tags.delete(ERROR)
  if (code === StatusStatusCode.STATUS_CODE_UNSET) return
  const names = {
    [StatusStatusCode.STATUS_CODE_OK]: 'STATUS_CODE_OK',
    [StatusStatusCode.STATUS_CODE_ERROR]: 'STATUS_CODE_ERROR',
  }
  tags.set(STATUS_CODE, names[code as 1 | 2] ?? '')
  const message = span.statusMessage
  if (message !== '') tags.set(STATUS_DESCRIPTION, message)
}

/** `name`, or `name|{attributes as JSON}|dropped` when there is more to say. */
function annotationsOf(span: SpanView): ZipkinAnnotation[] {
  const annotations: ZipkinAnnotation[] = []
  const events = span.events()
  while (events.next()) {
    const event = events.item
    const dropped = event.droppedAttributesCount
    let value = event.name
    if (event.has(SpanEvent.attributes) || dropped !== 0) {
      const json = attributesJson(event.bytes, event.start, event.stop, SpanEvent.attributes)
      value = `${value}|${json}|${dropped}`
    }
    annotations.push({ time: event.time, value })
  }
  return annotations
}

/** `otlp.link.N`: `trace id|span id|tracestate|{attributes as JSON}|dropped`. */
function setLinks(tags: Tags, span: SpanView): void {
  const links = span.links()
  for (let i = 0; links.next(); i++) {
    const link = links.item
    const traceId = idOf(link, SpanLink.traceId) === undefined ? '' : link.traceId
    const spanId = idOf(link, SpanLink.spanId) === undefined ? '' : link.spanId
    const json = attributesJson(link.bytes, link.start, link.stop, SpanLink.attributes)
    tags.set(
      `${LINK_PREFIX}${i}`,
      `${traceId}|${spanId}|${link.traceState}|${json}|${link.droppedAttributesCount}`,
    )
  }
}
