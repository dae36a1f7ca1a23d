/** What the headers of an OTLP/HTTP request say, and the sentences for those that say something else. */

import type { IncomingMessage } from 'node:http'
import { nearest } from '../../config/suggest.ts'
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

/** For a path that nothing is at: the one that was meant, when there is one that is near, and all there are. */
export function refusePath(path: string, known: ReadonlySet<string>): Answer {
  const plain = path.replaceAll(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
  const near = known.has(plain) ? plain : nearest(plain, known)
  const guess = near === undefined ? '' : ` did you mean ${near}?`
  return answer('UNIMPLEMENTED', `there is nothing at ${path};${guess} paths are ${[...known].join(', ')}`)
}

/** What HTTP itself asks of a request and Node does not look at here, so that its answer is a Status too (RFC 9110). */
export function refuseShape(request: IncomingMessage): Answer | undefined {
  const { host, expect } = request.headers
  if (request.httpVersion !== '1.1') return undefined
  if (host === undefined) return answer('INVALID_ARGUMENT', 'a request of HTTP/1.1 needs a Host header')
  if (expect === undefined || expectsContinue(request)) return undefined
  return answer('INVALID_ARGUMENT', `Expect: ${expect} cannot be met; 100-continue can`, 417)
}

/** Does the client wait for 100 before it sends its body? */
export function expectsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion === '1.1'
}
