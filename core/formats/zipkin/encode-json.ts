/** The `zipkin_json` encoding: arrays of Zipkin v2 spans. */

import { readHex } from '../../otlp/cursor.ts'
import { ipText } from '../ip.ts'
import type { FormatRecord, Reject } from '../record.ts'
import { zipkinSpans } from './from-otlp.ts'
import type { ZipkinEndpoint, ZipkinSpan } from './model.ts'
import { packRecords } from './pack.ts'
import { KIND_NAMES } from './words.ts'

/**
 * The spans of a batch as JSON arrays of at most `maxBytes`, but for a span that is larger alone; one array when all
 * fit. `chunks` have passed `validate`; concatenated they are a request.
 */
export function zipkinJsonRecords(
  chunks: readonly Uint8Array[],
  maxBytes: number,
  reject: Reject,
): Generator<FormatRecord, void, undefined> {
  return packRecords(zipkinSpans(chunks, reject), maxBytes, JSON_FRAME, (out, span) => {
    const text = spanText(span)
    out.reserve(text.length * 3)
    out.pos += encoder.encodeInto(text, out.bytes.subarray(out.pos)).written
  })
}

const encoder = new TextEncoder()
const JSON_FRAME = { open: Buffer.from('['), separator: Buffer.from(','), close: Buffer.from(']') }

function spanText(span: ZipkinSpan): string {
  let text = '{'
  if (span.start !== undefined) text += `"timestamp":${roundedMicros(span.start)},`
  // Less than a microsecond is one.
  const duration = roundedMicros(span.duration)
  if (span.duration > 0n) text += `"duration":${duration === 0n ? 1n : duration},`
  text += `"traceId":"${traceIdText(span.traceId)}","id":"${readHex(span.id, 0, span.id.length)}"`
  if (span.parentId !== undefined) text += `,"parentId":"${readHex(span.parentId, 0, span.parentId.length)}"`
  if (span.name !== '') text += `,"name":${JSON.stringify(lowerCase(span.name))}`
  if (span.kind !== 0) text += `,"kind":"${KIND_NAMES[span.kind]}"`
  if (span.local !== undefined) text += `,"localEndpoint":${endpointText(span.local)}`
  if (span.remote !== undefined) text += `,"remoteEndpoint":${endpointText(span.remote)}`
  if (span.annotations.length > 0) {
    const annotations = span.annotations.map(
      ({ time, value }) => `{"timestamp":${roundedMicros(time)},"value":${JSON.stringify(value)}}`,
    )
    text += `,"annotations":[${annotations.join(',')}]`
  }
  if (span.tags.size > 0) text += `,"tags":{${tagsText(span.tags)}}`
  return `${text}}`
}

function tagsText(tags: Map<string, string>): string {
  let text = ''
  for (const [key, value] of tags)
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`
  return text
}

function endpointText({ serviceName, ipv4, ipv6, port }: ZipkinEndpoint): string {
  const members: string[] = []
  if (serviceName !== '') members.push(`"serviceName":${JSON.stringify(lowerCase(serviceName))}`)
  if (ipv4 !== undefined) members.push(`"ipv4":"${ipText(ipv4)}"`)
  if (ipv6 !== undefined) members.push(`"ipv6":"${ipText(ipv6)}"`)
  if (port !== 0) members.push(`"port":${port}`)
  return `{${members.join(',')}}`
}

/** 16 digits when the upper half is zero. */
function traceIdText(id: Uint8Array): string {
  const text = readHex(id, 0, id.length)
  return text.startsWith('0000000000000000') ? text.slice(16) : text
}

/** To the nearest microsecond. */
export function roundedMicros(nanos: bigint): bigint {
  return (nanos + 500n) / 1000n
}

const NOT_LOWER = /[^\0-@[-\x7f]/

/** Letter by letter, as Go does it: JavaScript looks around a sigma and makes two letters of a dotted I. */
function lowerCase(text: string): string {
  if (!NOT_LOWER.test(text)) return text
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase()
  return Array.from(text, letter => {
    const lower = letter.toLowerCase()
    return lower.length > letter.length ? lower.slice(0, letter.length) : lower
  }).join('')
}
