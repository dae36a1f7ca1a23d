import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { discard, heldBytes, leave, lend, release, retain } from '../../../core/component/memory.ts'

// Scenario: two queues hold a batch of two views of one buffer, and a third holds a view of another.
// Guarantees: each backing store counts once, whole, until its last holder releases it; releasing too often is harmless.
test('a shared buffer is counted once', () => {
  const buffer = new ArrayBuffer(1000)
  const two = batchOf('logs', [new Uint8Array(buffer, 0, 10), new Uint8Array(buffer, 500, 10)], 2)
  const other = batchOf('logs', [new Uint8Array(50)], 1)
  retain(two)
  retain(two)
  retain(other)
  assert.equal(heldBytes(), 1050)
  release(two)
  assert.equal(heldBytes(), 1050)
  release(two)
  release(other)
  assert.equal(heldBytes(), 0)
  release(other)
  assert.equal(heldBytes(), 0)
})

// Scenario: a held buffer is detached (given to another thread) before it is released.
// Guarantees: the account returns to zero.
test('a detached buffer leaves the account', () => {
  const batch = batchOf('logs', [new Uint8Array(64)], 1)
  retain(batch)
  structuredClone(batch.chunks[0]!.buffer, { transfer: [batch.chunks[0]!.buffer as ArrayBuffer] })
  release(batch)
  assert.equal(heldBytes(), 0)
})

// Scenario: a lent buffer is retained twice, as by a door and a queue, and cut into pieces; another is retained by nobody.
// Guarantees: it ends with the last release and not before; `discard` ends one that nobody retains, and no other; who
// keeps bytes that have ended is told.
test('a lent buffer ends with its last holder', () => {
  const bytes = new Uint8Array(100).fill(7)
  lend(bytes)
  const whole = batchOf('logs', [bytes], 1)
  const pieces = batchOf('logs', [bytes.subarray(0, 50), bytes.subarray(50)], 1)
  retain(whole)
  retain(pieces)
  assert.equal(heldBytes(), 100)
  release(whole)
  discard(bytes)
  assert.equal(bytes[99], 7)
  release(pieces)
  assert.equal(bytes.length, 0)
  assert.equal((bytes.buffer as ArrayBuffer).detached, true)
  assert.equal(heldBytes(), 0)
  assert.throws(() => retain(whole), /were given back/)

  const spare = new Uint8Array(10)
  lend(spare)
  discard(spare)
  assert.equal(spare.length, 0)
})

// Scenario: buffers that nobody lent, and one that was lent and then left, are released and discarded.
// Guarantees: they stay as they are.
test('what was not lent, or left, is V8’s', () => {
  const own = new Uint8Array(10)
  const left = new Uint8Array(10)
  lend(left)
  const batch = batchOf('logs', [own, left], 1)
  retain(batch)
  leave(batch)
  release(batch)
  discard(own)
  discard(left)
  assert.deepEqual([own.length, left.length, heldBytes()], [10, 10, 0])
})
