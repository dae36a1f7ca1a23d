/**
 * Reading LZ4's frame format (lz4_Frame_format.md, lz4_Block_format.md).
 *
 *     frame:  magic, FLG, BD, [8 bytes content size], [4 bytes dictionary id], checksum, blocks, 0, [checksum]
 *     block:  4 bytes size, the highest bit set when it is not compressed; content; [checksum]
 *     content of a block: sequences of a token with two lengths, literals, and a copy from what was written before
 *
 * It is ours because bodies come from strangers: the package that writes has no limit when it reads, and what it cannot
 * read makes its WebAssembly memory grow for good (measured: 3,000 bodies, 900 MB).
 */

import { xxh32 } from './xxh32.ts'

const MAGIC = 0x184d_2204
/** Sixteen magics whose frames are to be passed over. */
const SKIPPABLE = 0x184d_2a50
const VERSION = 0x40
const INDEPENDENT = 0x20
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY = 0x01
const NOT_COMPRESSED = 0x8000_0000

/** The content would be longer than the limit that was given. */
export class Lz4TooLong extends Error {
  override readonly name = 'Lz4TooLong'
}

interface Block {
  readonly start: number
  readonly stop: number
  readonly packed: boolean
  /** What it becomes; a block that lies about itself is found out when it is unpacked. */
  readonly size: number
}

interface Frame {
  readonly blocks: readonly Block[]
  readonly independent: boolean
  /** Of the content; undefined when the frame has none. */
  readonly checksum: number | undefined
  readonly size: number
}

/**
 * The content of one or more frames. Throws Lz4TooLong before anything is allocated when it is longer than `limit`
 * bytes, and an Error that says what is wrong with the bytes.
 */
export function decompressLz4(packed: Uint8Array, limit: number): Buffer {
  const bytes = asBuffer(packed)
  const frames = readFrames(bytes)
  const size = frames.reduce((sum, frame) => sum + frame.size, 0)
  if (size > limit) throw new Lz4TooLong(`lz4: ${size} bytes are more than ${limit}`)
  const out = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const frame of frames) {
    const from = at
    for (const block of frame.blocks) {
      unpack(bytes, block, out, at, frame.independent ? at : from)
      at += block.size
    }
    if (frame.checksum !== undefined && xxh32(out.subarray(from, at)) !== frame.checksum) {
      throw new Error('lz4: the checksum of the content is wrong')
    }
  }
  return out
}

function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at < bytes.length || at === 0) {
    need(bytes, at, 7, 'this is no frame')
    const magic = bytes.readUInt32LE(at)
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) {
      need(bytes, at, 8, 'a frame to skip has no length')
      at += 8 + bytes.readUInt32LE(at + 4)
      need(bytes, at, 0, 'a frame to skip runs past the end')
    } else if (magic === MAGIC) at = readFrame(bytes, at + 4, frames)
    else throw new Error('lz4: this is no frame')
  }
  return frames
}

/** Adds the frame whose descriptor begins at `start`; returns where it ends. */
function readFrame(bytes: Buffer, start: number, frames: Frame[]): number {
  const flags = bytes[start]!
  if ((flags & 0xc0) !== VERSION) throw new Error('lz4: the version of the frame is not known')
  if (flags & DICTIONARY) throw new Error('lz4: the frame needs a dictionary')
  const most = 1 << (8 + 2 * ((bytes[start + 1]! >> 4) & 7))
  let at = start + 2 + (flags & CONTENT_SIZE ? 8 : 0)
  need(bytes, at, 1, 'the frame has no end')
  if (bytes[at] !== ((xxh32(bytes.subarray(start, at)) >>> 8) & 0xff)) {
    throw new Error('lz4: the checksum of the header is wrong')
  }
  at++
  const blocks: Block[] = []
  let size = 0
  for (;;) {
    need(bytes, at, 4, 'the frame has no end')
    const head = bytes.readUInt32LE(at)
    at += 4
    if (head === 0) break
    const block = readBlock(bytes, head, at)
    if (block.size > most) throw new Error('lz4: a block is longer than the frame allows')
    at = block.stop
    if (flags & BLOCK_CHECKSUMS) {
      need(bytes, at, 4, 'a block has no checksum')
      if (xxh32(bytes.subarray(block.start, block.stop)) !== bytes.readUInt32LE(at)) {
        throw new Error('lz4: the checksum of a block is wrong')
      }
      at += 4
    }
    size += block.size
    blocks.push(block)
  }
  let checksum: number | undefined
  if (flags & CONTENT_CHECKSUM) {
    need(bytes, at, 4, 'the frame has no checksum')
    checksum = bytes.readUInt32LE(at)
    at += 4
  }
  frames.push({ blocks, independent: (flags & INDEPENDENT) !== 0, checksum, size })
  return at
}

function readBlock(bytes: Buffer, head: number, start: number): Block {
  const packed = head < NOT_COMPRESSED
  const length = packed ? head : head - NOT_COMPRESSED
  need(bytes, start, length, 'a block runs past the end')
  const stop = start + length
  return { start, stop, packed, size: packed ? unpackedSize(bytes, start, stop) : length }
}

function need(bytes: Buffer, at: number, length: number, otherwise: string): void {
  if (at + length > bytes.length) throw new Error(`lz4: ${otherwise}`)
}

/** Adds up what the sequences of a block say. */
function unpackedSize(bytes: Buffer, start: number, stop: number): number {
  let at = start
  let size = 0
  while (at < stop) {
    const token = bytes[at++]!
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255; literals += more) more = at < stop ? bytes[at++]! : 0
    }
    size += literals
    at += literals
    if (at >= stop) break
    at += 2
    let match = token & 15
    if (match === 15) {
      for (let more = 255; more === 255; match += more) more = at < stop ? bytes[at++]! : 0
    }
    size += match + 4
  }
  return size
}

/** Writes `block.size` bytes at `at`; copies reach back to `floor` and no further. */
function unpack(bytes: Buffer, block: Block, out: Buffer, at: number, floor: number): void {
  const { start, stop, packed, size } = block
  if (!packed) {
    bytes.copy(out, at, start, stop)
    return
  }
  const end = at + size
  let from = start
  let to = at
  while (from < stop) {
    const token = bytes[from++]!
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255; literals += more) more = from < stop ? bytes[from++]! : 0
    }
    if (from + literals > stop || to + literals > end)
      throw new Error('lz4: literals run past the end of a block')
    // A call of copy costs more than a few bytes do.
    if (literals > 24) bytes.copy(out, to, from, from + literals)
    else for (let i = 0; i < literals; i++) out[to + i] = bytes[from + i]!
    from += literals
    to += literals
    if (from === stop) break
    if (from + 2 > stop) throw new Error('lz4: a block ends in the middle of a sequence')
    const offset = bytes[from]! | (bytes[from + 1]! << 8)
    from += 2
    let match = token & 15
    if (match === 15) {
      for (let more = 255; more === 255; match += more) more = from < stop ? bytes[from++]! : 0
    }
    match += 4
    if (offset === 0 || to - offset < floor) throw new Error('lz4: a copy begins before the start')
    if (to + match > end) throw new Error('lz4: a block is longer than it says')
    if (offset >= match && match > 24) out.copyWithin(to, to - offset, to - offset + match)
    // Byte by byte: source and target may overlap, and then the bytes just written are the ones to copy.
    else for (let i = 0; i < match; i++) out[to + i] = out[to + i - offset]!
    to += match
  }
  if (to !== end) throw new Error('lz4: a block is shorter than it says')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
