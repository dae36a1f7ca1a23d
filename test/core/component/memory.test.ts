import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { heldBytes, release, retain } from '../../../core/component/memory.ts'

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
