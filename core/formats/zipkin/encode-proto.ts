/** The `zipkin_proto` encoding: zipkin.proto3.ListOfSpans. Addresses of IPv4 have 4 bytes, as its .proto says. */

import { I64, VARINT } from '../../otlp/cursor.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { FormatRecord, Reject } from '../record.ts'
import { roundedMicros } from './encode-json.ts'
import { zipkinSpans } from './from-otlp.ts'
import type { ZipkinEndpoint, ZipkinSpan } from './model.ts'
import { packRecords } from './pack.ts'
import { KIND_NAMES, ZAnnotation, ZEndpoint, ZIPKIN_KINDS, ZList, ZSpan, ZTag } from './words.ts'

/**
 * The spans of a batch as lists of at most `maxBytes`, but for a span that is larger alone; one list when all fit.
 * `chunks` have passed `validate`; concatenated they are a request.
 */
export function zipkinProtoRecords(
  chunks: readonly Uint8Array[],
  maxBytes: number,
  reject: Reject,
): Generator<FormatRecord, void, undefined> {
  return packRecords(zipkinSpans(chunks, reject), maxBytes, NO_FRAME, writeSpan)
}

const EMPTY = new Uint8Array()
const NO_FRAME = { open: EMPTY, separator: EMPTY, close: EMPTY }

function writeSpan(out: Writer, span: ZipkinSpan): void {
  const mark = out.open(ZList.spans)
  out.lengthDelimited(ZSpan.traceId, span.traceId)
  if (span.parentId !== undefined) out.lengthDelimited(ZSpan.parentId, span.parentId)
  out.lengthDelimited(ZSpan.id, span.id)
  if (span.kind !== 0) {
    out.tag(ZSpan.kind, VARINT)
    out.varint(ZIPKIN_KINDS.indexOf(KIND_NAMES[span.kind] ?? ''))
  }
  if (span.name !== '') out.string(ZSpan.name, span.name)
  if (span.start !== undefined) writeTime(out, ZSpan.timestamp, roundedMicros(span.start))
  const duration = span.duration / 1000n
  if (duration > 0n) {
    out.tag(ZSpan.duration, VARINT)
    out.bigVarint(duration)
  }
  if (span.local !== undefined) writeEndpoint(out, ZSpan.localEndpoint, span.local)
  if (span.remote !== undefined) writeEndpoint(out, ZSpan.remoteEndpoint, span.remote)
  for (const { time, value } of span.annotations) {
    const annotation = out.open(ZSpan.annotations)
    writeTime(out, ZAnnotation.timestamp, time / 1000n)
    if (value !== '') out.string(ZAnnotation.value, value)
    out.close(annotation)
  }
  for (const [key, value] of span.tags) {
    const tag = out.open(ZSpan.tags)
    out.string(ZTag.key, key)
    out.string(ZTag.value, value)
    out.close(tag)
  }
  out.close(mark)
}

function writeTime(out: Writer, field: number, micros: bigint): void {
  if (micros === 0n) return
  out.tag(field, I64)
  out.bigFixed64(micros)
}

function writeEndpoint(out: Writer, field: number, endpoint: ZipkinEndpoint): void {
  const mark = out.open(field)
  if (endpoint.serviceName !== '') out.string(ZEndpoint.serviceName, endpoint.serviceName)
  if (endpoint.ipv4 !== undefined) out.lengthDelimited(ZEndpoint.ipv4, endpoint.ipv4)
  if (endpoint.ipv6 !== undefined) out.lengthDelimited(ZEndpoint.ipv6, endpoint.ipv6)
  if (endpoint.port !== 0) {
    out.tag(ZEndpoint.port, VARINT)
    out.varint(endpoint.port)
  }
  out.close(mark)
}
