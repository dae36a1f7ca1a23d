/**
 * Memory for bodies of bulk requests, used again and again. A megabyte that is new for each request is garbage outside the
 * heap, for which V8 collects all of it every few requests.
 */

/** Smaller ones are cheap, and would only have to grow. */
const BYTES_MIN = 64 * 1024
/** More than this are seldom free at once. */
const KEPT_MAX = 4

export class BodyBuffers {
  readonly #bytesMax: number
  readonly #free: Uint8Array[] = []

  /** Larger ones are not kept. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  take(): Uint8Array | undefined {
    return this.#free.pop()
  }

  /** Nobody reads the body `bytes` any longer, nor what it is a part of. */
  giveBack({ buffer, byteOffset }: Uint8Array): void {
    const { byteLength } = buffer
    if (byteOffset !== 0 || byteLength < BYTES_MIN || byteLength > this.#bytesMax) return
    if (this.#free.length >= KEPT_MAX) return
    this.#free.push(Buffer.from(buffer as ArrayBuffer))
  }
}
