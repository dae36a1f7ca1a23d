/** Reading an HTTP request's body, with its limit counted while it arrives. */

import type { IncomingMessage } from 'node:http'
import { BodyTooLarge } from '../../core/transport/decompress.ts'

/** The client went away, or took too long, before its body was whole: there is nobody to answer. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted'
}

/**
 * The whole body. Rejects with BodyTooLarge as soon as it is known, and with BodyAborted. What is not read then is
 * thrown away by node:http once the answer was sent, so that the client sees the answer and not a reset.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const declared = Number(request.headers['content-length'])
    if (declared > limit) {
      reject(new BodyTooLarge(limit))
      return
    }
    const chunks: Uint8Array[] = []
    let length = 0
    const onData = (chunk: Uint8Array) => {
      length += chunk.length
      if (length > limit) stop(new BodyTooLarge(limit))
      else chunks.push(chunk)
    }
    const onEnd = () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))
    const onClose = () => stop(new BodyAborted('the client closed the connection before its body was whole'))
    const stop = (error: Error) => {
      chunks.length = 0
      request.off('data', onData).off('end', onEnd)
      reject(error)
    }
    request.on('data', onData).once('end', onEnd).once('error', onClose).once('close', onClose)
  })
}
