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
 * The whole body, lent (core/component/memory.ts) when it did not come in one piece. Rejects with BodyTooLarge as soon as
 * it is known, with BodyAborted, and with what `refused` says, which is asked with each piece: many large bodies that were
 * let in one by one are too much together. What is not read then is thrown away by node:http once the answer was sent, so
 * that the client sees the answer and not a reset.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  refused: () => Error | undefined,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const read: Reading = request
    read[READER] = new BodyReader(request, limit, refused, resolve, reject)
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/** Found by listeners that all requests share: five closures would be a tenth of what a small request allocates here. */
const READER = Symbol('reader')
type Reading = IncomingMessage & { [READER]?: BodyReader }

function onData(this: Reading, piece: Uint8Array): void {
  this[READER]!.take(piece)
}

function onEnd(this: Reading): void {
  this[READER]!.end()
}

function onGone(this: Reading): void {
  this[READER]!.gone()
}

class BodyReader {
  readonly #declared: number
  readonly #limit: number
  readonly #refused: () => Error | undefined
  readonly #resolve: (body: Uint8Array) => void
  readonly #reject: (error: Error) => void
  #whole: Uint8Array | undefined
  #first: Uint8Array | undefined
  /** Without `#whole`: what came after the first. */
  #more: Uint8Array[] | undefined
  /** Is in `#whole` by now, but node:http's parser may still be inside it. */
  #copied: Uint8Array | undefined
  #length = 0
  #done = false

  constructor(
    request: IncomingMessage,
    limit: number,
    refused: () => Error | undefined,
    resolve: (body: Uint8Array) => void,
    reject: (error: Error) => void,
  ) {
    const declared = Number(request.headers['content-length'] ?? -1)
    this.#declared = declared
    this.#limit = limit
    this.#refused = refused
    this.#resolve = resolve
    this.#reject = reject
    if (declared > ONE_PIECE && declared <= PROMISED_MAX) this.#whole = Buffer.allocUnsafeSlow(declared)
  }

  take(piece: Uint8Array): void {
    if (this.#done) return
    // node:http ends a body where Content-Length says, so it is never longer than `#whole`.
    if (this.#whole !== undefined) {
      this.#whole.set(piece, this.#length)
      if (this.#copied !== undefined) release(this.#copied)
      this.#copied = piece
    } else if (this.#first === undefined) this.#first = piece
    else if (this.#more === undefined) this.#more = [piece]
    else this.#more.push(piece)
    this.#length += piece.length
    if (this.#length > this.#limit) this.#fail(new BodyTooLarge(this.#limit))
    else if (this.#length < this.#declared || this.#declared < 0) {
      const why = this.#refused()
      if (why !== undefined) this.#fail(why)
    }
  }

  end(): void {
    if (this.#done) return
    this.#done = true
    if (this.#copied !== undefined) release(this.#copied)
    const whole = this.#whole ?? this.#joined()
    if (whole !== undefined) lend(whole)
    this.#resolve(whole ?? this.#first ?? NOTHING)
  }

  /** Undefined when there is nothing to join. */
  #joined(): Uint8Array | undefined {
    if (this.#more === undefined) return undefined
    const whole = Buffer.allocUnsafeSlow(this.#length)
    let at = 0
    for (const piece of [this.#first!, ...this.#more]) {
      whole.set(piece, at)
      at += piece.length
      release(piece)
    }
    this.#first = undefined
    this.#more = undefined
    return whole
  }

  /** Of every request, sooner or later. */
  gone(): void {
    if (!this.#done) this.#fail(new BodyAborted())
  }

  #fail(error: Error): void {
    this.#done = true
    this.#whole = undefined
    this.#first = undefined
    this.#more = undefined
    this.#reject(error)
  }
}

/**
 * Gives a piece's memory back now, and not when V8 next collects: the next piece gets the same, which is mapped already.
 * Only a piece that has its buffer for itself, as those of node:http do (a copy of what the parser saw).
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
