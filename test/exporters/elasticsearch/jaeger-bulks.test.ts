/** Which index a span goes to, when the document of its service is written beside it, and bodies that are packed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { JaegerBulks } from '../../../exporters/elasticsearch/jaeger-bulks.ts'
import { jaegerSection } from '../../../exporters/elasticsearch/jaeger-config.ts'
import { numberedSpans, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'
import { generate } from '../../kit/generate.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { Random } from '../../kit/random.ts'
import { realisticTraces } from '../../kit/realistic.ts'

const HOUR = 3_600_000

// Scenario: spans of 1970, of next year, of an hour ago, of no time at all and of one before 1970.
// Guarantees: all but the third go to the indices at the edge of the window, with their own times in them, and are counted.
test('no clock makes an index of its own', async () => {
  await withExporter(
    { jaeger: { max_past: '48h', max_future: '1h', indices: { spans: { date_layout: '2006-01-02-15' } } } },
    async (exporter, settings, cluster) => {
      const at = (ms: number) => ({ startTimeUnixNano: String(BigInt(ms) * 1_000_000n) })
      const now = Date.now()
      const times = [1000, now + 8760 * HOUR, now - HOUR, 0, -1000]
      await sendTo(
        exporter,
        numberedSpans(5, n => at(times[n]!)),
      )
      const indices = cluster.bulks[0]!.lines.filter(line => line.index !== undefined)
        .map(line => line.index._index as string)
        .filter(name => name.startsWith('jaeger-span'))
      const name = (ms: number) => `jaeger-span-${new Date(ms).toISOString().slice(0, 13).replace('T', '-')}`
      for (const [i, ms] of [
        now - 48 * HOUR,
        now + HOUR,
        now - HOUR,
        now - 48 * HOUR,
        now - 48 * HOUR,
      ].entries())
        assert.ok([name(ms), name(ms + 60_000)].includes(indices[i]!), `${indices[i]} for ${name(ms)}`)
      assert.equal(cluster.spans[0]!.startTimeMillis, 1000)
      const key = 'sluice_elasticsearch_repairs{exporter="elasticsearch",kind="impossible_time"}'
      assert.equal(settings.metrics.read(key), 4)
    },
  )
})

// Scenario: spans of last year through an alias and into a data stream, which have no dates in their names.
// Guarantees: nothing of them is changed, and nothing is counted as if it were.
test('where no date decides, no time is impossible', async () => {
  for (const rotation of ['manual_rollover', 'data_stream'])
    await withExporter({ jaeger: { rotation } }, async (exporter, settings, cluster) => {
      const start = String(BigInt(Date.now() - 8760 * HOUR) * 1_000_000n)
      const old = { startTimeUnixNano: start, endTimeUnixNano: String(BigInt(start) + 1n) }
      assert.deepEqual(
        await sendTo(
          exporter,
          numberedSpans(2, () => old),
        ),
        { sent: 2 },
      )
      assert.equal(cluster.spans[0].startTime, Number(start.slice(0, -3)))
      const key = 'sluice_elasticsearch_repairs{exporter="elasticsearch",kind="impossible_time"}'
      assert.equal(settings.metrics.read(key), 0)
    })
})

// Scenario: a service's document is refused for now, then for ever, then taken.
// Guarantees: it is offered until it is there, and never counts as an item.
test('a service is known once its document is there', async () => {
  await withExporter({}, async (exporter, _settings, cluster) => {
    let status = 429
    cluster.item = document => ({ status: document.traceID === undefined ? status : 201 })
    assert.deepEqual(await sendTo(exporter, numberedSpans(2)), { sent: 2 })
    status = 400
    assert.deepEqual(await sendTo(exporter, numberedSpans(2)), { sent: 2 })
    status = 201
    assert.deepEqual(await sendTo(exporter, numberedSpans(2)), { sent: 2 })
    assert.deepEqual(await sendTo(exporter, numberedSpans(2)), { sent: 2 })
    assert.equal(cluster.services.length, 3)
  })
})

const FIELDS = new Set(['span.kind', 'error'])
const NOW = 1_764_000_000_000

function bulksOf(packs: boolean, maxBytes: number, withIds = true): JaegerBulks {
  const config = { ...jaegerSection.absent(), deterministic_ids: withIds }
  return new JaegerBulks(config, maxBytes, FIELDS, packs)
}

// Scenario: batches of real and of random spans, with ids and without, large and small bodies, several batches written in turns, buffers used again.
// Guarantees: what is packed unpacks to the body, and the body is the same as without packing; none is too large, also where a
// document is larger than all before it.
test('packed bodies hold what the bodies hold', () => {
  const rounds = Array.from({ length: 12 }, (_, round) => [
    realisticTraces(200, round),
    generate('traces', round, 40).bytes,
    realisticTraces(30, round),
  ])
  let partings = 0
  for (const [maxBytes, withIds] of [
    [5_000_000, true],
    [60_000, false],
    [20_000, true],
  ] as const) {
    const packing = bulksOf(true, maxBytes, withIds)
    const plain = bulksOf(false, maxBytes, withIds)
    let packed = 0
    let parted = 0
    for (const chunks of rounds) {
      const batches: Batch[] = [batchOf('traces', chunks, 270), batchOf('traces', chunks.toReversed(), 270)]
      const makers = batches.map(batch => packing.bulks(batch, NOW))
      const others = batches.map(batch => plain.bulks(batch, NOW))
      for (let open = true; open; )
        for (const [i, maker] of makers.entries()) {
          if (i === 0) open = false
          const { value, done } = maker.next()
          const other = others[i]!.next()
          assert.equal(done, other.done)
          if (value === undefined || other.value === undefined) continue
          open = true
          const { gzip } = value
          assert.equal(other.value.gzip, undefined)
          assert.equal(
            Buffer.compare(gzip === undefined ? value.bytes : gunzipSync(gzip), other.value.bytes),
            0,
          )
          // The documents of one span: its own, and that of its service.
          if (value.items.reduce((sum, items) => sum + items, 0) > 1) assert.ok(value.size <= maxBytes)
          assert.deepEqual(value.ends, other.value.ends)
          for (const key of value.keys)
            if (key !== undefined) for (const bulks of [packing, plain]) bulks.landed(key, NOW)
          if (gzip === undefined) {
            parted++
            continue
          }
          // Asked for when something went wrong.
          if (packed++ % 5 === 0) assert.equal(Buffer.compare(value.bytes, other.value.bytes), 0)
          plain.buffers.giveBack(other.value.bytes)
          packing.packed.giveBack(gzip)
        }
    }
    assert.ok(packed >= 12)
    partings += parted
  }
  assert.ok(partings > 0)
})

function spanOf(attributes: readonly (readonly [key: string, value: string])[], nth: number) {
  return {
    traceId: Buffer.alloc(16, nth % 250),
    spanId: Buffer.alloc(8, nth % 251),
    name: 'op',
    startTimeUnixNano: `${NOW}000000`,
    endTimeUnixNano: `${NOW}005000`,
    attributes: attributes.map(([key, stringValue]) => ({ key, value: { stringValue } })),
  }
}

function requestOf(spans: readonly object[], service = 's'): Batch {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] }
  return batchOf(
    'traces',
    [encodeRequest('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })],
    spans.length,
  )
}

// Scenario: thousands of keys that push each other out of what is kept, and two usual ones that are kept side by side, each with
// values that come again and values that do not.
// Guarantees: what is packed unpacks to what is written without packing.
test('keys that take the places of others', () => {
  const random = new Random(17)
  const packing = bulksOf(true, 5_000_000)
  const plain = bulksOf(false, 5_000_000)
  const keys = [
    ...['rpc.method', 'messaging.destination.name', 'http.flavor', 'messaging.system', 'http.method'],
    ...Array.from({ length: 3000 }, (_, n) => `some.key-${n}`),
  ]
  for (let round = 0; round < 20; round++) {
    const spans = Array.from({ length: 100 }, (_, nth) => {
      const attributes = Array.from({ length: 8 }, () => {
        const key = random.chance(0.5) ? keys[random.below(5)]! : random.pick(keys)
        return [key, random.chance(0.7) ? 'GET' : `value-${random.below(1e9)}`] as const
      })
      return spanOf([['first', 'x'], ...attributes], nth)
    })
    const [packed] = packing.bulks(requestOf(spans), NOW)
    const [other] = plain.bulks(requestOf(spans), NOW)
    assert.equal(Buffer.compare(gunzipSync(packed!.gzip!), other!.bytes), 0)
    packing.packed.giveBack(packed!.gzip!)
    plain.buffers.giveBack(other!.bytes)
  }
})

// Scenario: one operation, of two services that take turns; a day later; after the documents are no longer known.
// Guarantees: each service's document is offered until it is there, once for each index, and again when it is forgotten.
test('an operation is known of a service, in an index, for a time', () => {
  const bulks = new JaegerBulks({ ...jaegerSection.absent(), service_cache_ttl: 5000 }, 5_000_000, FIELDS)
  const offered = (service: string, at: number, lands = true): number => {
    const span = { ...spanOf([], 1), startTimeUnixNano: `${at}000000`, endTimeUnixNano: `${at}005000` }
    let count = 0
    for (const { keys } of bulks.bulks(requestOf([span, span], service), at))
      for (const key of keys)
        if (key !== undefined) {
          count++
          if (lands) bulks.landed(key, at)
        }
    return count
  }
  assert.equal(offered('a', NOW, false), 1)
  assert.equal(offered('a', NOW), 1)
  for (let round = 0; round < 3; round++) assert.equal(offered('a', NOW + round), 0)
  assert.equal(offered('b', NOW), 1)
  for (let round = 0; round < 3; round++)
    for (const service of ['a', 'b']) assert.equal(offered(service, NOW + 4000), 0)
  assert.equal(offered('a', NOW + 5000), 1)
  assert.equal(offered('a', NOW + 5000), 0)
  assert.equal(offered('a', NOW + 24 * HOUR), 1)
  assert.equal(offered('a', NOW + 24 * HOUR), 0)
})

// Scenario: an attribute whose tag has a byte more than it needs, which protobuf allows, between others.
// Guarantees: it is in the document, in its place.
test('attributes with long tags are attributes', () => {
  const tag = (key: string): Buffer =>
    Buffer.from([0x0a, 6, 0x0a, 1, key.charCodeAt(0), 0x12, 3, 0x0a, 1, 0x76].slice(2))
  const attribute = (key: string, ...head: number[]): Buffer =>
    Buffer.concat([Buffer.from([...head, tag(key).length]), tag(key)])
  const span = Buffer.concat([attribute('a', 0x4a), attribute('b', 0xca, 0), attribute('c', 0x4a)])
  const within = (content: Buffer, field: number): Buffer =>
    Buffer.concat([Buffer.from([(field << 3) | 2, content.length]), content])
  const request = within(within(within(span, 2), 2), 1)
  const [bulk] = bulksOf(false, 5_000_000).bulks(batchOf('traces', [request], 1), NOW)
  const document = JSON.parse(Buffer.from(bulk!.bytes).toString().split('\n').at(-2)!)
  assert.deepEqual(
    document.tags.slice(0, 3).map(({ key }: { key: string }) => key),
    ['a', 'b', 'c'],
  )
})

// Scenario: a span that was written before this build was there, and a sender that comes again with it.
// Guarantees: its document has the id that it had. Whoever changes it makes doubles of what is sent again.
test('ids of documents stay what they are', () => {
  const [bulk] = bulksOf(false, 5_000_000).bulks(batchOf('traces', [realisticTraces(1, 1)], 1), NOW)
  assert.match(Buffer.from(bulk!.bytes).toString(), /"_id":"c3dc39b36ce79cca_bb114ddce5ab61c6"/)
})

// Scenario: memory for a body is not to be had in the middle of it; then another request comes in the very bytes of the first.
// Guarantees: the documents of the second are its own.
test('a body that cannot be written leaves nothing behind', t => {
  const requestOf = (letter: string) => {
    const span = {
      traceId: Buffer.alloc(16, letter),
      spanId: Buffer.alloc(8, letter),
      attributes: [{ key: 'key', value: { stringValue: `${letter} value` } }],
    }
    return encodeRequest('traces', {
      resourceSpans: [{ scopeSpans: [{ spans: new Array(500).fill(span) }] }],
    })
  }
  const bytes = Buffer.from(requestOf('a'))
  const bulks = bulksOf(false, 5_000_000)
  const write = () => [...bulks.bulks(batchOf('traces', [bytes], 500), NOW)][0]!.bytes.toString()
  assert.match(write(), /"a value"/)
  const { allocUnsafeSlow } = Buffer
  const allocate = t.mock.method(Buffer, 'allocUnsafeSlow', (size: number) => {
    if (size > 64 * 1024) throw new RangeError('no memory')
    return allocUnsafeSlow(size)
  })
  assert.throws(write, /no memory/)
  allocate.mock.restore()
  bytes.set(requestOf('b'))
  const documents = write()
  assert.match(documents, /"b value"/)
  assert.doesNotMatch(documents, /"a value"/)
})
