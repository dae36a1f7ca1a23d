/**
 * kafkajs with six of its modules replaced before it is loaded, through Node's own `require.cache`, which documents
 * that entries may be added; no file is touched.
 *
 * - crc32C: it computes one byte a step, which was a third of all CPU when producing 272 kB records.
 * - encoder: it copies a record nine times into zeroed buffers of twice its size on the way to the socket. Ours keeps
 *   large pieces as they are until somebody asks for the whole.
 * - recordBatch: it asks for the whole twice on the way. Ours sums the pieces up as they are, so that a record is copied
 *   once at most.
 * - request: it makes one buffer of a request to hand it to the socket. Ours hands on the pieces (`piecesOf`), so that the
 *   value of a record is not copied at all, and what waits in a socket is the batch itself.
 * - requestQueue: its timer with a negative delay sets itself again for ever. Node warns about it, and a connection that
 *   does nothing wakes up every millisecond.
 * - consumerGroup: it joins again without asking whether what it handed out is done. kafkajs-group.ts.
 *
 * The version is pinned; a test compares the bytes of a produce request with those of kafkajs as it comes.
 */

import { createRequire } from 'node:module'
import type * as KafkaJsModule from 'kafkajs'
import { crc32c } from '../../formats/crc32c.ts'
import { type KafkaJsGroupClass, listenedGroup } from './kafkajs-group.ts'

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
  replace('kafkajs/src/protocol/recordBatch/v0/index.js', recordBatch)
  replace('kafkajs/src/protocol/request.js', original => inPieces(original as CreateRequest))
  replace('kafkajs/src/network/requestQueue/index.js', original => calmQueue(original as RequestQueueClass))
  replace('kafkajs/src/consumer/consumerGroup.js', original => listenedGroup(original as KafkaJsGroupClass))
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

    /** What was written, in pieces. */
    pieces(): readonly Buffer[] {
      this.#close()
      return this.#parts
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

interface BatchOptions {
  readonly compression?: number
  readonly firstOffset?: unknown
  readonly firstTimestamp?: number
  readonly maxTimestamp?: number
  readonly partitionLeaderEpoch?: number
  readonly lastOffsetDelta?: number
  readonly transactional?: boolean
  readonly producerId?: unknown
  readonly producerEpoch?: number
  readonly firstSequence?: number
  readonly records?: readonly unknown[]
}

const MAGIC_BYTE = 2
const TRANSACTIONAL = 16
/** Bytes of a batch's header behind its length and before what is summed up: epoch, magic, checksum. */
const SUMMED_FROM = 9

/** Record batches of version 2 (kafka.apache.org/documentation, "Record Batch"), with kafkajs's own defaults. */
function recordBatch(original: unknown): unknown {
  const Encoder = require('kafkajs/src/protocol/encoder.js') as new () => RopeLike
  const { lookupCodec } = require('kafkajs/src/protocol/message/compression') as {
    lookupCodec(type: number): { compress(encoder: RopeLike): Promise<Buffer> }
  }
  const RecordBatch = async (options: BatchOptions): Promise<RopeLike> => {
    const { compression = 0, records = [], firstTimestamp = Date.now(), maxTimestamp = Date.now() } = options
    const codec = compression & 7
    const body = new Encoder()
      .writeInt16(codec | (options.transactional ? TRANSACTIONAL : 0))
      .writeInt32(options.lastOffsetDelta ?? 0)
      .writeInt64(firstTimestamp)
      .writeInt64(maxTimestamp)
      .writeInt64(options.producerId ?? -1)
      .writeInt16(options.producerEpoch ?? 0)
      .writeInt32(options.firstSequence ?? 0)
      .writeInt32(records.length)
    if (codec === 0) body.writeEncoderArray(records)
    else body.writeBufferInternal(await lookupCodec(codec).compress(new Encoder().writeEncoderArray(records)))
    let crc = 0
    for (const piece of body.pieces()) crc = crc32c(piece, crc)
    return new Encoder()
      .writeInt64(options.firstOffset ?? 0)
      .writeInt32(SUMMED_FROM + body.size())
      .writeInt32(options.partitionLeaderEpoch ?? 0)
      .writeInt8(MAGIC_BYTE)
      .writeUInt32(crc)
      .writeEncoder(body)
  }
  return { ...(original as object), RecordBatch }
}

/** Of an encoder, what is used here. */
interface RopeLike {
  writeInt8(value: number): this
  writeInt16(value: number): this
  writeInt32(value: number): this
  writeUInt32(value: number): this
  writeInt64(value: unknown): this
  writeEncoder(value: unknown): this
  writeEncoderArray(values: readonly unknown[]): this
  writeBufferInternal(buffer: Buffer): void
  pieces(): readonly Buffer[]
  size(): number
}

type CreateRequest = (options: unknown) => Promise<{ readonly buffer: Buffer }>

const pieces = new WeakMap<Buffer, readonly Buffer[]>()

/** All of a request whose first piece kafkajs hands to its socket; undefined for what is whole. */
export function piecesOf(first: unknown): readonly Buffer[] | undefined {
  return first instanceof Buffer ? pieces.get(first) : undefined
}

/** kafkajs asks a request for its `buffer` to measure it for a debug line, and to give it to the socket: ours. */
function inPieces(original: CreateRequest): CreateRequest {
  return async options => {
    const request = (await original(options)) as unknown as RopeLike
    const all = request.pieces()
    const first = all[0] ?? Buffer.alloc(0)
    if (all.length > 1) pieces.set(first, all)
    return { buffer: first }
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
