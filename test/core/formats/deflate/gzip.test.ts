import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { RepeatGzip } from '../../../../core/formats/deflate/gzip.ts'
import { codeLengths, codesOf } from '../../../../core/formats/deflate/huffman.ts'
import { Repeats } from '../../../../core/formats/deflate/repeats.ts'
import { Writer } from '../../../../core/otlp/writer.ts'
import { Random } from '../../../kit/random.ts'

const room = (bytes: number): Uint8Array => new Uint8Array(bytes)

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

// Scenario: texts of every kind with and without repeats: none, one letter, all letters, far and long repeats.
// Guarantees: what zlib unpacks is the text, and gzip's checksum and size fit.
test('what is packed with known repeats is what zlib unpacks', () => {
  const gzip = new RepeatGzip()
  const random = new Random(7)
  for (let round = 0; round < 300; round++) {
    const repeats = new Repeats(true)
    const out = new Writer(64)
    const pieces = Array.from({ length: 1 + random.below(12) }, () =>
      repeats.piece(random.bytes(1 + random.below(random.chance(0.1) ? 3000 : 60))),
    )
    // A distance of more than 32 KiB is none.
    const steps = random.chance(0.1) ? 4000 : random.below(200)
    for (let step = 0; step < steps; step++) {
      if (random.chance(0.5)) repeats.write(out, random.pick(pieces))
      else if (out.pos > 10 && random.chance(0.1)) {
        // Overlapping itself, as a run does.
        const distance = 1 + random.below(Math.min(9, out.pos))
        const length = random.below(700)
        const at = out.pos
        for (let i = 0; i < length; i++) out.byte(out.bytes[out.pos - distance]!)
        repeats.copied(at, length, distance)
      } else out.raw(random.bytes(random.below(20)))
    }
    const bytes = out.take()
    assert.deepEqual(Buffer.compare(gunzipSync(gzip.compress(bytes, repeats, room)), bytes), 0)
  }
})

// Scenario: bytes that come so unequally often that codes would have more than 15 bits.
// Guarantees: no code is longer than that, and what is packed can be unpacked.
test('no code is longer than deflate allows', () => {
  const out = new Writer(64)
  for (let letter = 0, times = 1, before = 1; letter < 24; letter++) {
    for (let i = 0; i < times; i++) out.byte(letter)
    ;[before, times] = [times, before + times]
  }
  const bytes = out.take()
  assert.deepEqual(
    Buffer.compare(gunzipSync(new RepeatGzip().compress(bytes, new Repeats(true), room)), bytes),
    0,
  )
})

// Scenario: any number of symbols, however often they come, and the two limits that deflate has.
// Guarantees: the codes fill the tree exactly, no code begins with another, and rarer symbols have no shorter codes.
test('the lengths of codes make a whole tree', () => {
  const random = new Random(3)
  for (let round = 0; round < 500; round++) {
    const most = random.chance(0.5) ? 15 : 7
    const count = 2 + random.below(most === 7 ? 18 : 285)
    const frequencies = Uint32Array.from({ length: count }, () =>
      random.chance(0.3) ? 0 : random.chance(0.3) ? 2 ** random.below(30) : 1 + random.below(50),
    )
    frequencies[0] = frequencies[count - 1] = 1
    const lengths = new Uint8Array(count)
    codeLengths(frequencies, count, most, lengths)
    const room = lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0)
    assert.equal(room, 1)
    for (let i = 0; i < count; i++) {
      assert.equal(lengths[i] === 0, frequencies[i] === 0)
      assert.ok(lengths[i]! <= most)
      for (let j = 0; j < count; j++)
        if (frequencies[i]! > frequencies[j]! && frequencies[j] !== 0) assert.ok(lengths[i]! <= lengths[j]!)
    }
  }
})

// Scenario: the example of RFC 1951 3.2.2: lengths 3, 3, 3, 3, 3, 2, 4, 4.
// Guarantees: the codes are those of the RFC, first bit lowest.
test('codes are those that the lengths say', () => {
  const codes = new Int32Array(8)
  codesOf(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4), 8, codes)
  const bits = [...codes].map(code => {
    const length = code >>> 16
    return (code & 0xffff).toString(2).padStart(length, '0').split('').reverse().join('')
  })
  assert.deepEqual(bits, ['010', '011', '100', '101', '110', '00', '1110', '1111'])
})

// Scenario: a text is cut in the middle of a repeat, as where a body of requests is full.
// Guarantees: what is left of the repeats belongs to the part that is left.
test('repeats of a text that is cut reach no further', () => {
  const repeats = new Repeats(true)
  const out = new Writer(64)
  const piece = repeats.piece(text('a piece of twenty-odd letters'))
  for (let i = 0; i < 5; i++) repeats.write(out, piece)
  const cut = 3 * piece.bytes.length + 7
  repeats.cut(cut)
  const bytes = out.take().subarray(0, cut)
  assert.equal(
    gunzipSync(new RepeatGzip().compress(bytes, repeats, room)).toString(),
    Buffer.from(bytes).toString(),
  )
  repeats.begin()
  repeats.write(out, piece)
  assert.equal(repeats.count, 0)
})
