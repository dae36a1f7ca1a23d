/** Sentences for clients that speak the other protocol: the most common mistake with ports 4317 and 4318. */

import type { Socket } from 'node:net'
import { encodeStatus, STATUS_CODES } from '../../core/otlp/response.ts'

const LINGER_MS = 2_000

/**
 * True for bytes that begin like an HTTP/1 request. HTTP/2 begins with `PRI * HTTP/2.0`, so a `P` alone is not enough
 * to tell; whoever sends its first bytes one by one gets http2's own error.
 */
export function speaksHttp1(first: Uint8Array): boolean {
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /.test(
    Buffer.from(first.buffer, first.byteOffset, Math.min(first.length, 8)).toString('latin1'),
  )
}

/** True for bytes that begin like a TLS handshake (RFC 8446 5.1: handshake, any 3.x version). */
export function speaksTls(first: Uint8Array | undefined): boolean {
  return first !== undefined && first[0] === 0x16 && first[1] === 3
}

/** For the log, about a sender that speaks TLS to a port without. */
export const FIX_TLS = 'write http:// or insecure there, or add tls: to this protocol'

/** Answers an HTTP/1 request on the gRPC port, and ends. */
export function refuseHttp1(socket: Socket): void {
  const body = encodeStatus(
    {
      code: STATUS_CODES.INVALID_ARGUMENT,
      message: 'this port speaks OTLP/gRPC; send OTLP/HTTP to the port of protocols.http, usually 4318',
    },
    'json',
  )
  endWith(socket, [
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
    body,
  ])
}

/**
 * Answers an HTTP/2 connection preface on the HTTP port: empty SETTINGS, then GOAWAY (RFC 9113 6.8) with
 * HTTP_1_1_REQUIRED and a sentence as its debug data, which gRPC clients log.
 */
export function refuseHttp2(socket: Socket): void {
  const sentence = Buffer.from(
    'this port speaks OTLP/HTTP; send OTLP/gRPC to the port of protocols.grpc, usually 4317',
  )
  const settings = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0)
  const goaway = Buffer.alloc(17)
  goaway.writeUIntBE(8 + sentence.length, 0, 3)
  goaway[3] = 7
  goaway.writeUInt32BE(0xd, 13)
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
