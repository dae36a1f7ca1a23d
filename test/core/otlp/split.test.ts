import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compact, split } from '../../../core/otlp/split.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { anyRequest, generate, realisticTraces } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { itemsOf, type PipelineSignal } from '../../kit/items.ts'
import { field, requestOfMetric, tagged } from '../../kit/wire.ts'

const PIPELINE_SIGNALS: readonly PipelineSignal[] = ['traces', 'metrics', 'logs']

for (const signal of PIPELINE_SIGNALS) {
  // Scenario: random requests are split by items, from one a piece to all, in tidy and untidy encodings.
  // Guarantees: pieces are valid, as full as their limit, and together have the same items in the same envelopes and
  // order; joined again they are a valid request of those items; no cut returns the same object.
  test(`splits ${signal} by items`, () => {
    fc.assert(
      fc.property(anyRequest(signal), fc.nat(8), fc.nat(8), (request, first, rest) => {
        for (const chunk of [request.bytes, request.untidy]) {
          const pieces = split(chunk, signal, { first, rest }, 'items')
          if (first === 0 || request.items <= first) {
            assert.equal(pieces.length, 1)
            assert.equal(pieces[0]!.bytes, chunk)
            assert.equal(pieces[0]!.items, request.items)
            return
          }
          pieces.forEach(({ bytes, items }, nth) => {
            assert.equal(validate(bytes, signal), items)
            const left = request.items - first - rest * (nth - 1)
            assert.equal(items, nth === 0 ? first : Math.min(rest || Infinity, left))
          })
          const whole = itemsOf(signal, chunk)
          assert.deepEqual(
            pieces.flatMap(({ bytes }) => itemsOf(signal, bytes)),
            whole,
          )
          const joined = Buffer.concat(pieces.map(({ bytes }) => bytes))
          assert.equal(validate(joined, signal), request.items)
          assert.deepEqual(itemsOf(signal, joined), whole)
        }
      }),
      { numRuns: 40 },
    )
  })

  // Scenario: random requests are split by bytes, with room for nothing, one item, or several.
  // Guarantees: a piece is larger than its limit only when it has a single item; nothing is lost or moved.
  test(`splits ${signal} by bytes`, () => {
    fc.assert(
      fc.property(
        anyRequest(signal),
        fc.integer({ min: 1, max: 6000 }),
        fc.nat(6000),
        (request, first, rest) => {
          for (const chunk of [request.bytes, request.untidy]) {
            const pieces = split(chunk, signal, { first, rest }, 'bytes')
            if (chunk.length <= first || request.items === 0) {
              assert.equal(pieces[0]!.bytes, chunk)
              return
            }
            pieces.forEach(({ bytes, items }, nth) => {
              assert.equal(validate(bytes, signal), items)
              assert.ok(items > 0)
              const fits = bytes.length <= (rest || Infinity) || (nth === 0 && bytes.length <= first)
              assert.ok(fits || items === 1, `${items} items in ${bytes.length} bytes`)
            })
            assert.deepEqual(
              pieces.flatMap(({ bytes }) => itemsOf(signal, bytes)),
              itemsOf(signal, chunk),
            )
          }
        },
      ),
      { numRuns: 40 },
    )
  })
}

// Scenario: captured requests are split into pieces of one and of three items.
// Guarantees: the same items in the same envelopes.
test('splits what real clients send', () => {
  for (const { name, plain, signal } of goldenRequests()) {
    for (const size of [1, 3]) {
      const pieces = split(plain, signal, { first: size, rest: size }, 'items')
      const items = pieces.flatMap(({ bytes }) => itemsOf(signal as PipelineSignal, bytes))
      assert.deepEqual(items, itemsOf(signal as PipelineSignal, plain), name)
      assert.equal(pieces.length, Math.ceil(items.length / size), name)
    }
  }
})

// Scenario: a request of 512 spans is split by bytes.
// Guarantees: pieces are full: one more span would not have fitted.
test('pieces by bytes are full', () => {
  const chunk = realisticTraces(512)
  const pieces = split(chunk, 'traces', { first: 64_000, rest: 64_000 }, 'bytes')
  assert.equal(
    pieces.reduce((sum, { items }) => sum + items, 0),
    512,
  )
  for (const { bytes } of pieces.slice(0, -1)) assert.ok(bytes.length > 63_000 && bytes.length <= 64_000)
})

// Scenario: an item whose size makes the lengths around it one byte longer exactly at the limit.
// Guarantees: the size of a piece is computed with its lengths, byte by byte.
test('limits in bytes are exact', () => {
  const spans = Array.from({ length: 4 }, () => field(2, field(5, 'n'.repeat(58))))
  const chunk = field(1, field(2, ...spans))
  const two = field(1, field(2, ...spans.slice(0, 2))).length
  for (const [limit, counts] of [
    [two, [2, 2]],
    [two - 1, [1, 1, 1, 1]],
    [two + 1, [2, 2]],
  ] as const) {
    const pieces = split(chunk, 'traces', { first: limit, rest: limit }, 'bytes')
    assert.deepEqual(
      pieces.map(({ items }) => items),
      counts,
    )
  }
})

// Scenario: a metric whose unit, temporality and unknown fields stand behind its data points.
// Guarantees: every piece has all of them.
test('a metric is repeated around its points', () => {
  const point = (value: number): Uint8Array => field(1, tagged(6, 1, value, 0, 0, 0, 0, 0, 0, 0))
  const sum = field(7, point(1), point(2), tagged(2, 0, 2), point(3), tagged(3, 0, 1))
  const chunk = requestOfMetric(sum, field(3, 'By'), field(1, 'size'), field(400, 'unknown'))
  const pieces = split(chunk, 'metrics', { first: 1, rest: 2 }, 'items')
  assert.deepEqual(
    pieces.map(({ items }) => items),
    [1, 2],
  )
  for (const { bytes } of pieces) {
    const { metric } = itemsOf('metrics', bytes)[0]!
    assert.deepEqual(metric, {
      name: 'size',
      unit: 'By',
      sum: { aggregationTemporality: 2, isMonotonic: true },
    })
    assert.ok(Buffer.from(bytes).includes('unknown'))
  }
})

// Scenario: many tiny spans of a resource of 100 kB, one span a piece.
// Guarantees: what is repeated is bounded: the rest goes into one piece, and no span is lost.
test('a large envelope does not fill the memory', () => {
  const resource = field(1, field(1, field(1, 'k'), field(2, field(1, 'v'.repeat(100_000)))))
  const chunk = field(1, resource, field(2, ...Array.from({ length: 1000 }, () => field(2))))
  const pieces = split(chunk, 'traces', { first: 1, rest: 1 }, 'items')
  assert.equal(
    pieces.reduce((sum, { items }) => sum + items, 0),
    1000,
  )
  assert.ok(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) < 3_000_000)
})

// Scenario: a profiles request with more samples than the limit.
// Guarantees: it stays whole, because its dictionary is one.
test('profiles are never split', () => {
  const { bytes } = generate('profiles', 1, 9)
  assert.deepEqual(split(bytes, 'profiles', { first: 1, rest: 1 }, 'items'), [{ bytes, items: 9 }])
})

// Scenario: views of a quarter and of less than a quarter of their buffer.
// Guarantees: only the small one is copied, so that the buffer can be freed.
test('compact copies what would keep a large buffer', () => {
  const buffer = new Uint8Array(400)
  const quarter = buffer.subarray(0, 100)
  assert.equal(compact(quarter), quarter)
  const small = compact(buffer.subarray(0, 99))
  assert.equal(small.length, 99)
  assert.equal(small.buffer.byteLength, 99)
})
