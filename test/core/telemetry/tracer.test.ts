import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTraceparent, type SpanRecord, Tracer } from '../../../core/telemetry/tracer.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

// Scenario: traceparent headers as the W3C recommendation allows and forbids.
// Guarantees: what is valid is read, future versions with more at the end too; anything else counts as none.
test('a traceparent is read or ignored', () => {
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), {
    traceId: TRACE,
    spanId: SPAN,
    sampled: true,
  })
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)!.sampled, false)
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what`)!.sampled, true)
  const invalid: (string | undefined)[] = [
    undefined,
    '',
    'text',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01x`,
  ]
  for (const bad of invalid) assert.equal(parseTraceparent(bad), undefined, String(bad))
})

// Scenario: a span under a sender's, and one without a sender.
// Guarantees: the first continues the trace, the second begins one; what is handed on names the span itself.
test('spans follow the sender', () => {
  const done: SpanRecord[] = []
  const tracer = new Tracer({ ratio: 1, parentBased: true }, span => {
    done.push(span)
  })
  const child = tracer.start('a', `00-${TRACE}-${SPAN}-01`)
  child.end({ n: 1 })
  tracer.start('b', undefined).end({}, 'went wrong')
  const [first, second] = done
  assert.deepEqual([first!.traceId, first!.parentSpanId, first!.error], [TRACE, SPAN, undefined])
  assert.equal(child.traceparent, `00-${TRACE}-${first!.spanId}-01`)
  assert.deepEqual([second!.parentSpanId, second!.error], ['', 'went wrong'])
  assert.notEqual(second!.traceId, TRACE)
  assert.equal(first!.end >= first!.start, true)
})

// Scenario: samplers over a sender that sampled, one that did not, and 1000 roots.
// Guarantees: parent_based follows the sender; a ratio keeps about its share, the same for the same trace id.
test('samplers decide by sender or by trace id', () => {
  const kept = (ratio: number, parentBased: boolean, traceparent: string | undefined, times = 1) => {
    let count = 0
    const tracer = new Tracer({ ratio, parentBased }, () => count++)
    for (let i = 0; i < times; i++) tracer.start('a', traceparent).end({})
    return count
  }
  assert.equal(kept(0, true, `00-${TRACE}-${SPAN}-01`), 1)
  assert.equal(kept(1, true, `00-${TRACE}-${SPAN}-00`), 0)
  assert.equal(kept(0, false, `00-${TRACE}-${SPAN}-01`), 0)
  assert.equal(kept(0, true, undefined, 50), 0)
  assert.equal(kept(1, true, undefined, 50), 50)
  const share = kept(0.3, true, undefined, 2000) / 2000
  assert.equal(share > 0.2 && share < 0.4, true, `${share}`)
  const always = kept(0.5, false, `00-${TRACE}-${SPAN}-01`, 10)
  assert.equal(always === 0 || always === 10, true)
})
