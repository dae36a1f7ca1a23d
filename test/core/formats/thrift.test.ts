import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadMessage } from '../../../core/formats/bad-message.ts'
import { THRIFT, ThriftReader } from '../../../core/formats/thrift.ts'
import { body, field, i16, i32, i64, list, string, struct } from './thrift-writer.ts'

const reader = (...bytes: Uint8Array[]): ThriftReader => new ThriftReader('thrift', Buffer.concat(bytes))

// Scenario: a struct with fields of each kind, some of which nobody asks for.
// Guarantees: values are read, the others passed over.
test('fields are read and passed over', () => {
  const map = field(6, THRIFT.map, Buffer.of(THRIFT.i16, THRIFT.byte, 0, 0, 0, 2, 0, 1, 9, 0, 2, 9))
  const nested = struct(7, list(1, [body([i32(1, 5)])]), string(2, 'x'))
  const one = reader(body([i16(1, -2), map, nested, i64(2, -(2n ** 63n)), string(3, 'ü'), i32(4, 7)]))
  const seen: unknown[] = []
  while (one.nextField()) {
    if (one.field === 1 && one.is(THRIFT.i16)) seen.push(one.i16())
    else if (one.field === 2 && one.is(THRIFT.i64)) seen.push(one.i64())
    else if (one.field === 3 && one.is(THRIFT.string)) seen.push(one.string())
    else if (one.field !== 4) one.skip()
    else if (one.is(THRIFT.string)) assert.fail('it is an i32')
  }
  assert.deepEqual(seen, [-2, -(2n ** 63n), 'ü'])
})

// Scenario: lengths and counts that lie, types that do not exist, endless nesting.
// Guarantees: a BadMessage, at once and without reading past the end.
test('lies are refused', () => {
  const huge = Buffer.of(0x7f, 0xff, 0xff, 0xff)
  assert.throws(() => reader(huge).binary(), BadMessage)
  assert.throws(() => reader(Buffer.of(0xff, 0xff, 0xff, 0xff)).binary(), BadMessage)
  assert.throws(
    () => reader(Buffer.of(THRIFT.struct, 0xff, 0xff, 0xff, 0xff)).list(THRIFT.struct),
    BadMessage,
  )
  assert.throws(() => reader(Buffer.of(THRIFT.i32, 0, 0, 0, 1)).list(THRIFT.struct), BadMessage)
  assert.throws(() => reader(Buffer.of(1, 2)).i32(), BadMessage)
  const skipping = (...bytes: Uint8Array[]): void => {
    const one = reader(...bytes)
    one.nextField()
    one.skip()
  }
  assert.throws(() => skipping(field(1, 99)), /type 99 does not exist/)
  assert.throws(() => skipping(...Array.from({ length: 80 }, () => field(1, THRIFT.struct))), /nested deeper/)
  // Empty structs take a byte each, so a count may not be believed.
  assert.throws(
    () => skipping(field(1, THRIFT.list, Buffer.of(THRIFT.struct), huge, Buffer.alloc(100))),
    BadMessage,
  )
})
