import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { CacheBudget } from '../../../../core/formats/cache-budget.ts'
import { PackedText } from '../../../../core/formats/deflate/packed-text.ts'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { SpanDocuments } from '../../../../core/formats/jaeger-es/span-document.ts'
import { ItemWalker } from '../../../../core/otlp/walk.ts'
import { encodeRequest } from '../../../kit/proto.ts'
import { Random } from '../../../kit/random.ts'
import { comparable, expectedDocuments, parseExact } from './expected.ts'

const OPTIONS = {
  tagsAsFields: { all: false, include: new Set<string>(), dotReplacement: '@' },
  maxValueBytes: 100_000,
  parentSpanId: false,
  timestamp: false,
}

/** One after the other in one text, which is packed. */
class PackedDocuments {
  readonly #text = new PackedText()
  readonly #documents = new SpanDocuments(OPTIONS, new CacheBudget(8 * 1024 * 1024), new Pieces(this.#text))

  of(requests: readonly Uint8Array[]): unknown[] {
    const text = this.#text
    text.begin(bytes => new Uint8Array(bytes))
    for (const request of requests) {
      const walker = new ItemWalker(request, 'traces')
      while (walker.next()) {
        this.#documents.begin(walker)
        this.#documents.write(text.out)
        text.pack()
      }
    }
    this.#documents.release()
    const lines = gunzipSync(text.end()).toString().split('\n').slice(0, -1)
    return lines.map(line => parseExact(Buffer.from(line)))
  }
}

// Scenario: spans with none to hundreds of attributes out of more than there are slots for, with values of no letter to 70 kB,
// events of 20 kB, resources with long attributes; usual ones before and behind them in the same requests, which are longer and
// shorter than what is read at once; memory of requests that is used again.
// Guarantees: the documents are those that Jaeger makes, whoever reads the span and whatever is known of its attributes.
test('long spans beside short ones', () => {
  const random = new Random(61)
  const documents = new PackedDocuments()
  const attribute = (few: number, long: number) => {
    const nth = random.below(random.chance(0.8) ? few : 6000)
    const key = `key.${nth % 70}`
    if (random.chance(long)) return { key, value: { stringValue: 'v"'.repeat(random.below(35_000)) } }
    if (nth % 7 === 0) return { key, value: { intValue: String(nth) } }
    return { key, value: { stringValue: `${'value '.repeat(nth % 23)}${nth}` } }
  }
  const many = (most: number, few: number, long: number) =>
    Array.from({ length: random.below(most) }, () => attribute(few, long))
  const span = (size: number) => ({
    traceId: random.bytes(16),
    spanId: random.bytes(8),
    name: `name ${random.below(9)}`,
    startTimeUnixNano: '1764000000000000000',
    endTimeUnixNano: '1764000000001000000',
    attributes: size === 0 ? many(12, 40, 0) : size === 1 ? many(600, 5000, 0) : many(40, 200, 0.05),
    events:
      size === 2 && random.chance(0.5)
        ? [{ timeUnixNano: '1764000000000500000', name: 'e'.repeat(random.below(20_000)) }]
        : [],
  })
  const memory = Buffer.alloc(1024 * 1024)
  for (let round = 0; round < 25; round++) {
    const requests = Array.from({ length: 1 + random.below(3) }, () =>
      encodeRequest('traces', {
        resourceSpans: Array.from({ length: 1 + random.below(3) }, () => ({
          resource: { attributes: many(6, 30, 0.02) },
          scopeSpans: [
            {
              spans: Array.from({ length: random.below(12) }, () =>
                span(random.chance(0.7) ? 0 : random.below(3)),
              ),
            },
          ],
        })),
      }),
    )
    const expected = comparable(requests.flatMap(request => expectedDocuments(request)))
    // As a receiver does that has its buffers back: each request comes in the memory of the one before.
    const [first, ...rest] = requests
    if (first!.length <= memory.length) {
      memory.set(first!)
      const view = memory.subarray(0, first!.length)
      assert.deepEqual(comparable(documents.of([view, ...rest])), expected)
      memory.fill(0xff, 0, first!.length)
    } else assert.deepEqual(comparable(documents.of(requests)), expected)
  }
})

// Scenario: two requests of one length, the second in the very bytes of the first.
// Guarantees: the documents of the second are its own.
test('bytes of a request that are used again', () => {
  const documents = new PackedDocuments()
  const requestOf = (letter: string) =>
    encodeRequest('traces', {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: Array.from({ length: 3 }, (_, nth) => ({
                traceId: Buffer.alloc(16, letter),
                spanId: Buffer.alloc(8, letter),
                name: letter,
                attributes: [{ key: 'key', value: { stringValue: `${letter}${nth}` } }],
              })),
            },
          ],
        },
      ],
    })
  const bytes = Buffer.from(requestOf('a'))
  // By the third time its attributes are known.
  for (const letter of ['a', 'a', 'a', 'b', 'c']) {
    bytes.set(requestOf(letter))
    assert.deepEqual(comparable(documents.of([bytes])), comparable(expectedDocuments(bytes)))
  }
})
