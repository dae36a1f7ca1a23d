/** Texts of known keys, which the loop in WebAssembly finds (assembly/reading.ts): they are what they are. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { batchOf } from '../../../../core/component/batch.ts'
import { CacheBudget } from '../../../../core/formats/cache-budget.ts'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { FieldNames } from '../../../../core/formats/jaeger-es/field-names.ts'
import { KnownKeys } from '../../../../core/formats/jaeger-es/known-keys.ts'
import {
  FOUND,
  KEY_SLOT,
  LIST,
  SHORT_TEXT_MAX,
  TEXT_MAX,
  TEXTS,
} from '../../../../core/formats/jaeger-es/reading-layout.ts'
import { ReadingMemory } from '../../../../core/formats/jaeger-es/reading-memory.ts'
import { SpanRanges } from '../../../../core/formats/jaeger-es/span-ranges.ts'
import { KeyValueRange } from '../../../../core/otlp/value.ts'
import { ItemWalker } from '../../../../core/otlp/walk.ts'
import { JaegerBulks } from '../../../../exporters/elasticsearch/jaeger-bulks.ts'
import { jaegerSection } from '../../../../exporters/elasticsearch/jaeger-config.ts'
import { encodeRequest } from '../../../kit/proto.ts'
import { Random } from '../../../kit/random.ts'

type Attribute = readonly [key: string, value: Buffer]

/** Of a request whose spans have eleven attributes each. Texts that are no UTF-8 cannot be encoded: they get their bytes later. */
function requestOf(attributes: readonly Attribute[]): Uint8Array {
  const spans: object[] = []
  for (let i = 0; i < attributes.length; i += 11) {
    const some = attributes.slice(i, i + 11)
    spans.push({
      traceId: Buffer.alloc(16, 1),
      spanId: Buffer.alloc(8, 2),
      name: 'op',
      startTimeUnixNano: '1764000000000000000',
      endTimeUnixNano: '1764000000000001000',
      attributes: some.map(([key, value]) => ({ key, value: { bytesValue: value } })),
    })
  }
  const request = Buffer.from(encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] }))
  // A text is field 1 of a value where bytes are field 7.
  for (const walker = new ItemWalker(request, 'traces'); walker.next(); ) {
    const { attributes: ranges, attributesEnd } = new SpanRanges().reset(request, walker.start, walker.stop)
    for (let i = 0; i < attributesEnd; i += 2) {
      const { valueStart } = new KeyValueRange().find(request, ranges[i]!, ranges[i + 1]!)
      request[valueStart] = 0x0a
    }
  }
  return request
}

/** The tags that documents have of them: value and type. */
function tagsOf(
  attributes: readonly Attribute[],
  packs: boolean,
  rounds = 3,
  section = jaegerSection.absent(),
) {
  const bulks = new JaegerBulks(section, 50_000_000, new Set(['field']), packs)
  const request = requestOf(attributes)
  let tags: unknown[] = []
  for (let round = 0; round < rounds; round++) {
    const [bulk] = bulks.bulks(batchOf('traces', [request], attributes.length), 1_764_000_001_000)
    const text = Buffer.from(bulk!.gzip === undefined ? bulk!.bytes : gunzipSync(bulk!.gzip)).toString()
    tags = text
      .split('\n')
      .filter(line => line.includes('"spanID"'))
      .flatMap(line => JSON.parse(line).tags)
  }
  return tags
}

const isUtf8 = (value: Buffer): boolean => Buffer.from(value.toString()).equals(value)

const expected = ([key, value]: Attribute) =>
  isUtf8(value)
    ? { key, type: 'string', value: value.toString() }
    : { key, type: 'binary', value: value.toString('hex') }

// Scenario: texts of every length up to 133, with a common start and without; in each place of the shorter ones a quote, a
// backslash, controls, what comes right before and behind those, and bytes of longer letters, alone and after each other.
// Guarantees: packed or not, a value is what it was, and what is no UTF-8 is hex.
test('a text is what it was, whatever is in it', () => {
  const random = new Random(61)
  const letters = (length: number): string =>
    Array.from({ length }, () => String.fromCharCode(0x23 + random.below(0x38))).join('')
  const attributes: Attribute[] = []
  for (let length = 0; length <= 133; length++)
    for (const [key, start] of [
      ['path', '/api/orders/'],
      ['id', ''],
      ['k', 'x'.repeat(32)],
    ] as const)
      attributes.push([key, Buffer.from((start + letters(length)).slice(0, length))])
  for (let length = 1; length <= 28; length++)
    for (let at = 0; at < length; at++)
      for (const byte of [0x00, 0x1f, 0x20, 0x21, 0x22, 0x5b, 0x5c, 0x7f, 0x80, 0xc3, 0xff]) {
        const value = Buffer.from(`/api/orders/${letters(length)}`.slice(0, Math.max(length, 12)))
        value[Math.min(at + 6, value.length - 1)] = byte
        attributes.push(['path', value])
      }
  const shuffled = random.shuffle(attributes)
  for (const packs of [true, false]) assert.deepEqual(tagsOf(shuffled, packs), shuffled.map(expected))
})

// Scenario: keys of all lengths up to 70, that differ in one letter, and a thousand more than have room.
// Guarantees: a value stays with its key.
test('a text stays with its key', () => {
  const keys = Array.from({ length: 70 }, (_, n) => 'k'.repeat(n + 1))
  for (let at = 0; at < 20; at++) keys.push(`${'k'.repeat(at)}K${'k'.repeat(19 - at)}`)
  for (let n = 0; n < 2000; n++) keys.push(`key-${n}`)
  const attributes = keys.flatMap(key =>
    [1, 2, 3, 4].map((n): Attribute => [key, Buffer.from(`${key.slice(-9)}/${n}`)]),
  )
  for (const packs of [true, false]) assert.deepEqual(tagsOf(attributes, packs, 2), attributes.map(expected))
})

// Scenario: values are cut where they have more than 20 bytes, and texts have 15 to 25; ids that have nothing in common.
// Guarantees: none is longer, none that fits is cut; nothing is said to begin as another.
test('a text is cut where others are', () => {
  const section = { ...jaegerSection.absent(), max_value_bytes: 20 }
  const attributes = Array.from({ length: 2000 }, (_, n): Attribute => {
    const length = 15 + (n % 11)
    return n % 2 === 0
      ? ['path', Buffer.from(`/api/orders/${n}`.padEnd(length, '.').slice(0, length))]
      : ['id', Buffer.from(`${n * 7919}`.padStart(length, `${n % 7}`))]
  })
  for (const packs of [true, false])
    assert.deepEqual(
      tagsOf(attributes, packs, 3, section),
      attributes.map(([key, value]) => expected([key, value.subarray(0, 20)])),
    )
})

const varint = (length: number): number[] =>
  length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
const field = (tag: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(tag, ...varint(value.length)), value])
const attributeOf = (key: string, value: string): Buffer =>
  field(0x4a, Buffer.concat([field(0x0a, Buffer.from(key)), field(0x12, field(0x0a, Buffer.from(value)))]))

/** Keys, and what the loop finds of attributes before it stops. */
function reading() {
  const memory = new ReadingMemory()
  const budget = new CacheBudget(1024 * 1024)
  const names = new FieldNames({ all: false, include: new Set(['field']), dotReplacement: '@' }, budget)
  const keys = new KnownKeys(names, new Pieces(), memory)
  memory.numbers[TEXT_MAX] = SHORT_TEXT_MAX
  return {
    memory,
    known(key: string) {
      return keys.find(Buffer.from(key), 0, Buffer.byteLength(key))!
    },
    /** Slots, or for texts `<entry>: <rest of it>`, and with a plus where what it begins with is known. */
    find(...attributes: readonly (readonly [key: string, value: string])[]): (string | number)[] {
      const bytes = Buffer.concat(attributes.map(([key, value]) => attributeOf(key, value)))
      const count = memory.readSpan(bytes, 0, bytes.length)
      const end = memory.findAttributes(0, count)
      return Array.from({ length: end }, (_, nth) => {
        const found = memory.numbers[FOUND + nth]!
        if (found >= 0) return found
        const [start, stop] = memory.numbers.subarray(LIST + 2 * nth, LIST + 2 * nth + 2)
        const code = TEXTS - found
        return `${code >> 1}:${(code & 1) === 1 ? '+' : ''}${bytes.toString('utf8', start, stop)}`
      })
    },
  }
}

// Scenario: values of a known key before and after two that begin alike; then such that begin otherwise, as many as are put up
// with, and some in between that do not.
// Guarantees: the loop finds each until there is something to be learned; what comes twice it leaves to be kept.
test('what the loop finds of texts', () => {
  const { find, known } = reading()
  assert.deepEqual(find(['path', 'a']), [])
  const { start } = known('path')
  assert.deepEqual(find(['path', 'b']), [], 'nothing is learned yet')
  for (const text of ['/api/1', '/api/2']) start.of(Buffer.from(text), 0, text.length)
  assert.deepEqual(find(['path', '/api/3'], ['path', '/api/']), ['0:+3', '0:+'])
  assert.deepEqual(find(['path', '/api'], ['path', ''], ['path', '/apj/4']), ['0:/api', '0:', '0:/apj/4'])
  // One is put up with for each that begins so, up to 16 of them; the last is left to be learned from.
  for (let n = 0; n < 300; n++) assert.deepEqual(find(['path', `/api/x${n}`]), [`0:+x${n}`])
  for (let n = 0; n < 15; n++) assert.deepEqual(find(['path', `other ${n}`]), [`0:other ${n}`])
  assert.deepEqual(find(['path', 'one more']), [])
  assert.deepEqual(find(['path', '/api/y']), ['0:+y'])
  assert.deepEqual(find(['path', 'and one']), ['0:and one'])
  assert.deepEqual(find(['path', 'and another']), [])
  // It came a moment ago: it is worth to be kept, before it is a text.
  assert.deepEqual(find(['path', '/api/y']), [])
  for (const text of ['é', 'say "hi"', '\\', '\n', 'x'.repeat(126)])
    assert.deepEqual(find(['path', `/api/${text}`]), [], text)
  assert.deepEqual(find(['path', `/api/${'x'.repeat(120)}`]), [`0:+${'x'.repeat(120)}`])
})

// Scenario: three keys that have one slot, of which one begins as another does.
// Guarantees: two have room, and are told apart.
test('keys of one slot', () => {
  const { find, known, memory } = reading()
  const slotOf = (key: string): number => {
    memory.findKey(Buffer.from(key), 0, key.length)
    return memory.numbers[KEY_SLOT]!
  }
  const alike = ['key']
  for (let n = 0; alike.length < 3; n++) if (slotOf(`key${n}`) === slotOf('key')) alike.push(`key${n}`)
  for (const key of alike.slice(0, 2)) {
    const { start } = known(key)
    for (const text of [`${key}/1`, `${key}/2`]) start.of(Buffer.from(text), 0, text.length)
  }
  assert.deepEqual(find([alike[0]!, 'key/3'], [alike[1]!, `${alike[1]}/3`]), ['0:+3', '1:+3'])
  known(alike[2]!)
  assert.deepEqual(find([alike[0]!, 'key/4']), [], 'it was pushed out')
  assert.deepEqual(find([alike[1]!, `${alike[1]}/4`]), ['1:+4'])
})

// Scenario: a key that is a field in spans, whose values in logs begin alike; a value that ends where the known start goes on with
// the letter that is also the tag of what comes next; a value with nothing in it, before what could be its text; two values, the
// first of which is spelled as a known key.
// Guarantees: none is taken for a text in the list that it is not.
test('what is no text of the list', () => {
  const { find, known, memory } = reading()
  const learned = (key: string, ...texts: string[]) => {
    const { start } = known(key)
    for (const text of texts) start.of(Buffer.from(text), 0, text.length)
  }
  learned('field', 'abc1', 'abc2')
  assert.deepEqual(find(['field', 'abc3']), [])
  learned('path', '/api/J1', '/api/J2')
  assert.deepEqual(find(['path', '/api/J'], ['path', '/api/'], ['path', '/api/J3']), [
    '1:+',
    '1:/api/',
    '1:+3',
  ])

  const count = (bytes: Buffer, length: number) => memory.findAttributes(0, memory.readSpan(bytes, 0, length))
  const empty = field(0x4a, Buffer.concat([field(0x0a, Buffer.from('path')), Buffer.of(0x12, 0)]))
  assert.equal(count(Buffer.concat([empty, Buffer.of(0x0a, 0xfe, 1)]), empty.length), 0)
  const spelled = '\n\u0001x'
  learned(spelled, 'abc1', 'abc2')
  assert.deepEqual(find([spelled, 'abc3']), ['2:+3'])
  const twice = field(
    0x4a,
    Buffer.concat([
      field(0x12, field(0x0a, Buffer.from('x'))),
      field(0x12, field(0x0a, Buffer.from('abc4'))),
    ]),
  )
  assert.equal(count(twice, twice.length), 0)
})
