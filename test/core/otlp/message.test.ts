/** All views are tested together here: a whole request read through them against the official decoder. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SpanView } from '../../../core/otlp/span.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { ItemWalker } from '../../../core/otlp/walk.ts'
import { anyRequest } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { asViewsShow, itemsOf, type PipelineSignal } from '../../kit/items.ts'
import { readBack } from '../../kit/read-back.ts'
import { sdkLogs, sdkMetrics, sdkTraces } from '../../kit/sdk.ts'
import { field, requestOfSpan } from '../../kit/wire.ts'

const PIPELINE_SIGNALS: readonly PipelineSignal[] = ['traces', 'metrics', 'logs']

for (const signal of PIPELINE_SIGNALS) {
  // Scenario: random requests with every field, in tidy and untidy encodings.
  // Guarantees: every getter of every view gives what the official decoder gives, to the last bit.
  test(`views read ${signal}`, () => {
    fc.assert(
      fc.property(anyRequest(signal, 6), ({ bytes, untidy }) => {
        assert.deepEqual(readBack(signal, bytes), asViewsShow(itemsOf(signal, bytes)))
        assert.deepEqual(readBack(signal, untidy), asViewsShow(itemsOf(signal, untidy)))
      }),
      { numRuns: 40 },
    )
  })
}

// Scenario: captured requests of real clients.
// Guarantees: views and oracle agree.
test('views read what real clients send', () => {
  for (const { name, plain, signal } of goldenRequests()) {
    const known = signal as PipelineSignal
    assert.deepEqual(readBack(known, plain), asViewsShow(itemsOf(known, plain)), name)
  }
})

const SDK: readonly (readonly [PipelineSignal, () => Promise<Uint8Array>, number])[] = [
  ['traces', sdkTraces, 2],
  ['metrics', sdkMetrics, 6],
  ['logs', sdkLogs, 2],
]

for (const [signal, make, items] of SDK) {
  // Scenario: spans, metrics and logs made with OpenTelemetry's JavaScript SDK and encoded by otlp-transformer.
  // Guarantees: the door accepts and counts them, and views and oracle agree.
  test(`views read what the JavaScript SDK sends for ${signal}`, async () => {
    const bytes = await make()
    assert.equal(validate(bytes, signal), items)
    assert.deepEqual(readBack(signal, bytes), asViewsShow(itemsOf(signal, bytes)))
  })
}

// Scenario: the span that the SDK test starts with known values.
// Guarantees: the views give them as they were set, judged by nothing but this file.
test('a span reads as it was made', async () => {
  const bytes = await sdkTraces()
  const spans = new Map<string, SpanView>()
  for (const walker = new ItemWalker(bytes, 'traces'); walker.next(); ) {
    const view = new SpanView().reset(bytes, walker.start, walker.stop)
    spans.set(view.name, view)
  }
  const get = spans.get('GET /')!
  const select = spans.get('SELECT')!
  assert.equal(get.startTime, 1_700_000_000_123_456_789n)
  assert.equal(get.endTime, 1_700_000_001_000_000_001n)
  assert.equal(get.kind, 2)
  const attributes = get.attributes()
  const seen: unknown[] = []
  while (attributes.next()) seen.push([attributes.key(), attributes.value().toPlain()])
  assert.deepEqual(seen, [
    ['text', 'ü'],
    ['whole', -7n],
    ['broken', 0.5],
    ['yes', true],
    ['list', [1n, 2n, 3n]],
  ])
  assert.deepEqual([select.statusCode, select.statusMessage], [2, 'no such table'])
  const links = select.links()
  assert.ok(links.next())
  assert.equal(links.item.traceId, get.traceId)
  assert.equal(links.item.spanId, get.spanId)
  assert.equal(links.next(), false)
})

// Scenario: a view is reset from a span with all it has to one without anything.
// Guarantees: nothing of the first shows through; absent fields have protobuf's defaults.
test('a reset view forgets', () => {
  const full = requestOfSpan(field(1, 'x'.repeat(16)), field(5, 'name'), field(15, field(2, 'bad')))
  const view = new SpanView().reset(full, 6, full.length)
  assert.equal(view.name, 'name')
  assert.equal(view.statusMessage, 'bad')
  view.reset(full, 6, 6)
  const { traceId, name, startTime, kind, flags, statusCode, statusMessage } = view
  assert.deepEqual(
    [traceId, name, startTime, kind, flags, statusCode, statusMessage],
    ['', '', 0n, 0, 0, 0, ''],
  )
  assert.equal(view.attributes().next(), false)
})
