/** Reading an HTTP request's body, with its limit counted while it arrives. */

import type { IncomingMessage } from 'node:http'
import { lend } from '../../core/component/memory.ts'
import { BodyTooLarge } from '../../core/transport/decompress.ts'

/** The client went away, or took too long, before its request was whole: there is nobody to answer. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted'

  constructor() {
    super('the connection or the request ended before the body was whole')
  }
}

/**
 * Up to this size memory is taken as soon as Content-Length promises the body, and filled as it arrives: the pieces,
 * 64 KiB each, die young. More than this is not given on a promise.
 */
const PROMISED_MAX = 1024 * 1024
/** What comes in one piece needs no other place. */
const ONE_PIECE = 16 * 1024
const NOTHING = new Uint8Array(0)

/** Throws BodyTooLarge when the headers already say so. */
export function checkLength(request: IncomingMessage, limit: number): void {
  if (Number(request.headers['content-length'] ?? -1) > limit) throw new BodyTooLarge(limit)
}

/**
 * The whole body, lent (core/component/memory.ts) when it did not come in one piece. Rejects with BodyTooLarge as soon as it is known, with BodyAborted, and with what `refused` says, which
 * is asked with each piece: many large bodies that were let in one by one are too much together. What is not read then is
 * thrown away by node:http once the answer was sent, so that the client sees the answer and not a reset.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  refused: () => Error | undefined,
): Promise<Uint8Array> {
  const declared = Number(request.headers['content-length'] ?? -1)
  return new Promise((resolve, reject) => {
    let whole =
      declared > ONE_PIECE && declared <= PROMISED_MAX ? Buffer.allocUnsafeSlow(declared) : undefined
    const pieces: Uint8Array[] = []
    /** Is in `whole` by now, but node:http's parser may still be inside it. */
    let copied: Uint8Array | undefined
    let length = 0
    let done = false
    const onData = (piece: Uint8Array) => {
      if (done) return
      // node:http ends a body where Content-Length says, so it is never longer than `whole`.
      if (whole !== undefined) {
        whole.set(piece, length)
        if (copied !== undefined) release(copied)
        copied = piece
      } else pieces.push(piece)
      length += piece.length
      if (length > limit) fail(new BodyTooLarge(limit))
      else if (length < declared || declared < 0) {
        const why = refused()
        if (why !== undefined) fail(why)
      }
    }
    const onEnd = () => {
      if (done) return
      done = true
      if (copied !== undefined) release(copied)
      if (whole === undefined && pieces.length > 1) {
        whole = Buffer.allocUnsafeSlow(length)
        let at = 0
        for (const piece of pieces.splice(0)) {
          whole.set(piece, at)
          at += piece.length
          release(piece)
        }
      }
      if (whole !== undefined) lend(whole)
      resolve(whole ?? pieces[0] ?? NOTHING)
    }
    const onGone = () => {
      if (!done) fail(new BodyAborted())
    }
    const fail = (error: Error) => {
      done = true
      pieces.length = 0
      whole = undefined
      reject(error)
    }
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/**
 * Gives a piece's memory back now, and not when V8 next collects: the next piece gets the same, which is mapped already.
 * Only a piece that has its buffer for itself, as those of node:http do (a copy of what the parser saw).
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
