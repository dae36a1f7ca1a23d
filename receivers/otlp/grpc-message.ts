/**
 * gRPC's framing of a unary request (grpc/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message): a flag, four bytes of
 * length, big-endian, and the content; once. DATA frames cut it anywhere.
 */

import { discard, lend } from '../../core/component/memory.ts'
import { ownCopy } from '../../core/otlp/slab.ts'
import type { ContentEncoding } from '../../core/transport/decompress.ts'
import { lentPlain } from './plain.ts'
import { type Answer, answer } from './status.ts'

const PREFIX = 5

/** What is set aside on the word of a prefix; a longer message gets more as its bytes come. */
const TRUSTED_BYTES = 1024 * 1024

/** A message is copied out of a buffer that is more times its size. */
const NEIGHBOURS_MAX = 8

/** gRPC's names for encodings (configgrpc 0.155: gzip, snappy in its framed form, zstd; deflate is gRPC's own). */
const ENCODINGS: ReadonlyMap<string, ContentEncoding> = new Map([
  ['identity', ''],
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zstd', 'zstd'],
  ['snappy', 'x-snappy-framed'],
])

/** The value of `grpc-accept-encoding`. */
export const ACCEPT_ENCODING = [...ENCODINGS.keys()].join(',')

/** What `grpc-encoding` means; undefined when it is not known. */
export function messageEncoding(name: string | undefined): ContentEncoding | undefined {
  return name === undefined ? '' : ENCODINGS.get(name)
}

/** Puts the one message of a request together from its DATA frames. */
export class MessageReader {
  readonly #encoding: ContentEncoding
  readonly #limit: number
  /** The first bytes, until there are enough of them to read the prefix. */
  #start: Uint8Array | undefined
  #compressed = false
  #length = -1
  #content: Uint8Array | undefined
  #filled = 0

  /** `limit` in bytes, before and after decompression. */
  constructor(encoding: ContentEncoding, limit: number) {
    this.#encoding = encoding
    this.#limit = limit
  }

  /** False as long as nothing has come. */
  get begun(): boolean {
    return this.#length >= 0 || this.#start !== undefined
  }

  /** True once the message is here. */
  get complete(): boolean {
    return this.#filled === this.#length
  }

  /** Takes what came; answers what is wrong with it, and is not to be used after that. */
  write(chunk: Uint8Array): Answer | undefined {
    if (this.#length >= 0) return this.#append(chunk, 0)
    const bytes = this.#start === undefined ? chunk : Buffer.concat([this.#start, chunk])
    if (bytes.length < PREFIX) {
      this.#start = Buffer.from(bytes)
      return undefined
    }
    return this.#readPrefix(bytes) ?? this.#append(bytes, PREFIX)
  }

  /**
   * The message without its compression, or what is wrong. Lent (core/component/memory.ts) when nobody else has its buffer.
   * Throws or rejects as `decompress` does.
   */
  end(): Uint8Array | Promise<Uint8Array> | Answer {
    if (this.#length < 0) {
      if (this.#start === undefined) return answer('UNIMPLEMENTED', 'the request has no message; send one')
      return answer('INTERNAL', 'the request ends in the middle of the prefix of its message')
    }
    if (!this.complete) {
      const message = `the request ends after ${this.#filled} of ${this.#length} bytes of its message`
      return answer('INTERNAL', message)
    }
    const content = this.#content!
    return this.#compressed ? lentPlain(content, this.#encoding, this.#limit) : content
  }

  #readPrefix(bytes: Uint8Array): Answer | undefined {
    const flag = bytes[0]!
    if (flag > 1) return answer('INTERNAL', `a message begins with ${flag}; it has to be 0 or 1`)
    if (flag === 1 && this.#encoding === '') {
      return answer('INTERNAL', 'the message is marked as compressed, but grpc-encoding does not say how')
    }
    this.#compressed = flag === 1
    const length = ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0
    if (length > this.#limit) {
      const message = `the message has ${length} bytes, which is larger than the limit of ${this.#limit}`
      return answer('RESOURCE_EXHAUSTED', message)
    }
    this.#length = length
    return undefined
  }

  #append(chunk: Uint8Array, from: number): Answer | undefined {
    const size = chunk.length - from
    if (this.#filled + size > this.#length) {
      return answer('UNIMPLEMENTED', 'the request has more than one message; this method takes one')
    }
    if (size === this.#length && this.#filled === 0) this.#content = ownBytes(chunk, from)
    else if (size > 0) this.#reserve(size).set(from === 0 ? chunk : chunk.subarray(from), this.#filled)
    this.#filled += size
    return undefined
  }

  /** Room for `size` more bytes. */
  #reserve(size: number): Uint8Array {
    const known = this.#content
    const needed = this.#filled + size
    if (known !== undefined && known.length >= needed) return known
    const capacity = Math.min(this.#length, Math.max(TRUSTED_BYTES, 2 * needed))
    const content = Buffer.allocUnsafeSlow(capacity)
    lend(content)
    if (known !== undefined) {
      content.set(known)
      discard(known)
    }
    this.#content = content
    return content
  }
}

/**
 * The rest of `chunk`, without a copy unless it is a small part of a large buffer: DATA frames are parts of what was read
 * from the socket, up to 64 KiB, and their neighbours there usually wait in the same queue.
 */
function ownBytes(chunk: Uint8Array, from: number): Uint8Array {
  const bytes = from === 0 ? chunk : chunk.subarray(from)
  return bytes.length * NEIGHBOURS_MAX >= bytes.buffer.byteLength ? bytes : ownCopy(bytes)
}
