/** The `zipkin_thrift` encoding: a list of zipkincore.Span (jaeger-idl's zipkincore.thrift) in Thrift's binary protocol. */

import { ipText } from '../ip.ts'
import { THRIFT, ThriftReader } from '../thrift.ts'
import { type V1Annotation, type V1Endpoint, type V1Span, type V1Tag, v1SpansToOtlp } from './v1.ts'

const FORMAT = 'zipkin_thrift'

/** Field ids of zipkincore.thrift. */
const Span = {
  traceId: 1,
  name: 3,
  id: 4,
  parentId: 5,
  annotations: 6,
  binaryAnnotations: 8,
  timestamp: 10,
  duration: 11,
  traceIdHigh: 12,
} as const
const Annotation = { timestamp: 1, value: 2, host: 3 } as const
const BinaryAnnotation = { key: 1, value: 2, type: 3, host: 4 } as const
const Endpoint = { ipv4: 1, port: 2, serviceName: 3, ipv6: 4 } as const
/** AnnotationType. */
const Type = { bool: 0, bytes: 1, i16: 2, i32: 3, i64: 4, double: 5, string: 6 } as const

/** As an ExportTraceServiceRequest. @throws BadMessage */
export function decodeZipkinThrift(bytes: Uint8Array): Uint8Array {
  const reader = new ThriftReader(FORMAT, bytes)
  return v1SpansToOtlp(readList(reader, readSpan))
}

function readList<T>(reader: ThriftReader, read: (reader: ThriftReader) => T): T[] {
  const list: T[] = []
  for (let left = reader.list(THRIFT.struct); left > 0; left--) {
    reader.spend()
    list.push(read(reader))
  }
  return list
}

function readSpan(reader: ThriftReader): V1Span {
  const traceId = new DataView(new ArrayBuffer(16))
  const span: V1Span = {
    traceId: new Uint8Array(traceId.buffer),
    id: new Uint8Array(8),
    parentId: undefined,
    name: '',
    timestamp: undefined,
    duration: 0n,
    annotations: [],
    tags: [],
  }
  while (reader.nextField()) {
    switch (reader.field) {
      case Span.traceId:
        if (reader.is(THRIFT.i64)) traceId.setBigInt64(8, reader.i64())
        break
      case Span.traceIdHigh:
        if (reader.is(THRIFT.i64)) traceId.setBigInt64(0, reader.i64())
        break
      case Span.id:
        if (reader.is(THRIFT.i64)) span.id = idOf(reader.i64())
        break
      case Span.parentId:
        if (reader.is(THRIFT.i64)) span.parentId = idOf(reader.i64())
        break
      case Span.name:
        if (reader.is(THRIFT.string)) span.name = reader.string()
        break
      case Span.timestamp:
        if (reader.is(THRIFT.i64)) span.timestamp = reader.i64()
        break
      case Span.duration:
        if (reader.is(THRIFT.i64)) span.duration = reader.i64()
        break
      case Span.annotations:
        if (reader.is(THRIFT.list)) span.annotations = readList(reader, readAnnotation)
        break
      case Span.binaryAnnotations:
        if (reader.is(THRIFT.list)) span.tags = readList(reader, readBinaryAnnotation)
        break
      default:
        reader.skip()
    }
  }
  return span
}

function idOf(value: bigint): Uint8Array {
  const id = new DataView(new ArrayBuffer(8))
  id.setBigInt64(0, value)
  return new Uint8Array(id.buffer)
}

function readAnnotation(reader: ThriftReader): V1Annotation {
  let timestamp = 0n
  let value = ''
  let host: V1Endpoint | undefined
  while (reader.nextField()) {
    if (reader.field === Annotation.timestamp) {
      if (reader.is(THRIFT.i64)) timestamp = reader.i64()
    } else if (reader.field === Annotation.value) {
      if (reader.is(THRIFT.string)) value = reader.string()
    } else if (reader.field === Annotation.host) {
      if (reader.is(THRIFT.struct)) host = readEndpoint(reader)
    } else reader.skip()
  }
  return { timestamp, value, host }
}

function readBinaryAnnotation(reader: ThriftReader): V1Tag {
  let key = ''
  let value = new Uint8Array() as Uint8Array
  let type = 0
  let host: V1Endpoint | undefined
  while (reader.nextField()) {
    if (reader.field === BinaryAnnotation.key) {
      if (reader.is(THRIFT.string)) key = reader.string()
    } else if (reader.field === BinaryAnnotation.value) {
      if (reader.is(THRIFT.string)) value = reader.binary()
    } else if (reader.field === BinaryAnnotation.type) {
      if (reader.is(THRIFT.i32)) type = reader.i32()
    } else if (reader.field === BinaryAnnotation.host) {
      if (reader.is(THRIFT.struct)) host = readEndpoint(reader)
    } else reader.skip()
  }
  return { key, value: tagValue(type, value), host }
}

const SIZES: Readonly<Record<number, number>> = {
  [Type.i16]: 2,
  [Type.i32]: 4,
  [Type.i64]: 8,
  [Type.double]: 8,
}

/** Numbers are big-endian. What is not what it says becomes a text that says so, as in the Collector. */
function tagValue(type: number, bytes: Uint8Array): V1Tag['value'] {
  if (bytes.length < (SIZES[type] ?? 0)) return '<not enough bytes representing the number>'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case Type.bool:
      return bytes.length === 1 && bytes[0] === 1
    case Type.bytes:
      return Buffer.from(bytes).toString('base64')
    case Type.i16:
      return BigInt(view.getInt16(0))
    case Type.i32:
      return BigInt(view.getInt32(0))
    case Type.i64:
      return view.getBigInt64(0)
    case Type.double:
      return view.getFloat64(0)
    case Type.string:
      return Buffer.from(bytes).toString()
    default:
      return `<unknown zipkin v1 binary annotation type (${type})>`
  }
}

function readEndpoint(reader: ThriftReader): V1Endpoint {
  let ipv4 = ''
  let ipv6 = ''
  let port = 0
  let serviceName = ''
  while (reader.nextField()) {
    if (reader.field === Endpoint.ipv4) {
      if (reader.is(THRIFT.i32)) ipv4 = v4Text(reader.i32())
    } else if (reader.field === Endpoint.ipv6) {
      if (reader.is(THRIFT.string)) ipv6 = v6Text(reader.binary())
    } else if (reader.field === Endpoint.port) {
      if (reader.is(THRIFT.i16)) port = reader.i16() & 0xffff
    } else if (reader.field === Endpoint.serviceName) {
      if (reader.is(THRIFT.string)) serviceName = reader.string()
    } else reader.skip()
  }
  return { serviceName, ipv4, ipv6, port }
}

function v4Text(address: number): string {
  if (address === 0) return ''
  return [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff].join('.')
}

/** Bytes that are no address are shown as Go shows them. */
function v6Text(bytes: Uint8Array): string {
  if (bytes.length === 0) return ''
  return ipText(bytes) ?? `?${Buffer.from(bytes).toString('hex')}`
}
