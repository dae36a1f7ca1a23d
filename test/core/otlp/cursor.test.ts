import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import * as wire from '../../../core/otlp/cursor.ts'

const EDGES = [
  0n,
  1n,
  127n,
  128n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

function written(write: (writer: protobuf.Writer) => protobuf.Writer): Uint8Array {
  return write(protobuf.Writer.create()).finish()
}

/** protobufjs takes decimal text where its types say number. */
function long(value: bigint): never {
  return String(value) as never
}

// Scenario: 64-bit numbers written by protobufjs, edges and random ones, as varint and as fixed64, at an offset.
// Guarantees: every bit is read back, signed and unsigned, and the varint's end is found.
test('64-bit numbers are exact', () => {
  const check = (value: bigint): void => {
    const signed = BigInt.asIntN(64, value)
    const varint = Buffer.concat([Buffer.of(0xff), written(writer => writer.uint64(long(value)))])
    assert.equal(wire.readVarintUint64(varint, 1), value)
    assert.equal(wire.varintEnd, varint.length)
    assert.equal(wire.readVarintInt64(varint, 1), signed)
    const fixed = Buffer.concat([Buffer.of(0xff), written(writer => writer.fixed64(long(value)))])
    assert.equal(wire.readFixedUint64(fixed, 1), value)
    assert.equal(wire.readFixedInt64(fixed, 1), signed)
  }
  for (const edge of EDGES) check(edge)
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), check))
})

// Scenario: varints of one to eight bytes, minimal and padded with empty groups.
// Guarantees: readVarint is exact up to 2^53 and accepts encodings longer than needed.
test('small varints are numbers', () => {
  for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 21, 2 ** 28, 2 ** 32 + 5, 2 ** 53]) {
    const bytes = written(writer => writer.uint64(long(BigInt(value))))
    assert.equal(wire.readVarint(bytes, 0), value)
    assert.equal(wire.varintEnd, bytes.length)
    const padded = Buffer.concat([bytes, Buffer.of(0x00)])
    padded[bytes.length - 1]! |= 0x80
    assert.equal(wire.readVarint(padded, 0), value)
    assert.equal(wire.varintEnd, padded.length)
  }
})

// Scenario: a varint with eleven continuation bytes, and one that the bytes end inside of.
// Guarantees: reading stops after ten bytes and at the end of the array, without a throw.
test('endless varints end', () => {
  wire.readVarint64(new Uint8Array(20).fill(0xff), 0)
  assert.equal(wire.varintEnd, 10)
  wire.readVarint64(Uint8Array.of(0x80), 0)
  assert.deepEqual([wire.low, wire.high], [0, 0])
})

// Scenario: a message with every wire type, field numbers of one and two tag bytes, and contents of 0, 127, 128, 16383
// and 16384 bytes.
// Guarantees: number, wire type and range of each field are right, in order.
test('the cursor finds every field', () => {
  const writer = protobuf.Writer.create()
  const sizes = [0, 127, 128, 16383, 16384]
  for (const size of sizes) writer.uint32((15 << 3) | 2).bytes(new Uint8Array(size))
  writer.uint32((1 << 3) | 0).uint64(long(2n ** 64n - 1n))
  writer.uint32((16 << 3) | 5).fixed32(7)
  writer.uint32(((2000 << 3) | 1) >>> 0).double(1.5)
  const bytes = writer.finish()
  const cursor = new wire.Cursor(bytes)
  for (const size of sizes) {
    assert.ok(cursor.next())
    assert.deepEqual([cursor.field, cursor.wire, cursor.stop - cursor.start], [15, wire.LEN, size])
  }
  assert.ok(cursor.next())
  assert.deepEqual([cursor.field, cursor.wire, cursor.stop - cursor.start], [1, wire.VARINT, 10])
  assert.ok(cursor.next())
  assert.deepEqual([cursor.field, cursor.wire, cursor.start - cursor.tagStart], [16, wire.I32, 2])
  assert.equal(wire.readFixed32(bytes, cursor.start), 7)
  assert.ok(cursor.next())
  assert.deepEqual([cursor.field, cursor.wire], [2000, wire.I64])
  assert.equal(wire.readDouble(bytes, cursor.start), 1.5)
  assert.equal(cursor.stop, bytes.length)
  assert.equal(cursor.next(), false)
})

// Scenario: texts short and long, with and without ASCII, a byte order mark, and bytes that are no UTF-8.
// Guarantees: text is what it was; ill-formed bytes become U+FFFD, as JSON and logs need.
test('strings are read as UTF-8', () => {
  for (const text of [
    '',
    'a',
    'x'.repeat(24),
    'y'.repeat(25),
    'ü',
    `${'z'.repeat(23)}ü`,
    '\ufeffbom',
    '👩‍🚀',
  ]) {
    const bytes = Buffer.from(`<${text}>`)
    assert.equal(wire.readString(bytes, 1, bytes.length - 1), text)
  }
  assert.equal(wire.readString(Uint8Array.of(0x61, 0xff, 0x62), 0, 3), 'a\ufffdb')
})

// Scenario: an id, and byte ranges that are equal, differ in one byte, or in length.
// Guarantees: hex is lower case and complete; sameBytes compares content and length.
test('hex and byte comparison', () => {
  assert.equal(wire.readHex(Uint8Array.of(9, 0x0f, 0xa0, 9), 1, 3), '0fa0')
  const bytes = Buffer.from('xabcx')
  assert.equal(wire.sameBytes(bytes, 1, 4, Buffer.from('abc')), true)
  assert.equal(wire.sameBytes(bytes, 1, 4, Buffer.from('abd')), false)
  assert.equal(wire.sameBytes(bytes, 1, 3, Buffer.from('abc')), false)
})
