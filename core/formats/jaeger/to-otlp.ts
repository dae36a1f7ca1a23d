/**
 * Spans of Jaeger's model as OTLP, as the Collector's pkg/translator/jaeger does it (0.155). Unlike it, a tag that does
 * not say what its name promises is kept as an attribute: `span.kind` of no known kind, an `event` that is no text.
 */

import { SpanSpanKind, StatusStatusCode } from '../../otlp/fields.ts'
import type { PlainValue } from '../../otlp/value.ts'
import { parseGoInt } from '../go-numbers.ts'
import {
  type Attributes,
  type EventValues,
  encodeResource,
  isZero,
  type LinkValues,
  TracesBuilder,
} from '../otlp-spans.ts'
import type { JaegerLog, JaegerProcess, JaegerReference, JaegerSpan, JaegerTag } from './model.ts'
import {
  CHILD_OF,
  CHILD_OF_TEXT,
  ERROR,
  EVENT,
  FOLLOWS_FROM,
  FOLLOWS_FROM_TEXT,
  KIND_TEXTS,
  NO_SERVICE_NAME,
  REF_TYPE,
  SCOPE_NAME,
  SCOPE_VERSION,
  SERVICE_NAME,
  SPAN_KIND,
  STATUS_CODE,
  STATUS_DESCRIPTION,
  TRACE_STATE,
  VALUE_TYPES,
} from './words.ts'

const HTTP_STATUS_CODE = 'http.status_code'
const HTTP_STATUS_MESSAGE = 'http.status_message'
const HOST_NAME = 'host.name'
const OLD_HOST_NAME = 'hostname'
const CLIENT_VERSION = 'jaeger.version'
const EXPORTER_VERSION = 'opencensus.exporterversion'

/** An ExportTraceServiceRequest. Spans of equal processes share a resource. */
export function spansToOtlp(spans: readonly JaegerSpan[]): Uint8Array {
  const builder = new TracesBuilder()
  for (const span of spans) addSpan(builder, resourceOf(span.process ?? NO_PROCESS), span)
  return builder.finish()
}

const NO_PROCESS: JaegerProcess = { serviceName: '', tags: [] }
/** Decoders give the same object for the same process. */
const resources = new WeakMap<JaegerProcess, Uint8Array>()

function resourceOf(process: JaegerProcess): Uint8Array {
  const known = resources.get(process)
  if (known !== undefined) return known
  const resource = encodeResource(translateProcess(process))
  resources.set(process, resource)
  return resource
}

function translateProcess(process: JaegerProcess): Attributes {
  const attributes: Attributes = new Map()
  const { serviceName, tags } = process
  if (serviceName !== '' && serviceName !== NO_SERVICE_NAME) attributes.set(SERVICE_NAME, serviceName)
  setTags(attributes, tags)
  const host = attributes.get(OLD_HOST_NAME)
  if (host !== undefined && !attributes.has(HOST_NAME)) {
    attributes.delete(OLD_HOST_NAME)
    attributes.set(HOST_NAME, host)
  }
  const version = attributes.get(CLIENT_VERSION)
  if (version !== undefined && !attributes.has(EXPORTER_VERSION)) {
    attributes.delete(CLIENT_VERSION)
    attributes.set(EXPORTER_VERSION, `Jaeger-${textOf(version)}`)
  }
  return attributes
}

function setTags(attributes: Attributes, tags: readonly JaegerTag[]): void {
  for (const { key, type, value } of tags)
    attributes.set(key, type in VALUE_TYPES ? value : `<Unknown Jaeger TagType "${type}">`)
}

function textOf(value: PlainValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function addSpan(builder: TracesBuilder, resource: Uint8Array, from: JaegerSpan): void {
  const tags = [...from.tags]
  const scopeName = takeFirst(tags, SCOPE_NAME)
  const scopeVersion = scopeName === undefined ? undefined : takeFirst(tags, SCOPE_VERSION)
  const attributes: Attributes = new Map()
  setTags(attributes, tags)
  const kind = takeKind(attributes)
  const status = takeStatus(attributes, kind)
  const traceState = attributes.get(TRACE_STATE)
  if (typeof traceState === 'string') attributes.delete(TRACE_STATE)
  const parent = parentOf(from)
  builder.add(resource, textOf(scopeName), textOf(scopeVersion), {
    traceId: from.traceId,
    spanId: from.spanId,
    parentSpanId: parent,
    traceState: textOf(traceState),
    name: from.operationName,
    kind,
    start: from.startTime,
    end: from.startTime + from.duration,
    attributes,
    events: from.logs.map(eventOf),
    links: linksOf(from.references, parent),
    statusCode: status.code,
    statusMessage: status.message,
  })
}

/** Takes the first tag with this key out of `tags`. */
function takeFirst(tags: JaegerTag[], key: string): PlainValue | undefined {
  const at = tags.findIndex(tag => tag.key === key)
  return at === -1 ? undefined : tags.splice(at, 1)[0]!.value
}

function takeKind(attributes: Attributes): number {
  const kind = KIND_TEXTS.indexOf(textOf(attributes.get(SPAN_KIND)) as (typeof KIND_TEXTS)[number])
  if (kind <= 0) return SpanSpanKind.SPAN_KIND_UNSPECIFIED
  attributes.delete(SPAN_KIND)
  return kind
}

interface StatusValues {
  readonly code: number
  readonly message: string
}

/**
 * The error tag is the last word on an error; else the status code's tag; else, when there is neither, what the HTTP
 * status says.
 */
function takeStatus(attributes: Attributes, kind: number): StatusValues {
  const { STATUS_CODE_ERROR, STATUS_CODE_OK, STATUS_CODE_UNSET } = StatusStatusCode
  const isError = attributes.get(ERROR) === true
  let status: StatusValues = { code: STATUS_CODE_UNSET, message: '' }
  if (isError) {
    attributes.delete(ERROR)
    const message = takeDescription(attributes) ?? textOf(attributes.get(HTTP_STATUS_MESSAGE))
    status = { code: STATUS_CODE_ERROR, message }
  }
  const codeTag = attributes.get(STATUS_CODE)
  if (codeTag !== undefined) {
    if (!isError) {
      const word = textOf(codeTag).toUpperCase()
      const code = word === 'OK' ? STATUS_CODE_OK : word === 'ERROR' ? STATUS_CODE_ERROR : STATUS_CODE_UNSET
      status = { code, message: takeDescription(attributes) ?? '' }
    }
    attributes.delete(STATUS_CODE)
  } else if (!isError) {
    const code = codeFromHttp(attributes.get(HTTP_STATUS_CODE), kind)
    if (code !== STATUS_CODE_UNSET) status = { code, message: textOf(attributes.get(HTTP_STATUS_MESSAGE)) }
  }
  return status
}

function takeDescription(attributes: Attributes): string | undefined {
  const description = attributes.get(STATUS_DESCRIPTION)
  if (description === undefined) return undefined
  attributes.delete(STATUS_DESCRIPTION)
  return textOf(description)
}

/** 399 is an error there, so it is one here. */
function codeFromHttp(tag: PlainValue | undefined, kind: number): number {
  const code = typeof tag === 'bigint' ? tag : typeof tag === 'string' ? parseGoInt(tag) : undefined
  if (code === undefined) return StatusStatusCode.STATUS_CODE_UNSET
  const isServer = kind === SpanSpanKind.SPAN_KIND_SERVER
  if ((code >= 100 && code < 399) || (isServer && code >= 400 && code < 500))
    return StatusStatusCode.STATUS_CODE_UNSET
  return StatusStatusCode.STATUS_CODE_ERROR
}

function eventOf({ time, fields }: JaegerLog): EventValues {
  const attributes: Attributes = new Map()
  setTags(attributes, fields)
  const name = attributes.get(EVENT)
  if (typeof name === 'string') attributes.delete(EVENT)
  return { time, name: textOf(name), attributes, dropped: 0 }
}

/** The first CHILD_OF of the same trace, else the first FOLLOWS_FROM of it. */
function parentOf({ references, traceId }: JaegerSpan): Uint8Array | undefined {
  const own = references.filter(one => Buffer.compare(one.traceId, traceId) === 0)
  const parent = own.find(one => one.type === CHILD_OF) ?? own.find(one => one.type === FOLLOWS_FROM)
  return parent === undefined || isZero(parent.spanId) ? undefined : parent.spanId
}

const NO_PARENT = new Uint8Array(8)

/** All references but the parent's CHILD_OF. */
function linksOf(references: readonly JaegerReference[], parent: Uint8Array = NO_PARENT): LinkValues[] {
  return references
    .filter(one => one.type !== CHILD_OF || Buffer.compare(one.spanId, parent) !== 0)
    .map(({ traceId, spanId, type }) => ({
      traceId,
      spanId,
      traceState: '',
      attributes: new Map([[REF_TYPE, type === CHILD_OF ? CHILD_OF_TEXT : FOLLOWS_FROM_TEXT]]),
      dropped: 0,
    }))
}
