/** What values of one key begin with, and that they are still the values that they are. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { batchOf } from '../../../../core/component/batch.ts'
import type { Piece } from '../../../../core/formats/deflate/piece.ts'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { CommonStart } from '../../../../core/formats/jaeger-es/common-start.ts'
import { KEY_BYTES } from '../../../../core/formats/jaeger-es/reading-layout.ts'
import { SpanRanges } from '../../../../core/formats/jaeger-es/span-ranges.ts'
import { SpanTimes } from '../../../../core/formats/jaeger-es/span-times.ts'
import { Writer } from '../../../../core/otlp/writer.ts'
import { JaegerBulks } from '../../../../exporters/elasticsearch/jaeger-bulks.ts'
import { jaegerSection } from '../../../../exporters/elasticsearch/jaeger-config.ts'
import { encodeRequest } from '../../../kit/proto.ts'
import { Random } from '../../../kit/random.ts'

function common(): { of(text: string): string } {
  const pieces = new Pieces()
  const start = new CommonStart(pieces.piece(Buffer.from('key:')), 0, pieces, new Uint8Array(KEY_BYTES), 0)
  return {
    /** What of the text is in the piece; '' when it begins otherwise. */
    of(text) {
      const bytes = Buffer.from(`..${text}..`)
      const length = start.of(bytes, 2, bytes.length - 2)
      if (length === 0) return ''
      assert.equal(start.piece!.bytes.toString(), `key:"${bytes.toString('utf8', 2, 2 + length)}`)
      return bytes.toString('utf8', 2, 2 + length)
    },
  }
}

// Scenario: paths that begin alike; one that does not, now and then; then others, all of them.
// Guarantees: the start is learned from two of them, one value does not change it, many do.
test('a start is learned, and learned anew', () => {
  const start = common()
  const found = (path: string, count: number) =>
    Array.from({ length: count }, (_, n) => start.of(`${path}${n % 10}/items`))
  assert.deepEqual(found('/api/orders/', 5), ['', '', ...new Array<string>(3).fill('/api/orders/')])
  for (let round = 0; round < 40; round++) {
    assert.equal(start.of(`/healthz?${round}`), '')
    assert.deepEqual(found('/api/orders/', 20), new Array<string>(20).fill('/api/orders/'))
  }
  assert.equal(found('/carts/of/', 60).at(-1), '/carts/of/')
})

// Scenario: values with nothing in common, one that is always the same, one that is shorter than the start, starts with what
// JSON escapes and with letters of two bytes.
// Guarantees: a start is at least three plain letters and at most 32.
test('what is no start', () => {
  const different = common()
  for (let n = 0; n < 100; n++) assert.equal(different.of(`${n % 7}${n}`), '')
  const same = common()
  for (let n = 0; n < 3; n++) same.of('x'.repeat(40))
  assert.equal(same.of('x'.repeat(40)), 'x'.repeat(32))
  assert.equal(same.of('x'.repeat(31)), '')
  for (const [value, expected] of [
    ['abc"def', 'abc'],
    ['abcd\\', 'abcd'],
    ['ab\n', ''],
    ['abcé', 'abc'],
    ['été', ''],
  ] as const) {
    const start = common()
    for (let n = 0; n < 3; n++) start.of(`${value}${n}`)
    assert.equal(start.of(`${value}9`), expected)
  }
})

/** No memory is left, as long as it is told so. */
class NoMemory extends Pieces {
  fails = false

  override piece(bytes: Uint8Array, nth?: number): Piece {
    if (this.fails) throw new RangeError('no memory')
    return super.piece(bytes, nth)
  }

  override change(nth: number): void {
    if (this.fails) throw new RangeError('no memory')
    super.change(nth)
  }
}

// Scenario: another start is to be learned, and another second to be written, while no memory is left for a moment.
// Guarantees: afterwards nothing is taken for what it was going to be.
test('what failed once does not spoil what comes', () => {
  const pieces = new NoMemory()
  const start = new CommonStart(pieces.piece(Buffer.from('key:')), 0, pieces, new Uint8Array(KEY_BYTES), 0)
  const of = (text: string): string => {
    const length = start.of(Buffer.from(text), 0, text.length)
    if (length > 0) assert.equal(start.piece!.bytes.toString(), `key:"${text.slice(0, length)}`)
    return text.slice(0, length)
  }
  for (let n = 0; n < 20; n++) of(`/api/orders/${n % 10}`)
  pieces.fails = true
  let failed = 0
  for (let n = 0; n < 60; n++)
    try {
      of(`/carts/of/${n % 10}`)
    } catch {
      failed++
    }
  pieces.fails = false
  assert.ok(failed > 0)
  for (let n = 0; n < 60; n++) of(`/carts/of/${n % 10}`)
  assert.equal(of('/carts/of/1'), '/carts/of/')

  const times = new SpanTimes(pieces)
  const written = (second: number): string => {
    const span = Buffer.alloc(18)
    for (const [at, tag] of [
      [0, 0x39],
      [9, 0x41],
    ] as const) {
      span[at] = tag
      span.writeBigUInt64LE(BigInt(second) * 1_000_000_000n, at + 1)
    }
    times.read(new SpanRanges().reset(span))
    const out = new Writer()
    times.write(out)
    return Buffer.from(out.take()).toString()
  }
  assert.match(written(1_764_000_000), /^1764000000000000,"startTimeMillis":1764000000000,/)
  pieces.fails = true
  assert.throws(() => written(1_764_000_001))
  pieces.fails = false
  assert.match(written(1_764_000_001), /^1764000001000000,"startTimeMillis":1764000001000,/)
})

// Scenario: a thousand spans with values that begin alike and go on with quotes, line breaks, letters of several bytes, nothing,
// or no UTF-8 at all; a key that becomes a field; some values come again and are kept.
// Guarantees: in documents that are packed and in those that are not each value is what it was.
test('values that begin alike are what they are', () => {
  const random = new Random(23)
  const endings = ['"', '\n', 'é', '\u{1f600}', '', '\\"', 'plain', '\u0000']
  const value = (start: string): string => `${start}${random.below(50)}${random.pick(endings)}`
  const spans = Array.from({ length: 1000 }, (_, nth) => ({
    traceId: Buffer.alloc(16, nth % 250),
    spanId: Buffer.alloc(8, nth % 251),
    name: random.pick(['GET /a', 'GET /b', 'say "hi"', 'été']),
    startTimeUnixNano: String(1_764_000_000_000_000_000n + BigInt(random.below(4_000_000)) * 1000n),
    attributes: [
      { key: 'first', value: { stringValue: value('f') } },
      { key: 'url.path', value: { stringValue: value('/api/orders/') } },
      { key: 'error', value: { stringValue: value('error of ') } },
      { key: 'host', value: { stringValue: random.chance(0.1) ? 'elsewhere' : value('10.1.') } },
    ],
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] }
  const request = encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })
  for (const packs of [true, false]) {
    const bulks = new JaegerBulks(jaegerSection.absent(), 5_000_000, new Set(['error']), packs)
    for (let round = 0; round < 3; round++) {
      const now = 1_764_000_001_000
      const [bulk] = bulks.bulks(batchOf('traces', [request], spans.length), now)
      const text = Buffer.from(bulk!.gzip === undefined ? bulk!.bytes : gunzipSync(bulk!.gzip)).toString()
      const documents = text
        .split('\n')
        .filter(line => line.includes('"spanID"'))
        .map(line => JSON.parse(line))
      assert.equal(documents.length, spans.length)
      for (const [nth, { name, attributes, startTimeUnixNano }] of spans.entries()) {
        const { operationName, tags, tag, startTime, startTimeMillis } = documents[nth]
        assert.equal(operationName, name)
        assert.equal(startTime, Number(BigInt(startTimeUnixNano) / 1000n))
        assert.equal(startTimeMillis, Number(BigInt(startTimeUnixNano) / 1_000_000n))
        const listed = Object.fromEntries(
          tags.map(({ key, value: one }: { key: string; value: unknown }) => [key, one]),
        )
        for (const { key, value: one } of attributes)
          assert.equal(key === 'error' ? tag.error : listed[key], one.stringValue)
      }
    }
  }
})

// Scenario: values that begin alike, where every third goes on with bytes that are no UTF-8.
// Guarantees: those are hex, as without a common start.
test('a value that is no UTF-8 has no start of its own', () => {
  const bulks = new JaegerBulks(jaegerSection.absent(), 5_000_000, new Set())
  const spans = Array.from({ length: 30 }, (_, nth) => ({
    traceId: Buffer.alloc(16, 1),
    spanId: Buffer.alloc(8, nth + 1),
    name: 'op',
    attributes: [{ key: 'path', value: { stringValue: `/api/orders/${nth % 3 === 0 ? '??' : nth}` } }],
  }))
  const request = Buffer.from(encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] }))
  for (let at = request.indexOf('??'); at !== -1; at = request.indexOf('??')) request.set([0xff, 0xfe], at)
  const [bulk] = bulks.bulks(batchOf('traces', [request], spans.length), 1_764_000_000_000)
  const tags = Buffer.from(bulk!.bytes)
    .toString()
    .split('\n')
    .filter(line => line.includes('"spanID"'))
    .map(line => JSON.parse(line).tags[0])
  for (const [nth, tag] of tags.entries())
    assert.deepEqual(
      tag,
      nth % 3 === 0
        ? {
            key: 'path',
            type: 'binary',
            value: Buffer.from('/api/orders/\xff\xfe', 'latin1').toString('hex'),
          }
        : { key: 'path', type: 'string', value: `/api/orders/${nth}` },
    )
})
