import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cursor, readString } from '../../../core/otlp/cursor.ts'
import { Metric } from '../../../core/otlp/fields.ts'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { CHILD_FIELDS, countItems, countWithin, findSchemaUrl, ItemWalker } from '../../../core/otlp/walk.ts'
import { anyRequest, realisticTraces } from '../../kit/generate.ts'
import { field, requestOfMetric, tagged } from '../../kit/wire.ts'

for (const signal of SIGNALS) {
  // Scenario: random requests whose number of items is known.
  // Guarantees: countItems counts them in any encoding.
  test(`counts items of ${signal}`, () => {
    fc.assert(
      fc.property(anyRequest(signal), ({ bytes, untidy, items }) => {
        assert.equal(countItems(bytes, signal), items)
        assert.equal(countItems(untidy, signal), items)
      }),
      { numRuns: 20 },
    )
  })
}

// Scenario: a request of 512 spans is counted with a limit of 10.
// Guarantees: counting stops once the answer is "more".
test('a bounded count stops', () => {
  const chunk = realisticTraces(512)
  assert.equal(countWithin(chunk, CHILD_FIELDS.traces, 0, 0, chunk.length, 10), 11)
})

// Scenario: two resource entries; in the second, resource, scope and schema URLs stand behind the spans.
// Guarantees: the walker has the ranges of each span's own resource and scope, wherever they stand.
test('the walker knows what is around an item', () => {
  const named = (name: string) => field(1, field(1, name))
  const first = field(
    1,
    named('R1'),
    field(2, named('S1'), field(2, field(5, 'one')), field(2, field(5, 'two'))),
  )
  const second = field(1, field(2, field(2, field(5, 'three')), named('S2'), field(3, 'url')), named('R2'))
  const bare = field(1, field(2, field(2, field(5, 'four'))))
  const chunk = Buffer.concat([first, field(1), second, bare])
  const seen: string[][] = []
  const schemaUrl = new Cursor(chunk)
  for (const walker = new ItemWalker(chunk, 'traces'); walker.next(); ) {
    const { resourceStart, resourceStop, scopeStart, scopeStop, scopeEntryStart, scopeEntryStop } = walker
    findSchemaUrl(chunk, scopeEntryStart, scopeEntryStop, schemaUrl)
    seen.push([
      readString(chunk, resourceStart, resourceStop),
      readString(chunk, scopeStart, scopeStop),
      readString(chunk, schemaUrl.start, schemaUrl.stop),
      readString(chunk, walker.start, walker.stop),
    ])
  }
  const inner = (text: string) => Buffer.concat([field(1, text)]).toString()
  assert.deepEqual(seen, [
    [inner('R1'), inner('S1'), '', field(5, 'one').toString()],
    [inner('R1'), inner('S1'), '', field(5, 'two').toString()],
    [inner('R2'), inner('S2'), 'url', field(5, 'three').toString()],
    ['', '', '', field(5, 'four').toString()],
  ])
})

// Scenario: a metric whose name stands behind its data, with two points.
// Guarantees: the walker has the metric's and the data's range and the data field.
test('the walker knows the metric of a point', () => {
  const point = (seconds: number) => field(1, tagged(3, 1, seconds, 0, 0, 0, 0, 0, 0, 0))
  const data = field(7, point(1), tagged(2, 0, 2), point(2))
  const chunk = requestOfMetric(data, field(1, 'm'))
  const walker = new ItemWalker(chunk, 'metrics')
  const times: number[] = []
  while (walker.next()) {
    assert.equal(walker.dataField, Metric.sum)
    assert.equal(walker.metricStop - walker.metricStart, data.length + 3)
    assert.equal(walker.dataStop - walker.dataStart, data.length - 2)
    times.push(chunk[walker.start + 1]!)
  }
  assert.deepEqual(times, [1, 2])
  assert.equal(walker.reset(chunk, 'metrics').next(), true)
})
