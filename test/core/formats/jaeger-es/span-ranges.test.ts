import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  contentHash,
  contentHigh,
  contentLow,
  viewOf,
} from '../../../../core/formats/jaeger-es/content-hash.ts'
import { ReadingMemory } from '../../../../core/formats/jaeger-es/reading-memory.ts'
import { SpanRanges } from '../../../../core/formats/jaeger-es/span-ranges.ts'
import { Cursor } from '../../../../core/otlp/cursor.ts'
import { Span } from '../../../../core/otlp/fields.ts'
import { ItemWalker } from '../../../../core/otlp/walk.ts'
import { generate, generateRequest, realisticTraces } from '../../../kit/generate.ts'
import { Random } from '../../../kit/random.ts'
import { untidyEncoding } from '../../../kit/untidy.ts'

const FIELDS = Array.from({ length: 17 }, (_, field) => field)

/** What a span says, read in the plainest way. */
function expectedOf(bytes: Uint8Array, start: number, stop: number) {
  const attributes: number[] = []
  const ranges = new Map<number, readonly [number, number]>()
  for (const cursor = new Cursor(bytes, start, stop); cursor.next(); )
    if (cursor.field === Span.attributes) attributes.push(cursor.start, cursor.stop)
    else ranges.set(cursor.field, [cursor.start, cursor.stop])
  return { attributes, ranges: FIELDS.map(field => ranges.get(field)) }
}

function check(ranges: SpanRanges, bytes: Uint8Array, start: number, stop: number): void {
  const { attributes, ranges: expected } = expectedOf(bytes, start, stop)
  ranges.reset(bytes, start, stop)
  assert.deepEqual([...ranges.attributes.subarray(0, ranges.attributesEnd)], attributes)
  for (const field of FIELDS) {
    assert.equal(ranges.has(field), expected[field] !== undefined)
    assert.equal(ranges.startOf(field), expected[field]?.[0] ?? -1)
    if (expected[field] !== undefined) assert.equal(ranges.stopOf(field), expected[field][1])
  }
  ranges.hash(start, 7)
  contentHash(viewOf(bytes), start, stop, start, 7)
  assert.deepEqual([ranges.hashLow, ranges.hashHigh], [contentLow, contentHigh])
}

// Scenario: thousands of spans, of requests as SDKs send them, with every optional field, in any order, with unknown fields and
// tags that are longer than they need; requests larger than the window, read in turns.
// Guarantees: fields, attributes and the hash are where and what a plain walk finds; most spans are read by the loop.
test('where the fields of a span are', () => {
  const random = new Random(41)
  const ranges = new SpanRanges()
  let read = 0
  let inMemory = 0
  const chunks = Array.from({ length: 150 }, (_, nth) => {
    if (nth % 10 === 0) return realisticTraces(nth === 0 ? 512 : 50, nth + 1)
    if (nth % 2 === 0) return generate('traces', nth, 1 + random.below(20)).bytes
    return untidyEncoding('traces', generateRequest('traces', nth, 1 + random.below(20)), random)
  })
  for (let round = 0; round < 3; round++)
    for (const chunk of random.shuffle(chunks)) {
      const walker = new ItemWalker(chunk, 'traces')
      while (walker.next()) {
        check(ranges, chunk, walker.start, walker.stop)
        read++
        if (ranges.isInMemory) inMemory++
      }
      if (random.chance(0.3)) ranges.release()
    }
  assert.ok(read > 3000 && inMemory > 0.9 * read, `${inMemory} of ${read}`)
})

const field = (tag: number, value: Uint8Array): Buffer => {
  const head: number[] = [tag]
  let length = value.length
  for (; length >= 0x80; length >>>= 7) head.push((length & 0x7f) | 0x80)
  return Buffer.concat([Buffer.of(...head, length), value])
}

// Scenario: spans that are longer than the window, that fill it to the last byte, with a value of 20 kB, with more attributes
// than the list has room for, with none, with nothing at all; a request that ends within the window; one that another takes
// the memory of.
// Guarantees: as above, and what is too long is read all the same.
test('spans of every size', () => {
  const random = new Random(43)
  const ranges = new SpanRanges()
  const attribute = (length: number): Buffer => field(0x4a, random.bytes(length))
  const name = field(0x2a, Buffer.from('the name'))
  const spans: readonly (readonly [span: Buffer, inMemory: boolean])[] = [
    [Buffer.alloc(0), true],
    [name, true],
    [Buffer.concat([attribute(0), name, attribute(1)]), true],
    [Buffer.concat([name, attribute(127), attribute(128), attribute(16_383)]), true],
    [Buffer.concat([attribute(16_384), name]), false],
    [Buffer.concat(Array.from({ length: 256 }, () => attribute(3))), true],
    [Buffer.concat(Array.from({ length: 257 }, () => attribute(3))), false],
    [Buffer.concat([...Array.from({ length: 4 }, () => attribute(16_380)), attribute(2)]), true],
    [Buffer.concat([...Array.from({ length: 4 }, () => attribute(16_380)), attribute(3)]), false],
    [Buffer.concat(Array.from({ length: 100 }, () => attribute(2000))), false],
  ]
  for (const [span, inMemory] of spans) {
    for (const before of [0, 3, 65_536]) {
      const chunk = Buffer.concat([Buffer.alloc(before, 0xff), span])
      check(ranges, chunk, before, chunk.length)
      assert.equal(ranges.isInMemory, inMemory, `${span.length} bytes`)
    }
    // The buffer of the request is somebody else's after that.
    ranges.release()
    const reused = Buffer.from(span)
    check(ranges, reused, 0, reused.length)
    ranges.release()
    reused.fill(0x08)
    check(ranges, reused, 0, reused.length & ~1)
  }
})

// Scenario: contents of every length up to 100, at any place of the window.
// Guarantees: the loop hashes as TypeScript does: ids of documents stay what they are.
test('the hash of a content is the same in both', () => {
  const random = new Random(47)
  const memory = new ReadingMemory()
  const bytes = random.bytes(4000)
  memory.readSpan(bytes, 0, 0)
  for (let length = 0; length <= 100; length++)
    for (let time = 0; time < 20; time++) {
      const start = random.below(3900)
      const [low, high] = [random.below(2 ** 32) | 0, random.below(2 ** 32) | 0]
      assert.ok(memory.hashContent(bytes, start, start + length, low, high))
      contentHash(viewOf(bytes), start, start + length, low, high)
      assert.deepEqual([memory.hashLow, memory.hashHigh], [contentLow, contentHigh])
    }
})
