/**
 * kafkajs with three of its modules replaced before it is loaded, through Node's own `require.cache`, which documents
 * that entries may be added; no file is touched.
 *
 * - crc32C: it computes one byte a step, which was a third of all CPU when producing 272 kB records.
 * - encoder: it copies a record nine times into zeroed buffers of twice its size on the way to the socket. Ours keeps
 *   large pieces as they are until somebody asks for the whole.
 * - requestQueue: its timer with a negative delay sets itself again for ever. Node warns about it, and a connection that
 *   does nothing wakes up every millisecond.
 *
 * The version is pinned; a test compares the bytes of a produce request with those of kafkajs as it comes.
 */

import { createRequire } from 'node:module'
import type * as KafkaJsModule from 'kafkajs'
import { crc32c } from '../../formats/crc32c.ts'

type KafkaJs = typeof KafkaJsModule

interface EncoderClass {
  new (initialSize?: number): KafkaJsEncoder
}

interface KafkaJsEncoder {
  buf: Buffer
  offset: number
  readonly buffer: Buffer
  writeBufferInternal(buffer: Buffer): void
  writeInt32(value: number): this
  writeBytes(value: unknown): this
}

interface RequestQueueClass {
  new (options: object): { pending: unknown[]; scheduleCheckPendingRequests(): void }
}

const require = createRequire(import.meta.url)

/** Call it before anything else loads kafkajs in this process. */
export function loadKafkaJs(): KafkaJs {
  replace('kafkajs/src/protocol/recordBatch/crc32C/index.js', () => (buffer: Buffer) => crc32c(buffer))
  replace('kafkajs/src/protocol/encoder.js', original => ropeEncoder(original as EncoderClass))
  replace('kafkajs/src/network/requestQueue/index.js', original => calmQueue(original as RequestQueueClass))
  return require('kafkajs') as KafkaJs
}

function replace(path: string, make: (original: unknown) => unknown): void {
  const original: unknown = require(path)
  require.cache[require.resolve(path)]!.exports = make(original)
}

/** From here on a buffer is kept instead of copied. */
const KEPT_MIN = 2048

/** What was written so far is `#parts`, then the first `offset` bytes of `buf`. */
export function ropeEncoder(Original: EncoderClass): EncoderClass {
  return class RopeEncoder extends Original {
    #parts: Buffer[] = []
    #length = 0

    override get buffer(): Buffer {
      if (this.#parts.length === 0) return this.buf.subarray(0, this.offset)
      if (this.offset > 0) this.#close()
      if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts, this.#length)]
      return this.#parts[0]!
    }

    /** Makes a part of what is in `buf`, and goes on behind it. */
    #close(): void {
      if (this.offset === 0) return
      this.#parts.push(this.buf.subarray(0, this.offset))
      this.#length += this.offset
      this.buf = this.buf.subarray(this.offset)
      this.offset = 0
    }

    override writeBufferInternal(buffer: Buffer): void {
      if (buffer.length < KEPT_MIN) {
        super.writeBufferInternal(buffer)
        return
      }
      this.#close()
      this.#parts.push(buffer)
      this.#length += buffer.length
    }

    override writeBytes(value: unknown): this {
      if (!Buffer.isBuffer(value)) return super.writeBytes(value)
      this.writeInt32(value.length)
      this.writeBufferInternal(value)
      return this
    }

    writeEncoder(value: unknown): this {
      if (!(value instanceof RopeEncoder)) throw new Error('value should be an instance of Encoder')
      for (const part of value.#parts) this.writeBufferInternal(part)
      if (value.offset > 0) this.writeBufferInternal(value.buf.subarray(0, value.offset))
      return this
    }

    writeEncoderArray(values: readonly unknown[]): this {
      for (const value of values) this.writeEncoder(value)
      return this
    }

    size(): number {
      return this.#length + this.offset
    }
  }
}

function calmQueue(Original: RequestQueueClass): RequestQueueClass {
  return class CalmQueue extends Original {
    /** Nothing waits: there is nothing to check later, and what comes to wait asks for it itself. */
    override scheduleCheckPendingRequests(): void {
      if (this.pending.length > 0) super.scheduleCheckPendingRequests()
    }
  }
}
