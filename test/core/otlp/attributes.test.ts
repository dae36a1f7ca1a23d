import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AttributeTable } from '../../../core/otlp/attributes.ts'
import { KeySet } from '../../../core/otlp/keys.ts'
import { CHANGE, KEEP, Rewriter } from '../../../core/otlp/rewrite.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { Writer } from '../../../core/otlp/writer.ts'
import { anyRequest, type Plain } from '../../kit/generate.ts'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'

const KEYS = ['', 'a', 'http.method', 'service.name', 'überall', 'z'.repeat(300), 'x'.repeat(127), 'new.key']
const text = (value: string): Uint8Array => {
  const out = new Writer()
  out.string(1, value)
  return out.copy()
}

type Attribute = { key?: string; value?: Plain }
type Step =
  | { readonly do: 'put'; readonly key: string; readonly value: string }
  | { readonly do: 'remove'; readonly key: string }
  | { readonly do: 'copy'; readonly key: string; readonly from: string }

/** The Collector's map: the first of equal keys counts, new ones go to the end. */
function model(attributes: Attribute[], steps: readonly Step[]): void {
  const find = (key: string): number => attributes.findIndex(one => (one.key ?? '') === key)
  const put = (key: string, value: Plain | undefined): void => {
    const at = find(key)
    const entry: Attribute = { ...(key === '' ? {} : { key }), value: value ?? {} }
    if (at < 0) attributes.push({ key, value: value ?? {} })
    else attributes[at] = { ...attributes[at], ...entry }
  }
  for (const step of steps) {
    const at = find(step.key)
    if (step.do === 'put') put(step.key, { stringValue: step.value })
    else if (step.do === 'remove') {
      if (at >= 0) attributes.splice(at, 1)
    } else if (find(step.from) >= 0) put(step.key, attributes[find(step.from)]!.value)
  }
}

function apply(table: AttributeTable, keys: KeySet, steps: readonly Step[]): void {
  for (const step of steps) {
    const slot = keys.add(step.key)
    const row = table.find(slot)
    if (step.do === 'put') table.put(slot, text(step.value))
    else if (step.do === 'remove') {
      if (row >= 0) table.remove(row)
    } else {
      const from = table.find(keys.add(step.from))
      if (from >= 0) table.put(slot, table.valueSource(from), table.valueStart(from), table.valueStop(from))
    }
  }
}

const key = fc.constantFrom(...KEYS)
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('put' as const), key, value: fc.constantFrom('', 'v', 'w'.repeat(200)) }),
    fc.record({ do: fc.constant('remove' as const), key }),
    fc.record({ do: fc.constant('copy' as const), key, from: key }),
  ),
  { maxLength: 6 },
)

/** Decoded, with what means the same written the same: no key is the empty key, no value the empty value. */
function normal(request: Plain): unknown {
  return JSON.parse(
    JSON.stringify(request, (name, value) =>
      name === 'attributes'
        ? (value as Attribute[]).map(one => ({ key: one.key ?? '', value: one.value ?? {} }))
        : typeof value === 'number' && !Number.isFinite(value)
          ? String(value)
          : value,
    ),
  )
}

// Scenario: generated spans in two encodings (repeated and unordered fields, long keys, no keys), random steps with
// keys that are and are not there, in tables with a row for some and for every attribute.
// Guarantees: decoded, the result is that of the same steps on a list; it is valid; nothing changed: the same object.
test('steps on a table agree with steps on a list', () => {
  fc.assert(
    fc.property(anyRequest('traces', 8), steps, fc.boolean(), (request, steps, all) => {
      for (const bytes of [request.bytes, request.untidy]) {
        const keys = new KeySet(KEYS)
        const table = new AttributeTable(keys, { all })
        const expected = decodeRequest('traces', bytes)
        for (const resource of (expected['resourceSpans'] ?? []) as Plain[])
          for (const scope of (resource['scopeSpans'] ?? []) as Plain[])
            for (const span of (scope['spans'] ?? []) as Plain[]) {
              const attributes = (span['attributes'] ?? []) as Attribute[]
              model(attributes, steps)
              if (attributes.length > 0) span['attributes'] = attributes
              else delete span['attributes']
            }
        const rewriter = new Rewriter('traces', {
          item: (from, start, stop) => {
            table.read(from, start, stop, 9)
            apply(table, keys, steps)
            return table.changed ? CHANGE : KEEP
          },
          write: patch => table.write(patch),
        })
        const result = rewriter.rewrite(bytes)
        validate(result, 'traces')
        assert.deepEqual(normal(decodeRequest('traces', result)), normal(expected))
        if (steps.length === 0) assert.equal(result, bytes)
      }
    }),
    { numRuns: 80 },
  )
})

/** A span whose attributes are these bytes each. */
function spanOf(...entries: Uint8Array[]): Uint8Array {
  const out = new Writer()
  for (const entry of entries) out.lengthDelimited(9, entry)
  return out.copy()
}

// Scenario: a KeyValue with its key twice, so that a reader of the first sees a harmless one.
// Guarantees: the last counts, as for every protobuf decoder: what should be deleted cannot hide.
test('the last of repeated keys counts', () => {
  const entry = new Writer()
  entry.string(1, 'harmless')
  entry.string(1, 'password')
  entry.lengthDelimited(2, text('secret'))
  const table = new AttributeTable(new KeySet(['password', 'harmless']))
  const span = spanOf(entry.copy())
  table.read(span, 0, span.length, 9)
  assert.equal(table.find(0), 0)
  assert.equal(table.find(1), -1)
})

// Scenario: an attribute whose own tag, or that of its key or value, is written in two or three bytes, first or behind another.
// Guarantees: it is an attribute all the same: what should be deleted cannot hide.
test('a tag that is longer than it needs to be hides nothing', () => {
  const field = (tag: readonly number[], content: Uint8Array) =>
    Buffer.concat([Buffer.from([...tag, content.length]), content])
  const waysOf = (tag: number) => [[tag], [tag | 0x80, 0], [tag | 0x80, 0x80, 0]] as const
  const other = field([0x4a], field([0x0a], Buffer.from('other')))
  for (const own of waysOf(0x4a))
    for (const key of waysOf(0x0a))
      for (const value of waysOf(0x12))
        for (const all of [false, true]) {
          const entry = Buffer.concat([field(key, Buffer.from('password')), field(value, text('secret'))])
          for (const span of [
            [field(own, entry), other],
            [other, field(own, entry)],
          ]) {
            const bytes = Buffer.concat(span)
            const table = new AttributeTable(new KeySet(['password']), { all })
            table.read(bytes, 0, bytes.length, 9)
            const row = table.find(0)
            assert.ok(row >= 0)
            const secret = bytes.subarray(table.valueStart(row), table.valueStop(row))
            assert.deepEqual(secret, Buffer.from(text('secret')))
          }
        }
})

// Scenario: a value is replaced in a KeyValue with fields we do not know.
// Guarantees: those fields stay, byte for byte.
test('unknown fields of a changed attribute stay', () => {
  const entry = new Writer()
  entry.string(1, 'k')
  entry.lengthDelimited(2, text('old'))
  entry.string(77, 'unknown')
  const wanted = new Writer()
  wanted.string(1, 'k')
  wanted.lengthDelimited(2, text('a longer value'))
  wanted.string(77, 'unknown')
  const table = new AttributeTable(new KeySet(['k']))
  const frame = (span: Uint8Array): Uint8Array => {
    const out = new Writer()
    const resource = out.open(1)
    const scope = out.open(2)
    out.lengthDelimited(2, span)
    out.close(scope)
    out.close(resource)
    return out.copy()
  }
  const rewriter = new Rewriter('traces', {
    item: (bytes, start, stop) => {
      table.read(bytes, start, stop, 9)
      table.put(0, text('a longer value'))
      return CHANGE
    },
    write: patch => table.write(patch),
  })
  const result = rewriter.rewrite(frame(spanOf(entry.copy())))
  assert.deepEqual([...result], [...frame(spanOf(wanted.copy()))])
})

// Scenario: more attributes than the table has rows at first, then a span with few.
// Guarantees: all are found, and nothing is left from the span before.
test('a table grows and forgets', () => {
  const many = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: { intValue: String(i) } }))
  const request = encodeRequest('traces', {
    resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: many }, {}] }] }],
  })
  const table = new AttributeTable(new KeySet(['k499', 'k0']), { all: true })
  const seen: number[][] = []
  new Rewriter('traces', {
    item: (bytes, start, stop) => {
      table.read(bytes, start, stop, 9)
      seen.push([table.rows, table.find(0), table.find(1)])
      return KEEP
    },
  }).rewrite(request)
  assert.deepEqual(seen, [
    [500, 499, 0],
    [0, -1, -1],
  ])
})

// Scenario: an attribute is given the value it has.
// Guarantees: that is no change, so that the request can stay the same object.
test('the same value is no change', () => {
  const entry = new Writer()
  entry.string(1, 'k')
  entry.lengthDelimited(2, text('v'))
  const span = spanOf(entry.copy())
  const table = new AttributeTable(new KeySet(['k']))
  table.read(span, 0, span.length, 9)
  table.put(0, text('v'))
  assert.equal(table.changed, false)
  table.put(0, text('w'))
  assert.equal(table.changed, true)
})
