import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressLz4, decompressLz4, Lz4TooLong } from '../../../core/formats/lz4.ts'
import { xxh32 } from '../../../core/formats/xxh32.ts'

// Scenario: nothing, a word, a long repetition, noise; there and back.
// Guarantees: frames, and the same bytes.
test('there and back', () => {
  const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 2_654_435_761) >>> 13))
  for (const plain of [Buffer.alloc(0), Buffer.from('word'), Buffer.alloc(300_000, 'abc'), noise]) {
    const packed = compressLz4(plain)
    assert.equal(packed.readUInt32LE(0), 0x184d_2204)
    // Not a byte more than there is: what is measured before is exact.
    assert.ok(decompressLz4(packed, plain.length).equals(plain))
    assert.throws(() => decompressLz4(packed, plain.length - 1), /are more than/)
  }
})

// Scenario: what is no frame, a frame that would become much, frames that are cut short anywhere.
// Guarantees: each is refused.
test('what is refused', () => {
  assert.throws(() => decompressLz4(Buffer.from('no frame'), 1000), /this is no frame/)
  assert.throws(() => decompressLz4(Buffer.alloc(0), 1000), /this is no frame/)
  const packed = compressLz4(Buffer.alloc(100_000, 'x'))
  assert.throws(() => decompressLz4(packed, 1000), /100000 bytes are more than 1000/)
  for (let length = 0; length < packed.length; length++) {
    assert.throws(() => decompressLz4(packed.subarray(0, length), 1e9))
  }
})

// Vectors of the reference implementation (xxhsum -H32).
test('xxh32', () => {
  assert.equal(xxh32(Buffer.from('')), 0x02cc5d05)
  assert.equal(xxh32(Buffer.from('a')), 0x550d7456)
  assert.equal(xxh32(Buffer.from('abc')), 0x32d153ff)
  assert.equal(xxh32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f)
})

/** A frame by hand: flags, blocks as they are written, a checksum of the content. */
function frame(flags: number, blocks: readonly (readonly number[])[], content?: Buffer): Buffer {
  const descriptor = Buffer.from([0x40 | flags, 0x40])
  const parts: Buffer[] = [
    Buffer.from([0x04, 0x22, 0x4d, 0x18]),
    descriptor,
    Buffer.from([(xxh32(descriptor) >>> 8) & 0xff]),
  ]
  const word = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value >>> 0)
    return bytes
  }
  for (const block of blocks) {
    parts.push(word(block.length), Buffer.from(block))
    if (flags & 0x10) parts.push(word(xxh32(Buffer.from(block))))
  }
  parts.push(word(0))
  if (content !== undefined) parts.push(word(xxh32(content)))
  return Buffer.concat(parts)
}

/** "abcd" and a copy of it from 4 before, then the literal "!". */
const ABCD = [0x40, 97, 98, 99, 100, 4, 0, 0x10, 33]
/** Five bytes copied from 8 before, then "?"; needs the block before. */
const LINKED = [0x01, 8, 0, 0x10, 63]

// Scenario: blocks that use those before, checksums, several frames, frames to skip, blocks that are not compressed.
// Guarantees: all of the format that has no dictionary.
test('every form of a frame', () => {
  const said = (bytes: Buffer) => decompressLz4(bytes, 1000).toString()
  assert.equal(said(frame(0x20, [ABCD])), 'abcdabcd!')
  assert.equal(said(frame(0, [ABCD, LINKED])), 'abcdabcd!bcdab?')
  assert.equal(said(frame(0x14, [ABCD], Buffer.from('abcdabcd!'))), 'abcdabcd!')
  const skip = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
  assert.equal(said(Buffer.concat([frame(0, [ABCD]), skip, frame(0, [ABCD])])), 'abcdabcd!abcdabcd!')
  const raw = frame(0, [[104, 105]])
  raw[10] = 0x80
  assert.equal(said(raw), 'hi')
})

// Scenario: copies from before the start, from another block of a frame whose blocks are independent, wrong checksums,
// another version, a dictionary, blocks longer than the frame allows.
// Guarantees: each is refused with what is wrong.
test('what lies', () => {
  const rows: [bytes: Buffer, said: RegExp][] = [
    [frame(0, [[0x10, 97, 2, 0, 0x10, 33]]), /copy begins before the start/],
    [frame(0, [[0x10, 97, 0, 0, 0x10, 33]]), /copy begins before the start/],
    [frame(0x20, [ABCD, LINKED]), /copy begins before the start/],
    [frame(0, [[0x40, 97]]), /literals run past/],
    [frame(0, [[0x10, 97, 1]]), /middle of a sequence/],
    [frame(0x04, [ABCD], Buffer.from('other')), /checksum of the content is wrong/],
    [frame(0x01, [ABCD]), /needs a dictionary/],
    [frame(0xc0, [ABCD]), /version of the frame/],
    [Buffer.concat([frame(0, [ABCD]), Buffer.from('junk...')]), /no frame/],
  ]
  for (const [bytes, said] of rows) assert.throws(() => decompressLz4(bytes, 1000), said)
  const checked = frame(0x10, [ABCD])
  checked[12]! ^= 1
  assert.throws(() => decompressLz4(checked, 1000), /checksum of a block is wrong/)
  const header = frame(0, [ABCD])
  header[6]! ^= 1
  assert.throws(() => decompressLz4(header, 1000), /checksum of the header is wrong/)
  const large = frame(0, [[0x10, 97, 1, 0, 0x0f, ...Array(300).fill(255), 0]])
  large[4] = 0x40
  assert.throws(() => decompressLz4(large, 1e9), Error)
  assert.throws(() => decompressLz4(frame(0, [ABCD]), 8), Lz4TooLong)
})

// Scenario: frames with bytes changed at random.
// Guarantees: content or an Error, never more than the limit.
test('changed frames', () => {
  const packed = compressLz4(Buffer.from('spans and spans and metrics '.repeat(400)))
  let seed = 1
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return seed % below
  }
  for (let i = 0; i < 5000; i++) {
    const changed = Buffer.from(packed)
    for (let n = 0; n < 3; n++) changed[random(changed.length)] = random(256)
    try {
      assert.ok(decompressLz4(changed, 100_000).length <= 100_000)
    } catch (error) {
      assert.match((error as Error).message, /^lz4: /)
    }
  }
})
