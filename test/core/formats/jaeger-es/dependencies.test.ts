import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dependencies, dependencyDocument } from '../../../../core/formats/jaeger-es/dependencies.ts'
import { type GraphSpan, graphRequest } from '../../../kit/graph.ts'
import { Random } from '../../../kit/random.ts'

const LIMITS = { ttl: 1000, max_spans: 10_000 }
const SERVICES = ['shop', 'cart', 'pay', 'mail', '', undefined]

/** By hand, of all spans at once. */
function counted(spans: readonly GraphSpan[]): Record<string, number> {
  const name = ({ service }: GraphSpan): string =>
    service === undefined ? 'missing-service-name' : service === '' ? 'empty-service-name' : service
  const links: Record<string, number> = {}
  for (const span of spans) {
    const parent = spans.find(({ trace, id }) => trace === span.trace && id === span.parent)
    if (parent === undefined || name(parent) === name(span)) continue
    const link = `${name(parent)} -> ${name(span)}`
    links[link] = (links[link] ?? 0) + 1
  }
  return links
}

function taken(dependencies: Dependencies): Record<string, number> {
  return Object.fromEntries(
    dependencies.take().map(({ parent, child, callCount }) => [`${parent} -> ${child}`, callCount]),
  )
}

const sorted = (links: Record<string, number>) => Object.entries(links).sort()

// Scenario: random traces of several services, their spans in any order, in requests of any size, some spans twice; time
// goes on between the requests, but no trace takes longer than spans are kept.
// Guarantees: every call is counted exactly once, as an independent count of the whole says, whichever of parent and child
// comes first; nothing is kept afterwards.
test('links are what the spans say, in any order', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed)
    const dependencies = new Dependencies(LIMITS)
    const all: GraphSpan[] = []
    let now = 0
    for (let round = 0; round < 5; round++) {
      const spans: GraphSpan[] = []
      for (let trace = 0; trace < 4; trace++)
        for (let id = 1; id <= 1 + random.below(12); id++)
          spans.push({
            service: random.pick(SERVICES),
            trace: round * 4 + trace,
            id,
            ...(random.chance(0.9) && id > 1 ? { parent: 1 + random.below(id + 2) } : {}),
            kind: random.pick(['internal', 'client', 'server']),
          })
      // Twice with the same service, as a sender does that got no answer.
      const sent = random.shuffle([...spans, ...spans.filter(() => random.chance(0.2))])
      all.push(...spans)
      while (sent.length > 0) {
        dependencies.observe(graphRequest(sent.splice(0, 1 + random.below(8))), now)
        now += random.below(30)
      }
      now += random.below(500)
      if (random.chance(0.5)) dependencies.expire(now)
    }
    dependencies.expire(now + 2000)
    assert.equal(dependencies.size, 0)
    assert.deepEqual(sorted(taken(dependencies)), sorted(counted(all)), `seed ${seed}`)
    assert.deepEqual(taken(dependencies), {}, 'they are told once')
  }
})

// Scenario: parent and child further apart than spans are kept; more spans than may be kept; the end.
// Guarantees: the oldest go first, counted, and still ask for a parent that came later; at the end all are asked.
test('spans are kept for a time and in a number', () => {
  const parent: GraphSpan = { service: 'a', trace: 1, id: 1, kind: 'client' }
  const child: GraphSpan = { service: 'b', trace: 1, id: 2, parent: 1, kind: 'server' }
  const late = new Dependencies(LIMITS)
  late.observe(graphRequest([parent]), 0)
  late.expire(1001)
  late.observe(graphRequest([child]), 1001)
  late.end()
  assert.deepEqual(taken(late), {})

  const few = new Dependencies({ ttl: 1000, max_spans: 3 })
  const other = (id: number): GraphSpan => ({ service: 'x', trace: 2, id, kind: 'internal' })
  few.observe(graphRequest([child, parent, other(1)]), 0)
  assert.equal(few.forgotten, 0)
  few.observe(graphRequest([other(2)]), 0)
  assert.equal(few.forgotten, 1)
  assert.equal(few.size, 3)
  assert.deepEqual(taken(few), { 'a -> b': 1 })

  const end = new Dependencies(LIMITS)
  end.observe(graphRequest([child, parent]), 0)
  assert.deepEqual(taken(end), {}, 'the child has not gone yet')
  end.end()
  assert.deepEqual(taken(end), { 'a -> b': 1 })
})

// Scenario: ever new services call each other; names of a million letters.
// Guarantees: links and names are bounded; what was not counted is.
test('links and names are bounded', () => {
  const many = new Dependencies({ ttl: 1000, max_spans: 500_000 })
  const spans: GraphSpan[] = []
  for (let i = 0; i < 51_000; i++) {
    spans.push({ service: `a${i}`, trace: i, id: 1, kind: 'client' })
    spans.push({ service: `b${i}`, trace: i, id: 2, parent: 1, kind: 'server' })
  }
  for (let i = 0; i < spans.length; i += 2000) many.observe(graphRequest(spans.slice(i, i + 2000)), 0)
  assert.equal(many.take().length, 50_000)
  assert.equal(many.uncounted, 1000)
  const wide = new Dependencies({ ttl: 1000, max_spans: 500_000 })
  for (let i = 0; i < 100; i++)
    wide.observe(graphRequest([{ service: `${i}`.padEnd(1_000_000), trace: i, id: 1, kind: 'client' }]), 0)
  assert.ok(wide.size < 70)
  assert.ok(wide.forgotten >= 30)
  // Spans go, and links stay until the next document.
  const long = new Dependencies({ ttl: 1000, max_spans: 500_000 })
  const name = (letter: string, i: number) => `${letter}${i}`.padEnd(500_000)
  for (let i = 0; i < 20; i++) {
    const client: GraphSpan = { service: name('a', i), trace: i, id: 1, kind: 'client' }
    const server: GraphSpan = { service: name('b', i), trace: i, id: 2, parent: 1, kind: 'server' }
    long.observe(graphRequest([client, server]), 0)
  }
  assert.equal(long.take().length, 4)
  assert.equal(long.uncounted, 16)
  long.observe(
    graphRequest([
      { service: name('a', 0), trace: 100, id: 1, kind: 'client' },
      { service: name('b', 0), trace: 100, id: 2, parent: 1, kind: 'server' },
    ]),
    0,
  )
  assert.equal(long.take().length, 1, 'the next document has room again')
})

// Scenario: a document for an index, and one for a data stream.
// Guarantees: fields and their order are Jaeger's.
test("the document is Jaeger's", () => {
  const links = [{ parent: 'a', child: 'b"', callCount: 3 }]
  const json =
    '{"timestamp":"2026-11-26T10:00:00.123Z","dependencies":[{"parent":"a","child":"b\\"","callCount":3}]'
  const time = Date.UTC(2026, 10, 26, 10, 0, 0, 123)
  assert.equal(Buffer.from(dependencyDocument(links, time, false)).toString(), `${json}}`)
  assert.equal(
    Buffer.from(dependencyDocument(links, time, true)).toString(),
    `${json},"@timestamp":"2026-11-26T10:00:00.123Z"}`,
  )
})
