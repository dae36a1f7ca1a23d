/** Reading an HTTP request's body, with its limit counted while it arrives. */

import type { IncomingMessage } from 'node:http'
import { BodyTooLarge } from '../../core/transport/decompress.ts'

/** The client went away, or took too long, before its body was whole: there is nobody to answer. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted'
}

/**
 * Up to this size memory is taken as soon as Content-Length promises the body, and filled as it arrives: the pieces,
 * 64 KiB each, die young. More than this is not given on a promise.
 */
const PROMISED_MAX = 1024 * 1024
/** What comes in one piece needs no other place. */
const ONE_PIECE = 16 * 1024

/**
 * The whole body. Rejects with BodyTooLarge as soon as it is known, and with BodyAborted. What is not read then is
 * thrown away by node:http once the answer was sent, so that the client sees the answer and not a reset.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const declared = Number(request.headers['content-length'] ?? -1)
  if (declared > limit) return Promise.reject(new BodyTooLarge(limit))
  return new Promise((resolve, reject) => {
    const whole =
      declared > ONE_PIECE && declared <= PROMISED_MAX ? Buffer.allocUnsafeSlow(declared) : undefined
    const pieces: Uint8Array[] = []
    let length = 0
    let done = false
    const onData = (piece: Uint8Array) => {
      // node:http ends a body where Content-Length says, so it is never longer than `whole`.
      if (whole !== undefined) whole.set(piece, length)
      else if (!done) pieces.push(piece)
      length += piece.length
      if (length > limit && !done) fail(new BodyTooLarge(limit))
    }
    const onEnd = () => {
      done = true
      resolve(whole ?? (pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, length)))
    }
    const onGone = () => {
      if (!done) fail(new BodyAborted('the client closed the connection before its body was whole'))
    }
    const fail = (error: Error) => {
      done = true
      pieces.length = 0
      reject(error)
    }
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}
