import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpanFields } from '../../../connectors/spanmetrics/span-fields.ts'
import { Span } from '../../../core/otlp/fields.ts'
import { KeySet } from '../../../core/otlp/keys.ts'
import { SpanView } from '../../../core/otlp/span.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { KeyValues } from '../../../core/otlp/value.ts'
import { ItemWalker } from '../../../core/otlp/walk.ts'
import { Writer } from '../../../core/otlp/writer.ts'
import { generate, generateRequest } from '../../kit/generate.ts'
import { Random } from '../../kit/random.ts'
import { untidyEncoding } from '../../kit/untidy.ts'

/** Keys that are there, one that is empty, one that is long, one that is nowhere. */
function keysIn(requests: readonly Uint8Array[]): string[] {
  const seen = new Set(['', 'z'.repeat(300), 'nowhere'])
  for (const request of requests) {
    const walker = new ItemWalker(request, 'traces')
    while (walker.next()) {
      const attributes = new KeyValues().reset(request, walker.start, walker.stop, Span.attributes)
      while (attributes.next()) if (seen.size < 40) seen.add(attributes.key())
    }
  }
  return [...seen]
}

function checkSpan(
  fields: SpanFields,
  keys: readonly string[],
  set: KeySet,
  bytes: Uint8Array,
  start: number,
  stop: number,
): void {
  fields.read(bytes, start, stop)
  const span = new SpanView().reset(bytes, start, stop)
  const hex = (at: number, length: number): string =>
    at < 0 ? '' : Buffer.from(bytes.subarray(at, at + length)).toString('hex')
  const latin1 = (from: number, to: number): string =>
    Buffer.from(bytes.subarray(from, to)).toString('latin1')
  const range = (field: number): string =>
    span.has(field) ? latin1(span.startOf(field), span.stopOf(field)) : ''
  assert.equal(latin1(fields.nameStart, fields.nameStop), range(Span.name))
  assert.equal(latin1(fields.stateStart, fields.stateStop), range(Span.traceState))
  assert.equal(hex(fields.traceId, 16), span.traceId)
  assert.equal(hex(fields.spanId, 8), span.spanId)
  assert.equal(fields.kind, span.kind)
  assert.equal(fields.status, span.statusCode)
  assert.equal(fields.hasEvents, span.has(Span.events))
  const duration = span.endTime - span.startTime
  assert.equal(fields.durationNs, duration > 0n ? Number(duration) : 0)
  const first = new Map<string, string>()
  const attributes = span.attributes()
  while (attributes.next()) {
    const key = attributes.key()
    if (!first.has(key)) first.set(key, latin1(attributes.valueStart, attributes.valueStop))
  }
  for (const key of keys) {
    const slot = set.add(key)
    const { starts, stops } = fields.values
    const found = starts[slot] === -1 ? undefined : latin1(starts[slot]!, stops[slot]!)
    assert.equal(found, first.get(key), `attribute ${JSON.stringify(key)}`)
  }
}

// Scenario: spans with every field, tidy and as no encoder writes them: fields in any order and more than once, unknown ones
// between them.
// Guarantees: what is read in one walk is what views of the whole span say, the first of equal attributes included.
test('one walk finds what views find', () => {
  const random = new Random(7)
  const requests = Array.from({ length: 60 }, (_, seed) => {
    if (seed % 2 === 0) return generate('traces', seed, 10).bytes
    return untidyEncoding('traces', generateRequest('traces', seed, 10), random)
  })
  const keys = keysIn(requests)
  const set = new KeySet(keys)
  const fields = new SpanFields(set)
  let spans = 0
  for (const request of requests) {
    validate(request, 'traces')
    const walker = new ItemWalker(request, 'traces')
    for (; walker.next(); spans++) checkSpan(fields, keys, set, request, walker.start, walker.stop)
  }
  assert.ok(spans > 300)
})

// Scenario: numbers and tags of low fields written in more bytes than they need, as protobuf allows.
// Guarantees: the span is read all the same.
test('long ways to write a number', () => {
  const out = new Writer()
  const long = (field: number, wire: number): void => {
    out.byte((field << 3) | wire | 0x80)
    out.byte(0)
  }
  long(Span.kind, 0)
  out.raw(Uint8Array.of(0x83, 0x80, 0x00))
  long(Span.name, 2)
  out.raw(Uint8Array.of(0x82, 0x00))
  out.raw(Buffer.from('ab'))
  out.tag(Span.status, 2)
  out.raw(Uint8Array.of(3, 0x18, 0x82, 0x00))
  out.tag(Span.endTimeUnixNano, 1)
  out.bigFixed64(5n)
  const bytes = out.copy()
  const set = new KeySet()
  checkSpan(new SpanFields(set), [], set, bytes, 0, bytes.length)
  const fields = new SpanFields(set)
  fields.read(bytes, 0, bytes.length)
  assert.deepEqual([fields.kind, fields.status, fields.durationNs], [3, 2, 5])
})
