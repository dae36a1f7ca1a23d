/** One body of a bulk request with Jaeger's documents, written as text or compressed as it is written. */

import { PackedText } from '../../core/formats/deflate/packed-text.ts'
import { Pieces } from '../../core/formats/deflate/pieces.ts'
import { Writer } from '../../core/otlp/writer.ts'
import { BodyBuffers } from './body-buffers.ts'
import { Bulk } from './bulk.ts'

/** Memory comes in multiples of this. */
const STEP = 64 * 1024
const NOWHERE = new Writer(64)

export class JaegerBody {
  /** What bodies lie in. */
  readonly buffers: BodyBuffers
  readonly packed: BodyBuffers
  readonly pieces: Pieces
  /** Where documents are written to, each with its line break. */
  out = new Writer()
  readonly #text: PackedText | undefined
  #ends: number[] = []
  #keys: (string | undefined)[] = []
  #items: number[] = []

  /** `maxBytes`: memory of larger bodies is not used again. */
  constructor(packs: boolean, maxBytes: number) {
    this.buffers = new BodyBuffers(2 * maxBytes)
    this.packed = new BodyBuffers(maxBytes)
    this.#text = packs ? new PackedText() : undefined
    if (this.#text !== undefined) this.out = this.#text.out
    this.pieces = new Pieces(this.#text)
  }

  /** The next body. */
  begin(): void {
    this.#ends = []
    this.#keys = []
    this.#items = []
    if (this.#text === undefined) {
      this.out = new Writer(0)
      this.out.bytes = this.buffers.take() ?? Buffer.allocUnsafeSlow(STEP)
      return
    }
    this.#text.begin(bytes => {
      const free = this.packed.take()
      if (free !== undefined && free.length >= bytes) return free
      return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP) * STEP)
    })
  }

  /** Documents so far. */
  get count(): number {
    return this.#ends.length
  }

  /** Bytes of documents so far. */
  get size(): number {
    return this.#text?.length ?? this.out.pos
  }

  /** The document that was written last stands for so many items. */
  end(key: string | undefined, items: number): void {
    this.#text?.pack()
    this.#ends.push(this.size)
    this.#keys.push(key)
    this.#items.push(items)
  }

  /** What was written; undefined when nothing was. */
  take(): Bulk | undefined {
    const text = this.#text
    if (this.#ends.length === 0) {
      if (text === undefined) this.buffers.giveBack(this.out.bytes)
      else this.packed.giveBack(text.end())
      return undefined
    }
    if (text === undefined) {
      // The body is the sender's alone.
      const { out } = this
      this.out = NOWHERE
      return new Bulk({ bytes: out.take() }, this.#ends, this.#keys, this.#items)
    }
    return new Bulk({ gzip: text.end() }, this.#ends, this.#keys, this.#items)
  }
}
