/** What encoders make: messages, each for one record of a queue. */

import { Writer } from '../otlp/writer.ts'

export interface FormatRecord {
  /** What the format keys its messages by; undefined where it has no key. */
  readonly key: Uint8Array | undefined
  /** Not written to again. Several records may share one ArrayBuffer. */
  readonly value: Uint8Array
  /** Spans or log records in it. */
  readonly items: number
}

/** Called once for each item that the format cannot express, with the reason. */
export type Reject = (reason: string) => void

const BLOCK = 128 * 1024

/**
 * Hands out one writer for many records: they lie one behind the other in blocks, so that a span costs no allocation
 * of its own, and no record holds much more memory than a block.
 */
export class Blocks {
  #writer = new Writer(BLOCK)
  #largest = 1024

  /** The writer for the next record, which begins at its `pos`. */
  begin(): Writer {
    const writer = this.#writer
    if (writer.pos > 0 && writer.bytes.length - writer.pos < this.#largest)
      this.#writer = new Writer(Math.max(BLOCK, this.#largest))
    return this.#writer
  }

  /** What was written since `start`. */
  end(start: number): Uint8Array {
    const { bytes, pos } = this.#writer
    this.#largest = Math.max(this.#largest, Math.min(2 * (pos - start), BLOCK))
    return bytes.subarray(start, pos)
  }
}
