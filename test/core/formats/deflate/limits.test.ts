import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { PackedText } from '../../../../core/formats/deflate/packed-text.ts'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { Packed } from '../../../kit/packed.ts'
import { Random } from '../../../kit/random.ts'

// Scenario: a piece that comes again until the match has two megabytes, and letters behind it.
// Guarantees: the loop goes on, and zlib unpacks the text.
test('a match of megabytes', () => {
  const packed = new Packed()
  const random = new Random(71)
  const piece = packed.pieces.piece(random.bytes(4000))
  for (const times of [10, 270, 600]) {
    packed.begin()
    for (let time = 0; time < times; time++) packed.piece(piece)
    packed.letters(random.bytes(100))
    packed.piece(piece)
    packed.end()
  }
})

// Scenario: what is packed fills its memory nearly to the end, in steps, and then a match of a megabyte ends there.
// Guarantees: none of it is written behind the end.
test('a long match where its memory ends', () => {
  const packed = new Packed()
  const random = new Random(101)
  // As short, so that little room is kept for its letters.
  const piece = packed.pieces.piece(random.bytes(500))
  for (let filled = 110_000; filled < 200_000; filled += 3000) {
    packed.begin()
    packed.letters(random.bytes(filled))
    for (let time = 0; time < 2000; time++) packed.piece(piece)
    packed.letters(random.bytes(10))
    packed.end()
  }
})

// Scenario: codes that were learned of four letters, each of them twice as often as the next, and then texts of all others, whose codes are the longest there are.
// Guarantees: none of it is written behind the end of its memory.
test('the longest codes where their memory ends', () => {
  const packed = new Packed()
  const random = new Random(103)
  const learn = () => {
    packed.begin()
    for (const [nth, letter] of ['a', 'b', 'c', 'd'].entries())
      packed.letters(Buffer.alloc(800_000 >> nth, letter))
    packed.end()
  }
  // Each time more letters are awaited before codes are made anew, up to more than the text of the others has.
  for (let time = 0; time < 10; time++) learn()
  const rare = random.bytes(160_000).map(byte => byte | 0x80)
  // What is packed before decides where the notes end that follow.
  for (let before = 0; before < 4096; before += 300) {
    packed.begin()
    packed.letters(rare.subarray(0, before))
    packed.pack()
    packed.letters(rare)
    const { plain, packed: size } = packed.end()
    assert.ok(size > 1.4 * plain, `${size} bytes of ${plain}`)
    learn()
  }
})

// Scenario: more short pieces than there is room for weights, which all come again within one part of the text.
// Guarantees: the checksum fits.
test('more pieces than have weights at a time', () => {
  const packed = new Packed()
  const random = new Random(73)
  const known = Array.from({ length: 5000 }, () => packed.pieces.piece(random.bytes(5)))
  for (let round = 0; round < 2; round++) {
    packed.begin()
    for (const piece of known) packed.piece(piece)
    packed.letters(random.bytes(4000))
    for (const piece of known) packed.piece(piece)
    packed.end()
  }
})

// Scenario: pieces around the longest match, one at a time and two and three together.
// Guarantees: no rest of a match is shorter than a match can be.
test('matches of every length', () => {
  const packed = new Packed()
  const random = new Random(79)
  const known = Array.from({ length: 800 }, (_, length) => packed.pieces.piece(random.bytes(length + 1)))
  packed.begin()
  for (const piece of known)
    for (let times = 1; times <= 3; times++) {
      packed.letters(random.bytes(1))
      for (let time = 0; time <= times; time++) packed.piece(piece)
    }
  packed.end()
})

// Scenario: letters for which there is no room where the loop reads, in runs that end a byte before its end, at it and behind it.
// Guarantees: all of them are there, once.
test('letters that end where their memory ends', () => {
  const packed = new Packed()
  const random = new Random(83)
  const piece = packed.pieces.piece(random.bytes(20))
  for (let first = 1; first <= 40; first++) {
    packed.begin()
    packed.letters(random.bytes(first))
    packed.piece(piece)
    packed.letters(random.bytes(65_536 - 20))
    packed.piece(piece)
    packed.letters(random.bytes(70_000))
    packed.end()
  }
})

// Scenario: a piece that is to be taken apart, whose head has lost its place; letters between its copies.
// Guarantees: what is written is the piece.
test('a head that is gone', () => {
  const packed = new Packed()
  const random = new Random(89)
  const { pieces } = packed
  const head = pieces.piece(random.bytes(30))
  const tail = pieces.piece(random.bytes(30))
  pieces.piece(random.bytes(30), head.nth)
  const parted = packed.parted(head, random.bytes(10), tail)
  packed.begin()
  for (let time = 0; time < 3; time++) {
    packed.place(parted)
    packed.letters(random.bytes(33_000))
  }
  packed.end()
})

// Scenario: a text of 280 MB, after which positions begin anew, and one of the same pieces behind it.
// Guarantees: nothing is a match of what stood in the text before.
test('positions that begin anew', () => {
  const text = new PackedText()
  const pieces = new Pieces(text)
  const piece = pieces.piece(new Random(97).bytes(4000))
  const room = (bytes: number) => new Uint8Array(bytes)
  text.begin(room)
  for (let time = 0; time < 70_000; time++) pieces.write(text.out, piece)
  assert.equal(text.end().length > 0, true)
  for (let time = 0; time < 2; time++) {
    text.begin(room)
    pieces.write(text.out, piece)
    pieces.write(text.out, piece)
    const whole = Buffer.concat([piece.bytes, piece.bytes])
    assert.equal(Buffer.compare(gunzipSync(text.end()), whole), 0)
  }
})
