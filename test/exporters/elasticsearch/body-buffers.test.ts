import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyBuffers } from '../../../exporters/elasticsearch/body-buffers.ts'
import { BulkWriter } from '../../../exporters/elasticsearch/bulk.ts'

const KIB = 1024

// Scenario: buffers of every size are given back, more than have room, and a part of one.
// Guarantees: what is worth it is used again, once each, and no more is kept than that.
test('buffers are used again', () => {
  const buffers = new BodyBuffers(1000 * KIB)
  for (const size of [KIB, 2000 * KIB]) buffers.giveBack(Buffer.allocUnsafeSlow(size))
  buffers.giveBack(Buffer.allocUnsafeSlow(200 * KIB).subarray(1))
  assert.equal(buffers.take(), undefined)
  for (let i = 0; i < 10; i++) buffers.giveBack(Buffer.allocUnsafeSlow(200 * KIB).subarray(0, 5))
  const taken = Array.from({ length: 5 }, () => buffers.take())
  assert.deepEqual(
    taken.map(one => one?.length),
    [200 * KIB, 200 * KIB, 200 * KIB, 200 * KIB, undefined],
  )
  assert.equal(new Set(taken).size, 5)
})

// Scenario: bodies that are sent while the next ones are written, and given back after that.
// Guarantees: no body is written over before it is given back.
test("a body is nobody else's until it is given back", () => {
  const buffers = new BodyBuffers(1000 * KIB)
  const body = (letter: string) => {
    const writer = new BulkWriter(1000 * KIB, buffers)
    writer.out.raw(Buffer.alloc(100 * KIB, letter))
    writer.end(undefined, 1)
    return writer.rest()!.bytes
  }
  const first = body('a')
  const second = body('b')
  assert.equal(first[0], 0x61)
  buffers.giveBack(first)
  const third = body('c')
  assert.equal(third.buffer, first.buffer)
  assert.equal(second[0], 0x62)
})
