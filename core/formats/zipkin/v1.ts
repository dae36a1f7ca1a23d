/**
 * Zipkin v1 spans as OTLP, as the Collector's pkg/translator/zipkin/zipkinv1 does it (0.155). Unlike it, 16 and 32-bit
 * integers keep their sign.
 */

import { SpanSpanKind, StatusStatusCode } from '../../otlp/fields.ts'
import type { PlainValue } from '../../otlp/value.ts'
import { parseGoInt } from '../go-numbers.ts'
import { type Attributes, type EventValues, encodeResource, isZero, TracesBuilder } from '../otlp-spans.ts'
import {
  ERROR,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_STATUS_CODE,
  SERVICE_NAME,
  STATUS_CODE,
  STATUS_DESCRIPTION,
} from './words.ts'

export interface V1Endpoint {
  readonly serviceName: string
  /** '' when unknown. */
  readonly ipv4: string
  readonly ipv6: string
  readonly port: number
}

export interface V1Annotation {
  /** Microseconds since 1970. */
  readonly timestamp: bigint
  readonly value: string
  readonly host: V1Endpoint | undefined
}

export interface V1Tag {
  readonly key: string
  readonly value: string | boolean | bigint | number
  readonly host: V1Endpoint | undefined
}

export interface V1Span {
  /** 16 bytes. */
  traceId: Uint8Array
  /** 8 bytes. */
  id: Uint8Array
  parentId: Uint8Array | undefined
  name: string
  /** Microseconds. */
  timestamp: bigint | undefined
  duration: bigint
  annotations: V1Annotation[]
  tags: V1Tag[]
}

const UNKNOWN_SERVICE = 'unknown-service'
const LOCAL_COMPONENT = 'lc'

/** Annotations that say which side of a call the span is. */
const KINDS: ReadonlyMap<string, number> = new Map([
  ['cs', SpanSpanKind.SPAN_KIND_CLIENT],
  ['cr', SpanSpanKind.SPAN_KIND_CLIENT],
  ['ms', SpanSpanKind.SPAN_KIND_PRODUCER],
  ['mr', SpanSpanKind.SPAN_KIND_CONSUMER],
  ['ss', SpanSpanKind.SPAN_KIND_SERVER],
  ['sr', SpanSpanKind.SPAN_KIND_SERVER],
])

/** An ExportTraceServiceRequest. Spans of equal endpoints share a resource. */
export function v1SpansToOtlp(spans: readonly V1Span[]): Uint8Array {
  const builder = new TracesBuilder()
  for (const span of spans) addSpan(builder, span)
  return builder.finish()
}

function addSpan(builder: TracesBuilder, span: V1Span): void {
  const { kind, endpoint, start, end, events } = readAnnotations(span.annotations)
  const status = new StatusMapper()
  const attributes: Attributes = new Map()
  let service = ''
  let component = ''
  for (const { key, value, host } of span.tags) {
    if (host !== undefined) service = host.serviceName
    const isComponent = key === LOCAL_COMPONENT
    if (isComponent) component = String(value)
    const name = isComponent ? 'component' : key
    if (!status.takes(name, value)) attributes.set(name, value)
  }
  if (service === '') service = component
  const resource: Attributes = new Map()
  const known = endpoint?.serviceName ?? UNKNOWN_SERVICE
  resource.set(SERVICE_NAME, known === UNKNOWN_SERVICE && service !== '' ? service : known)
  if (endpoint !== undefined) setEndpoint(resource, endpoint)
  const { timestamp, parentId } = span
  builder.add(encodeResource(resource), '', '', {
    traceId: span.traceId,
    spanId: span.id,
    parentSpanId: parentId === undefined || isZero(parentId) ? undefined : parentId,
    traceState: '',
    name: span.name,
    kind,
    start: timestamp === undefined ? start : nanosOf(timestamp),
    end: timestamp === undefined ? end : nanosOf(timestamp + span.duration),
    attributes,
    events,
    links: [],
    ...status.result(),
  })
}

function setEndpoint(resource: Attributes, { ipv4, ipv6, port }: V1Endpoint): void {
  if (ipv4 !== '') resource.set('ipv4', ipv4)
  if (ipv6 !== '') resource.set('ipv6', ipv6)
  if (port !== 0) resource.set('port', String(port))
}

/** Times before 1970 are none. */
function nanosOf(micros: bigint): bigint {
  return micros <= 0n ? 0n : BigInt.asUintN(64, micros * 1000n)
}

interface FromAnnotations {
  kind: number
  endpoint: V1Endpoint | undefined
  start: bigint
  end: bigint
  readonly events: EventValues[]
}

/** Kind and endpoint from the first annotations that have them; the others are events. */
function readAnnotations(annotations: readonly V1Annotation[]): FromAnnotations {
  const found: FromAnnotations = { kind: 0, endpoint: undefined, start: 0n, end: 0n, events: [] }
  let earliest: bigint | undefined
  let latest: bigint | undefined
  for (const { timestamp, value, host } of annotations) {
    if (value === '') continue
    const kind = KINDS.get(value)
    const service = host?.serviceName ?? ''
    if (kind !== undefined && service !== '' && service !== UNKNOWN_SERVICE) found.endpoint ??= host
    if (kind !== undefined && found.kind === 0) found.kind = kind
    const time = nanosOf(timestamp)
    if (earliest === undefined || timestamp < earliest) {
      earliest = timestamp
      found.start = time
    }
    if (latest === undefined || timestamp > latest) {
      latest = timestamp
      found.end = time
    }
    if (kind === undefined) found.events.push({ time, name: value, attributes: new Map(), dropped: 0 })
  }
  return found
}

const { STATUS_CODE_ERROR, STATUS_CODE_OK, STATUS_CODE_UNSET } = StatusStatusCode
const HTTP_STATUS_MESSAGE = 'http.status_message'

/** The status comes from the best of several tags: OpenCensus' own, OpenTelemetry's, `error`, the HTTP status. */
class StatusMapper {
  #census: number | undefined
  #censusMessage = ''
  #own: number | undefined
  #ownMessage = ''
  #http: number | undefined
  #httpMessage = ''
  #isError = false

  /** True when the tag is nothing but status, so that it is no attribute. */
  takes(key: string, value: PlainValue): boolean {
    const text = typeof value === 'string' ? value : ''
    switch (key) {
      case 'census.status_code': {
        const code = int32Of(value)
        if (code !== undefined) this.#census = code === 0 ? STATUS_CODE_OK : STATUS_CODE_ERROR
        return true
      }
      case 'census.status_description':
      case 'opencensus.status_description':
        this.#censusMessage = text
        return true
      case STATUS_CODE:
        this.#own = int32Of(value) ?? this.#own
        return true
      case STATUS_DESCRIPTION:
        this.#ownMessage = text
        return true
      case HTTP_STATUS_CODE:
      case HTTP_RESPONSE_STATUS_CODE: {
        const code = int32Of(value)
        if (code !== undefined) this.#http = code >= 100 && code < 400 ? STATUS_CODE_UNSET : STATUS_CODE_ERROR
        return false
      }
      case HTTP_STATUS_MESSAGE:
        this.#httpMessage = text
        return false
      case ERROR:
        this.#isError = true
        return true
    }
    return false
  }

  result(): { statusCode: number; statusMessage: string } {
    if (this.#census !== undefined) return { statusCode: this.#census, statusMessage: this.#censusMessage }
    if (this.#own !== undefined) return { statusCode: this.#own, statusMessage: this.#ownMessage }
    if (this.#isError)
      return { statusCode: STATUS_CODE_ERROR, statusMessage: this.#censusMessage || this.#ownMessage }
    if (this.#http !== undefined) return { statusCode: this.#http, statusMessage: this.#httpMessage }
    return { statusCode: STATUS_CODE_UNSET, statusMessage: '' }
  }
}

function int32Of(value: PlainValue): number | undefined {
  const whole = typeof value === 'bigint' ? value : typeof value === 'string' ? parseGoInt(value) : undefined
  return whole !== undefined && BigInt.asIntN(32, whole) === whole ? Number(whole) : undefined
}
