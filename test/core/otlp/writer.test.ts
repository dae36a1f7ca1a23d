import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { Cursor, readString } from '../../../core/otlp/cursor.ts'
import { varintSize, Writer } from '../../../core/otlp/writer.ts'

const EDGES = [0n, 1n, 127n, 128n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]

function read(writer: Writer): protobuf.Reader {
  return protobuf.Reader.create(writer.take())
}

// Scenario: unsigned and negative 64-bit numbers, edges and random ones, as varint and fixed64.
// Guarantees: protobufjs reads the same number; a negative one takes ten bytes.
test('64-bit numbers are written exactly', () => {
  const check = (value: bigint): void => {
    const writer = new Writer(1)
    writer.bigVarint(value)
    writer.bigFixed64(value)
    const reader = read(writer)
    assert.equal(String(reader.uint64()), String(BigInt.asUintN(64, value)))
    assert.equal(String(reader.fixed64()), String(BigInt.asUintN(64, value)))
    assert.equal(reader.pos, writer.pos)
  }
  for (const edge of EDGES) check(edge)
  for (const edge of EDGES) check(-edge)
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), check))
})

// Scenario: numbers around every power of 128 up to 2^53.
// Guarantees: varint writes as many bytes as varintSize says, and protobufjs reads the number.
test('varints have their size', () => {
  for (let exponent = 0; exponent <= 53; exponent++) {
    for (const value of [2 ** exponent - 1, 2 ** exponent]) {
      const writer = new Writer(1)
      writer.varint(value)
      assert.equal(writer.pos, varintSize(value))
      assert.equal(String(read(writer).uint64()), String(value))
    }
  }
})

// Scenario: three messages inside each other whose content has 0, 126..129 and 16381..16386 bytes, behind a prefix.
// Guarantees: close writes the length and moves the content whatever the length's size; what stood before stays.
test('close shifts at 128 and 16384', () => {
  for (const size of [0, 126, 127, 128, 129, 16381, 16382, 16383, 16384, 16386]) {
    const content = Buffer.alloc(size, 'ab')
    const writer = new Writer(1)
    writer.fixed32(0xdeadbeef)
    const marks = [writer.open(1), writer.open(15), writer.open(16)]
    writer.raw(content)
    for (const mark of marks.reverse()) writer.close(mark)
    writer.byte(0x7f)
    const reader = read(writer)
    assert.equal(reader.fixed32(), 0xdeadbeef)
    for (const field of [1, 15, 16]) {
      assert.equal(reader.uint32(), (field << 3) | 2)
      const length = reader.uint32()
      assert.equal(length, writer.pos - 1 - reader.pos)
    }
    assert.deepEqual(writer.take().subarray(reader.pos, -1), content)
    assert.equal(writer.take().at(-1), 0x7f)
  }
})

// Scenario: doubles, among them NaN, the infinities and -0, and random ones.
// Guarantees: protobufjs reads the same double.
test('doubles are written exactly', () => {
  fc.assert(
    fc.property(fc.double(), value => {
      const writer = new Writer(1)
      writer.double(value)
      assert.ok(Object.is(read(writer).double(), value))
    }),
    { examples: [[NaN], [Infinity], [-Infinity], [-0], [Number.MIN_VALUE]] },
  )
})

/**
 * Any code points, lone surrogates too. fast-check's own texts of this kind have none, and before the first one it spends a
 * second on a table of all there are.
 */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x10_ffff }), fc.integer({ min: 0, max: 0xffff })), {
    maxLength: 150,
  })
  .map(codes => String.fromCodePoint(...codes))

// Scenario: random texts, lone surrogates included, and copies short and long.
// Guarantees: string and lengthDelimited make fields that the cursor reads back; the buffer grows as needed.
test('fields round-trip', () => {
  fc.assert(
    fc.property(anyText, fc.uint8Array({ maxLength: 100 }), (text, bytes) => {
      const writer = new Writer(1)
      writer.string(5, text)
      writer.lengthDelimited(600, bytes)
      const whole = writer.copy()
      const cursor = new Cursor(whole)
      assert.ok(cursor.next())
      assert.equal(cursor.field, 5)
      assert.equal(readString(whole, cursor.start, cursor.stop), text.toWellFormed())
      assert.ok(cursor.next())
      assert.equal(cursor.field, 600)
      assert.deepEqual([...whole.subarray(cursor.start, cursor.stop)], [...bytes])
      assert.equal(cursor.next(), false)
    }),
    { examples: [['\ud800 alone', Uint8Array.of(1)]] },
  )
})

// Scenario: a writer is rewound and written again after `copy`.
// Guarantees: the copy has its own bytes.
test('a copy stays', () => {
  const writer = new Writer()
  writer.byte(1)
  const first = writer.copy()
  writer.rewind()
  writer.byte(2)
  assert.deepEqual([...first, ...writer.take()], [1, 2])
})
