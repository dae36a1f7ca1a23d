/** What the headers of an OTLP/HTTP request say, and the sentences for those that say something else. */

import type { Encoding } from '../../core/otlp/response.ts'
import { type Answer, answer } from './status.ts'

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** The encoding that a Content-Type names, with or without parameters; undefined when it is not one of OTLP's. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  if (contentType === CONTENT_TYPES.protobuf) return 'protobuf'
  const type = contentType?.replace(/;.*$/s, '').trim().toLowerCase()
  if (type === CONTENT_TYPES.json) return 'json'
  return type === CONTENT_TYPES.protobuf ? 'protobuf' : undefined
}

/** The Collector's name for a Content-Encoding: '' is none. */
export function contentEncodingOf(header: string | undefined): string {
  const name = header?.trim().toLowerCase() ?? ''
  return name === 'identity' ? '' : name
}

export function refuseContentType(contentType: string | undefined): Answer {
  const sent = contentType ? `Content-Type ${contentType}` : 'a request without Content-Type'
  const fix = contentType?.startsWith('application/grpc')
    ? 'OTLP/gRPC goes to the port of protocols.grpc, usually 4317'
    : `send ${CONTENT_TYPES.protobuf} or ${CONTENT_TYPES.json}`
  return answer('INVALID_ARGUMENT', `${sent} is not supported; ${fix}`, 415)
}

export function refuseContentEncoding(sent: string, accepted: ReadonlySet<string>): Answer {
  const known = [...accepted].filter(name => name !== '').join(', ') || 'none'
  const what = sent === '' ? 'a body without Content-Encoding' : `Content-Encoding ${sent}`
  return answer('INVALID_ARGUMENT', `${what} is not supported; send ${known}`, 415)
}
