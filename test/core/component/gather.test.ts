import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { type Gathered, Gatherer, type GatherLimits } from '../../../core/component/gather.ts'
import { NO_META } from '../../../core/component/meta.ts'
import { Ticket } from '../../../core/component/ticket.ts'
import { numbered, numbersOf } from '../../kit/numbered.ts'

function gatherer(limits: Partial<GatherLimits>): Gatherer {
  return new Gatherer({ minSize: 0, maxSize: 0, sizer: 'items', ...limits }, 'traces', NO_META)
}

function request(from: number, ...counts: number[]): Ticket {
  let next = from
  const parts = counts.map(count => {
    const part = numbered('traces', next, count)
    next += count
    return part
  })
  const chunks = parts.flatMap(part => part.chunks)
  return new Ticket(batchOf('traces', chunks, next - from), NO_CONTEXT)
}

const numbers = (all: readonly Gathered[]) => all.map(({ batch }) => numbersOf(batch))

// Scenario: requests are merged below every limit.
// Guarantees: chunks are collected, not copied.
test('merging copies nothing', () => {
  const gathering = gatherer({ minSize: 5 })
  const [a, b] = [request(0, 2), request(2, 1, 2)]
  assert.deepEqual(gathering.add(a), [])
  const [merged] = gathering.add(b)
  assert.deepEqual(
    merged!.batch.chunks.map((chunk, i) => chunk === [...a.batch.chunks, ...b.batch.chunks][i]),
    [true, true, true],
  )
  assert.deepEqual(numbersOf(merged!.batch), [0, 1, 2, 3, 4])
  assert.ok(gathering.empty)
})

// Scenario: a batch holds 3 of at most 5 items; a request of two chunks with 4 and 5 items comes.
// Guarantees: the first batch is filled up; shares add up to each ticket's items, one share a batch; tickets know how
// many batches they wait for.
test('a request that does not fit is cut', () => {
  const gathering = gatherer({ minSize: 5, maxSize: 5 })
  const [a, b] = [request(0, 3), request(3, 4, 5)]
  gathering.add(a)
  const complete = gathering.add(b)
  assert.deepEqual(numbers(complete), [
    [0, 1, 2, 3, 4],
    [5, 6, 7, 8, 9],
  ])
  const rest = gathering.flush()!
  assert.deepEqual(numbersOf(rest.batch), [10, 11])
  assert.deepEqual(
    [...complete, rest].map(({ shares }) => shares.map(({ items }) => items)),
    [[3, 2], [5], [2]],
  )
  assert.deepEqual([a.outstanding, b.outstanding], [1, 3])
  assert.equal(gathering.flush(), undefined)
})

// Scenario: sizes count bytes; a batch is nearly full, and the next request's items do not fit beside it.
// Guarantees: no batch is larger than max_size, except for a single item that alone is.
test('bytes are a limit too', () => {
  const one = numbered('traces', 10, 1).byteLength
  const gathering = gatherer({ minSize: 1000, maxSize: one + 3, sizer: 'bytes' })
  assert.deepEqual(gathering.add(request(10, 1)), [])
  assert.deepEqual(numbers(gathering.add(request(11, 1))), [[10]])
  const tight = gatherer({ minSize: 1, maxSize: one - 3, sizer: 'bytes' })
  assert.deepEqual(numbers(tight.add(request(10, 3))), [[10], [11], [12]])
})
