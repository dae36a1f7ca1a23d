/**
 * Sentences for clients that speak the wrong protocol, the most common mistake with ports 4317 and 4318: what they are
 * answered, as far as their protocol has room for it, and what the log says, because few of them show it.
 *
 * | sent to        | HTTP/1 | HTTP/2 | TLS |
 * | -------------- | ------ | ------ | --- |
 * | gRPC, plain    | 400    | served | what HTTP/2 answers: clients say "wrong version number" or the like |
 * | gRPC, TLS      | 400, also in TLS | GOAWAY | served |
 * | HTTP, plain    | served | GOAWAY | 400, in plain: Go's clients say "server gave HTTP response to HTTPS client" |
 * | HTTP, TLS      | 400    | GOAWAY, also in TLS | served |
 */

import type { Socket } from 'node:net'
import { encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'

const LINGER_MS = 2_000

/** A client that speaks something else than the port does. */
export interface Mistake {
  /** What it speaks, for the log. */
  readonly speaks: string
  /** What to do about it, for the log. */
  readonly fix: string
  /** For the client: what the port speaks and what to do. */
  readonly tell: string
}

const TO_GRPC = 'send OTLP/gRPC to the port of protocols.grpc, usually 4317'
const TO_HTTP = 'send OTLP/HTTP to the port of protocols.http, usually 4318'

export const GRPC_MISTAKES = {
  http1: {
    speaks: 'HTTP/1',
    fix: `${TO_HTTP}, or set its protocol to grpc`,
    tell: `this port speaks OTLP/gRPC; ${TO_HTTP}`,
  },
  tls: {
    speaks: 'TLS',
    fix: 'tell it insecure, or add tls: to protocols.grpc',
    tell: 'this port speaks gRPC without TLS; write http:// or insecure, or add tls: to protocols.grpc',
  },
  plain: {
    speaks: 'gRPC without TLS',
    fix: 'tell it to use TLS, or remove tls: from protocols.grpc',
    tell: 'this port speaks gRPC over TLS; write https://, or turn insecure off',
  },
} as const satisfies Record<string, Mistake>

export const HTTP_MISTAKES = {
  http2: {
    speaks: 'HTTP/2 (gRPC?)',
    fix: `${TO_GRPC}, or set its protocol to http/protobuf`,
    tell: `this port speaks OTLP/HTTP; ${TO_GRPC}`,
  },
  tls: {
    speaks: 'TLS',
    fix: 'write http:// or insecure there, or add tls: to protocols.http',
    tell: 'this port speaks HTTP without TLS; write http://, or add tls: to protocols.http',
  },
  plain: {
    speaks: 'HTTP without TLS',
    fix: 'write https:// there, or remove tls: from protocols.http',
    tell: 'this port speaks HTTPS; write https://',
  },
} as const satisfies Record<string, Mistake>

/** Answers an HTTP/1 request with 400 and a Status, whatever port it was sent to, and ends. */
export function refuseHttp1(socket: Socket, { tell }: Mistake): void {
  const body = encodeStatus({ code: STATUS_CODES.INVALID_ARGUMENT, message: tell }, 'json')
  endWith(socket, [
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
    body,
  ])
}

/** GOAWAY codes of RFC 9113 7. */
export const INADEQUATE_SECURITY = 0xc
export const HTTP_1_1_REQUIRED = 0xd

/**
 * Answers an HTTP/2 connection preface: empty SETTINGS, then GOAWAY (RFC 9113 6.8) with a sentence as its debug data,
 * which gRPC clients log.
 */
export function refuseHttp2(socket: Socket, { tell }: Mistake, code: number): void {
  const sentence = Buffer.from(tell)
  const settings = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0)
  const goaway = Buffer.alloc(17)
  goaway.writeUIntBE(8 + sentence.length, 0, 3)
  goaway[3] = 7
  goaway.writeUInt32BE(code, 13)
  endWith(socket, [settings, goaway, sentence])
}

/** Ends our half and lets the client finish its own, so that a reset does not overtake the answer; not for long. */
export function endWith(socket: Socket, parts: readonly (string | Uint8Array)[]): void {
  for (const part of parts) socket.write(part)
  socket.end()
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(timer))
}
