import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { moved, sumOf } from '../../../../core/formats/deflate/crc.ts'
import { codeLengths, codesOf } from '../../../../core/formats/deflate/huffman.ts'
import type { Piece } from '../../../../core/formats/deflate/piece.ts'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { Packed } from '../../../kit/packed.ts'
import { Random } from '../../../kit/random.ts'

// Scenario: hundreds of texts of random letters and pieces: none, short and long ones, far apart, taking each other's places,
// changing their bytes, alone and between others, put together from others, packed in one go or in many; texts that are given
// up, and such that are longer than what is added up at a time.
// Guarantees: what zlib unpacks is the text, and gzip's checksum and size fit.
test('what is packed as it is written is what zlib unpacks', () => {
  const random = new Random(7)
  const packed = new Packed()
  const { pieces } = packed
  const some = (most: number) => random.bytes(1 + random.below(most))
  const known = Array.from({ length: 40 }, (_, n) => pieces.piece(some(n === 0 ? 9000 : n < 5 ? 3 : 60)))
  const [head, tail] = [pieces.piece(some(30)), pieces.piece(some(20))]
  const parted = Array.from({ length: 30 }, (_, n) => packed.parted(head, some(n === 0 ? 200 : 60), tail))
  const gone: Piece[] = []
  const changing = [32, 10, 4, 1].map(length => pieces.changing(length))
  for (const piece of changing) pieces.changed(piece)
  const frames = Array.from({ length: 8 }, (_, n) => pieces.frame(some(40), changing[n % 3]!, some(20)))
  for (let round = 0; round < 300; round++) {
    packed.begin()
    // A distance of more than 32 KiB is none.
    const steps = random.chance(0.1) ? 4000 : random.below(200)
    const few = 1 + random.below(known.length)
    for (let step = 0; step < steps; step++) {
      const nth = random.below(few)
      if (random.chance(0.02)) {
        gone.push(known[nth]!)
        known[nth] = pieces.piece(some(60), known[nth]!.nth)
      }
      // Who had written a piece whose place is taken may come for it.
      if (random.chance(0.02)) packed.piece(known[nth]!)
      if (random.chance(0.4)) packed.piece(known[nth]!)
      else if (random.chance(0.3)) packed.place(random.pick(parted))
      // It cannot be taken apart as it was any longer.
      else if (random.chance(0.002)) pieces.piece(some(30), random.chance(0.5) ? head.nth : tail.nth)
      else if (random.chance(0.05) && gone.length > 0) packed.piece(random.pick(gone))
      else if (random.chance(0.45)) {
        const one = random.pick(changing)
        if (random.chance(0.5)) {
          pieces.change(one.nth)
          one.bytes.set(random.bytes(one.bytes.length))
          pieces.changed(one)
          for (const frame of frames) if (frame.inner === one) pieces.frameChanged(frame)
        }
        if (random.chance(0.3)) packed.changing(one)
        else packed.frame(random.pick(frames))
      } else packed.letters(some(random.chance(0.01) ? 20_000 : 12))
      if (random.chance(0.05)) packed.pack()
      if (random.chance(0.001)) packed.begin()
    }
    packed.end()
  }
})

// Scenario: pieces that stood as far back as deflate reaches, and a byte further.
// Guarantees: the first are matches, the others letters.
test('pieces that are far back', () => {
  const packed = new Packed()
  const random = new Random(13)
  for (const length of [1000, 10_000]) {
    const piece = packed.pieces.piece(random.bytes(length))
    const sizeOf = (times: number, distance: number): number => {
      packed.begin()
      packed.piece(piece)
      packed.letters(Buffer.alloc(distance - length, '.'))
      packed.pack()
      if (times === 2) packed.piece(piece)
      return packed.end().packed
    }
    // Codes are learned from texts before.
    for (let i = 0; i < 8; i++) sizeOf(1, 32_768)
    for (const [distance, isMatch] of [
      [32_768, true],
      [32_769, false],
    ] as const)
      assert.equal(sizeOf(2, distance) - sizeOf(1, distance) < length / 2, isMatch)
  }
})

// Scenario: somebody writes a piece whose place another piece has taken, and the other one, in turns.
// Guarantees: each is what is written, and zlib unpacks it.
test('a place that was taken', () => {
  const packed = new Packed()
  const first = packed.pieces.piece(Buffer.from('the piece that was here before'))
  const second = packed.pieces.piece(Buffer.from('and who took its place'), first.nth)
  for (let round = 0; round < 3; round++) {
    packed.begin()
    for (const one of [second, first, first, second, second, first]) packed.piece(one)
    packed.letters(Buffer.from('the end'))
    packed.end()
  }
})

// Scenario: a text that somebody gave up in the middle, and pieces that stood in it.
// Guarantees: nothing of it is in the next one.
test('texts know nothing of each other', () => {
  const packed = new Packed()
  const piece = packed.pieces.piece(Buffer.from('the path is '))
  for (const ending of ['/api/orders/1', '/api/orders/2']) {
    packed.begin()
    packed.piece(piece)
    packed.letters(Buffer.from(ending))
    packed.pack()
    packed.piece(piece)
    packed.letters(Buffer.from(ending))
    packed.begin()
    packed.piece(piece)
    packed.letters(Buffer.from(ending))
    packed.piece(piece)
    packed.end()
  }
})

// Scenario: an id that changes with every fifth text, each time with the same letters around it.
// Guarantees: while it stays, the three cost no more than one of them; when it changes, nothing but itself is letters.
test('what stands around a piece that changes', () => {
  const packed = new Packed()
  const random = new Random(9)
  const { pieces } = packed
  const id = pieces.changing(32)
  const framed = pieces.frame(random.bytes(50), id, random.bytes(12))
  const [head, tail] = [pieces.piece(random.bytes(50)), pieces.piece(random.bytes(12))]
  const sizeOf = (inFrame: boolean): number => {
    packed.begin()
    for (let nth = 0; nth < 1000; nth++) {
      if (nth % 5 === 0) {
        pieces.change(id.nth)
        id.bytes.set(random.bytes(32))
        pieces.changed(id)
        pieces.frameChanged(framed)
      }
      packed.changing(id)
      packed.letters(Buffer.from([nth & 7]))
      if (inFrame) packed.frame(framed)
      else {
        packed.piece(head)
        packed.changing(id)
        packed.piece(tail)
      }
    }
    return packed.end().packed
  }
  // Codes are learned from texts before.
  for (let i = 0; i < 4; i++) sizeOf(i % 2 === 0)
  const whole = sizeOf(true)
  // Two matches less, of three bytes together, in four of five.
  const apart = sizeOf(false)
  assert.ok(apart - whole > 3 * 800, `${whole} and ${apart} bytes`)
})

// Scenario: a piece that changes with more bytes than there is room for.
// Guarantees: an error says so, packed or not.
test('a piece that changes and is too long', () => {
  for (const pieces of [new Packed().pieces, new Pieces()])
    assert.throws(() => pieces.changing(129), /at most 128 bytes/)
})

// Scenario: a megabyte of pieces with letters between them.
// Guarantees: pieces that come again cost two or three bytes.
test('what comes again is small', () => {
  const packed = new Packed()
  const random = new Random(3)
  const key = packed.pieces.piece(Buffer.from(',{"key":"url.path","value":"/api/orders/'))
  const rest = packed.pieces.piece(Buffer.from(`","type":"string"}${'.'.repeat(300)}`))
  let last = 0
  for (let round = 0; round < 3; round++) {
    packed.begin()
    for (let i = 0; i < 3000; i++) {
      packed.piece(key)
      packed.letters(Buffer.from(`${random.below(10)}`))
      packed.piece(rest)
    }
    const { plain, packed: size } = packed.end()
    assert.ok(plain > 1_000_000)
    last = size
  }
  assert.ok(last < 3000 * 8, `${last} bytes`)
})

// Scenario: a piece that can be taken apart, too far back each time, with a value that no other has.
// Guarantees: only the value costs letters.
test('of a piece that is taken apart only the value is new', () => {
  const packed = new Packed()
  const random = new Random(31)
  const { pieces } = packed
  const head = pieces.piece(random.bytes(50))
  const tail = pieces.piece(random.bytes(50))
  const parted = Array.from({ length: 500 }, () => packed.parted(head, random.bytes(10), tail))
  const filler = pieces.piece(random.bytes(100))
  packed.begin()
  for (const piece of parted) {
    packed.place(piece)
    packed.piece(filler)
  }
  const { packed: size } = packed.end()
  assert.ok(size < 500 * 30, `${size} bytes`)
})

// Scenario: more places than there are.
// Guarantees: an error, and not the place of another.
test('there are so many places', () => {
  const { pieces } = new Packed()
  assert.equal(pieces.places(8000), 0)
  assert.throws(() => pieces.places(1000), /at most 8192 places/)
})

// Scenario: nothing; one letter; a text larger than a block; letters that come so unequally often that codes would have more
// than 15 bits.
// Guarantees: zlib unpacks all of them, one after the other with codes of those before.
test('texts of every size', () => {
  const packed = new Packed()
  const random = new Random(5)
  const unequal: Uint8Array[] = []
  for (let letter = 0, times = 1, before = 1; letter < 24; letter++) {
    unequal.push(new Uint8Array(times).fill(letter))
    ;[before, times] = [times, before + times]
  }
  const texts = [[], [random.bytes(1)], [random.bytes(1_500_000)], unequal, unequal, [random.bytes(3)], []]
  for (const parts of texts) {
    packed.begin()
    for (const part of parts) packed.letters(part)
    packed.end()
  }
})

// Scenario: texts of every length up to some thousand, put together from two parts.
// Guarantees: the checksum that is put together is zlib's.
test('checksums add up', () => {
  const random = new Random(11)
  for (let length = 0; length < 3000; length += length < 600 ? 1 : 97) {
    const [first, second] = [random.bytes(random.below(50)), random.bytes(length)]
    const whole = moved(moved(-1, first.length) ^ sumOf(first), length) ^ sumOf(second)
    assert.equal(~whole >>> 0, crc32(Buffer.concat([first, second])))
  }
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
