/** The `zipkin_proto` encoding: zipkin.proto3.ListOfSpans. */

import { I64, LEN, low, readFixedUint64, readVarint64, readVarintUint64, VARINT } from '../../otlp/cursor.ts'
import { BadMessage, Budget } from '../bad-message.ts'
import { CheckedCursor } from '../checked-cursor.ts'
import { ipText } from '../ip.ts'
import { readCachedString } from '../text-cache.ts'
import { kindOf } from './decode-json.ts'
import type { ZipkinAnnotation, ZipkinEndpoint, ZipkinSpan } from './model.ts'
import { spansToOtlp, type ZipkinOptions } from './to-otlp.ts'
import { ZAnnotation, ZEndpoint, ZIPKIN_KINDS, ZList, ZSpan, ZTag } from './words.ts'

const FORMAT = 'zipkin_proto'

// One for each kind of message: none of them holds another of its kind.
const inSpan = new CheckedCursor(FORMAT)
const inEndpoint = new CheckedCursor(FORMAT)
const inAnnotation = new CheckedCursor(FORMAT)
const inTag = new CheckedCursor(FORMAT)

/** As an ExportTraceServiceRequest. @throws BadMessage */
export function decodeZipkinProto(bytes: Uint8Array, options: ZipkinOptions = {}): Uint8Array {
  const budget = new Budget(FORMAT)
  const spans: ZipkinSpan[] = []
  const list = new CheckedCursor(FORMAT, bytes)
  while (list.next()) {
    if (list.field !== ZList.spans) continue
    budget.spend()
    spans.push(readSpan(list.enter(inSpan), budget))
  }
  return spansToOtlp(spans, options)
}

function readSpan(c: CheckedCursor, budget: Budget): ZipkinSpan {
  let traceId: Uint8Array | undefined
  let id: Uint8Array | undefined
  let parentId: Uint8Array | undefined
  let name = ''
  let kind = 0
  let start = 0n
  let duration = 0n
  let local: ZipkinEndpoint | undefined
  let remote: ZipkinEndpoint | undefined
  const annotations: ZipkinAnnotation[] = []
  const tags = new Map<string, string>()
  while (c.next()) {
    switch (c.field) {
      case ZSpan.traceId:
        traceId = readTraceId(c)
        break
      case ZSpan.id:
        id = readSpanId(c)
        break
      case ZSpan.parentId:
        parentId = readSpanId(c)
        break
      case ZSpan.name:
        name = readText(c)
        break
      case ZSpan.kind:
        c.expect(VARINT)
        readVarint64(c.bytes, c.start)
        kind = kindOf(ZIPKIN_KINDS[low] ?? '')
        break
      case ZSpan.timestamp:
        start = readMicros(c, I64)
        break
      case ZSpan.duration:
        duration = readMicros(c, VARINT)
        break
      case ZSpan.localEndpoint:
        local = readEndpoint(c.enter(inEndpoint))
        break
      case ZSpan.remoteEndpoint:
        remote = readEndpoint(c.enter(inEndpoint))
        break
      case ZSpan.annotations:
        budget.spend()
        annotations.push(readAnnotation(c.enter(inAnnotation)))
        break
      case ZSpan.tags:
        budget.spend()
        readTag(c.enter(inTag), tags)
        break
    }
  }
  if (traceId === undefined) throw new BadMessage(FORMAT, 'a span has no trace id')
  if (id === undefined) throw new BadMessage(FORMAT, 'a span has no id')
  return { traceId, id, parentId, name, kind, start, duration, local, remote, annotations, tags }
}

/** 8 bytes are the lower half. */
function readTraceId(c: CheckedCursor): Uint8Array {
  c.expect(LEN)
  const size = c.stop - c.start
  if (size !== 16 && size !== 8) c.fail(`a trace id of ${size} bytes`)
  const id = new Uint8Array(16)
  id.set(c.bytes.subarray(c.start, c.stop), 16 - size)
  return id
}

/** Undefined when it is empty. */
function readSpanId(c: CheckedCursor): Uint8Array | undefined {
  c.expect(LEN)
  const size = c.stop - c.start
  if (size === 0) return undefined
  if (size !== 8) c.fail(`a span id of ${size} bytes`)
  return c.bytes.subarray(c.start, c.stop)
}

function readText(c: CheckedCursor): string {
  c.expect(LEN)
  return readCachedString(c.bytes, c.start, c.stop)
}

function readMicros(c: CheckedCursor, wire: number): bigint {
  c.expect(wire)
  const micros = wire === I64 ? readFixedUint64(c.bytes, c.start) : readVarintUint64(c.bytes, c.start)
  return BigInt.asUintN(64, micros * 1000n)
}

function readEndpoint(c: CheckedCursor): ZipkinEndpoint {
  let serviceName = ''
  let ipv4: Uint8Array | undefined
  let ipv6: Uint8Array | undefined
  let port = 0
  while (c.next()) {
    if (c.field === ZEndpoint.serviceName) serviceName = readText(c)
    else if (c.field === ZEndpoint.ipv4) ipv4 = readIp(c)
    else if (c.field === ZEndpoint.ipv6) ipv6 = readIp(c)
    else if (c.field === ZEndpoint.port) {
      c.expect(VARINT)
      readVarint64(c.bytes, c.start)
      port = low & 0xffff
    }
  }
  return { serviceName, ipv4, ipv6, port }
}

function readIp(c: CheckedCursor): Uint8Array | undefined {
  c.expect(LEN)
  if (c.stop === c.start) return undefined
  const ip = c.bytes.subarray(c.start, c.stop)
  if (ipText(ip) === undefined) c.fail(`an IP address of ${ip.length} bytes`)
  return ip
}

function readAnnotation(c: CheckedCursor): ZipkinAnnotation {
  let time = 0n
  let value = ''
  while (c.next()) {
    if (c.field === ZAnnotation.timestamp) time = readMicros(c, I64)
    else if (c.field === ZAnnotation.value) value = readText(c)
  }
  return { time, value }
}

function readTag(c: CheckedCursor, tags: Map<string, string>): void {
  let key = ''
  let value = ''
  while (c.next()) {
    if (c.field === ZTag.key) key = readText(c)
    else if (c.field === ZTag.value) value = readText(c)
  }
  tags.set(key, value)
}
