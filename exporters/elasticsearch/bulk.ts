/** Bodies of bulk requests: documents, each behind the line that says where it goes. */

import { gunzipSync } from 'node:zlib'
import { Writer } from '../../core/otlp/writer.ts'
import type { BodyBuffers } from './body-buffers.ts'

const NEWLINE = 0x0a

/** One body. */
export class Bulk {
  /** How many bytes it has. */
  readonly size: number
  #bytes: Uint8Array | undefined
  /** Where each document ends, its line break included. */
  readonly ends: readonly number[]
  /** By document: what to remember it by once it is there, and to do without until then; undefined for data. */
  readonly keys: readonly (string | undefined)[]
  /** By document: how many items it stands for. 0 for what is written beside the items: events of spans, services. */
  readonly items: readonly number[]
  /** The body compressed, where it was written so. */
  readonly gzip: Uint8Array | undefined

  /** One of both ways to have it. */
  constructor(
    body: { readonly bytes: Uint8Array } | { readonly gzip: Uint8Array },
    ends: readonly number[],
    keys: readonly (string | undefined)[],
    items: readonly number[],
  ) {
    this.#bytes = 'bytes' in body ? body.bytes : undefined
    this.gzip = 'gzip' in body ? body.gzip : undefined
    this.size = ends.at(-1)!
    this.ends = ends
    this.keys = keys
    this.items = items
  }

  /** What was written compressed is unpacked for it, which only happens when something went wrong. */
  get bytes(): Uint8Array {
    this.#bytes ??= gunzipSync(this.gzip!, { maxOutputLength: this.size })
    return this.#bytes
  }

  /** True when it has data, be it no item of its own. */
  get hasData(): boolean {
    return this.keys.includes(undefined)
  }

  /** The document and the line before it, without line breaks at the end. */
  part(nth: number): { action: Uint8Array; document: Uint8Array } {
    const start = nth === 0 ? 0 : this.ends[nth - 1]!
    const stop = this.ends[nth]!
    const middle = this.bytes.indexOf(NEWLINE, start)
    return { action: this.bytes.subarray(start, middle), document: this.bytes.subarray(middle + 1, stop - 1) }
  }

  /** A body of these documents alone, in order. */
  only(nths: readonly number[]): Bulk {
    const writer = new Writer(1024)
    const ends: number[] = []
    for (const nth of nths) {
      writer.raw(this.bytes, nth === 0 ? 0 : this.ends[nth - 1]!, this.ends[nth]!)
      ends.push(writer.pos)
    }
    return new Bulk(
      { bytes: writer.take() },
      ends,
      nths.map(nth => this.keys[nth]),
      nths.map(nth => this.items[nth]!),
    )
  }

  /** Two bodies that together are this one, which has two documents or more. */
  halves(): [Bulk, Bulk] {
    return this.parted(this.ends.length >> 1)
  }

  /** Two bodies that together are this one: the first `count` documents, and the others. */
  parted(count: number): [Bulk, Bulk] {
    const all = this.ends.map((_, i) => i)
    return [this.only(all.slice(0, count)), this.only(all.slice(count))]
  }
}

/** Fills bodies of at most `maxBytes`; a single entry that is larger has a body of its own. */
export class BulkWriter {
  readonly #max: number
  out: Writer
  #ends: number[] = []
  #keys: (string | undefined)[] = []
  #items: number[] = []

  readonly #buffers: BodyBuffers | undefined

  /** Bodies lie in `buffers` where these have some. */
  constructor(maxBytes: number, buffers?: BodyBuffers) {
    this.#max = maxBytes
    this.#buffers = buffers
    this.out = this.#writer(64 * 1024)
  }

  #writer(bytes: number): Writer {
    const buffer = this.#buffers?.take()
    const writer = new Writer(buffer === undefined ? Math.min(this.#max, bytes) : 0)
    if (buffer !== undefined) writer.bytes = buffer
    return writer
  }

  /** Ends the document that was written last, and stands for so many items. */
  end(key: string | undefined, items: number): void {
    this.out.byte(NEWLINE)
    this.#ends.push(this.out.pos)
    this.#keys.push(key)
    this.#items.push(items)
  }

  /** How many documents there are. */
  get count(): number {
    return this.#ends.length
  }

  /**
   * The body of the first `count` documents when the others no longer fit beside them: those begin the next one.
   * Undefined while there is room.
   */
  overflow(count: number): Bulk | undefined {
    if (this.out.pos <= this.#max || count === 0) return undefined
    const start = this.#ends[count - 1]!
    const { bytes, pos } = this.out
    const full = new Bulk(
      { bytes: bytes.subarray(0, start) },
      this.#ends.slice(0, count),
      this.#keys.slice(0, count),
      this.#items.slice(0, count),
    )
    this.out = this.#writer(bytes.length)
    this.out.raw(bytes, start, pos)
    this.#ends = this.#ends.slice(count).map(end => end - start)
    this.#keys = this.#keys.slice(count)
    this.#items = this.#items.slice(count)
    return full
  }

  /** What is left; undefined when nothing is. */
  rest(): Bulk | undefined {
    if (this.count === 0) return undefined
    return new Bulk({ bytes: this.out.take() }, this.#ends, this.#keys, this.#items)
  }
}
