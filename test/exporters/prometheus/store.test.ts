import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareLabels, type LabelSet } from '../../../core/formats/prometheus/labels.ts'
import { SeriesStore } from '../../../exporters/prometheus/store.ts'
import { Random } from '../../kit/random.ts'
import { at, attributes, started } from './kit.ts'

const labelsOf = (i: number): LabelSet => [
  ['a', `${i % 7}`],
  ['b', `${i}`],
]

// Scenario: 60,000 times a series of two families comes, gets a point, or goes, and now and then memory is given back.
// Guarantees: what is there, in which order and with which value, is what a plain map says; removed series take no more
// than twice the memory of the others.
test('series come and go', () => {
  const random = new Random(5)
  const store = new SeriesStore(0, 1e9)
  const model = new Map<string, { labels: LabelSet; value: number | bigint }>()
  const names = ['one', 'two']
  for (let step = 0; step < 60_000; step++) {
    const name = names[random.below(2)]!
    // Numbers move on: most of what was is never seen again.
    const labels = labelsOf(random.below(500) + step)
    const key = `${name} ${labels[1]![1]}`
    const found = store.find(name, 'gauge', '', labels, 'here', undefined, random.chance(0.5))
    assert.notEqual(typeof found, 'string')
    if (found === undefined) assert.ok(!model.has(key))
    else if (random.chance(0.3)) {
      store.remove(found as number)
      model.delete(key)
    } else {
      const value = random.chance(0.5) ? BigInt(step) : step / 3
      const state = { kind: 'number', value, exemplar: undefined } as const
      store.table.put(found as number, state, BigInt(step), 1n, step)
      model.set(key, { labels, value })
    }
    if (step % 1000 !== 0) continue
    // Most of them go at once.
    for (const [old, { labels: gone }] of model) {
      if (random.chance(0.1)) continue
      const index = store.find(old.split(' ')[0]!, 'gauge', '', gone, 'here', undefined, false)
      store.remove(index as number)
      model.delete(old)
    }
    if (random.chance(0.7)) store.compact()
    check(store, model, names)
  }
  assert.ok(store.generation > 3)
  store.compact()
  assert.ok(store.table.size <= 2 * store.size + 1000, `${store.table.size} of ${store.size}`)
})

function check(
  store: SeriesStore,
  model: ReadonlyMap<string, { labels: LabelSet; value: number | bigint }>,
  names: readonly string[],
): void {
  const families = store.families()
  assert.equal(store.size, model.size)
  for (const name of names) {
    const wanted = [...model].filter(([key]) => key.startsWith(name)).map(([, one]) => one)
    wanted.sort((a, b) => compareLabels(a.labels, b.labels))
    const family = families.find(one => one.name === name)
    const shown = (family === undefined ? [] : store.sorted(family))
      .filter(index => store.table.isLive(index))
      .map(index => [store.table.text(index), store.table.state(index)])
    const expected = wanted.map(({ labels, value }) => [
      labels.map(([key, text]) => `${key}="${text}"`).join(','),
      { kind: 'number', value, exemplar: undefined },
    ])
    assert.deepEqual(shown, expected)
  }
}

// Scenario: ten times 3,000 series of counters come as deltas and expire, all but one, between two scrapes.
// Guarantees: the page has those of the last time, and the one that stayed has counted on through it all.
test('a page whose series change', async t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const { send, scrape } = await started(t, { metric_expiration: '5m' })
  for (let round = 0; round < 10; round++) {
    const dataPoints = Array.from({ length: 3000 }, (_, i) => ({
      asInt: '2',
      startTimeUnixNano: at(10 + round),
      timeUnixNano: at(11 + round),
      attributes: attributes({ i: i === 0 ? 'stays' : `${round}-${i}` }),
    }))
    await send([{ name: 'c', sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints } }])
    const { samples } = await scrape()
    now += 200_000
    if (round > 1) assert.ok(samples.length <= 6000, `${samples.length}`)
    assert.ok(samples.includes(`c_total{i="stays"} ${2 + round * 2}`))
    assert.ok(samples.includes(`c_total{i="${round}-2999"} 2`))
    assert.equal(new Set(samples).size, samples.length)
  }
})

// Scenario: the same page with and without gzip, in text and in protobuf.
// Guarantees: it is the same; HEAD says its length.
test('pieces of a page', async t => {
  const { send, scrape, address } = await started(t)
  const dataPoints = Array.from({ length: 5000 }, (_, i) => ({
    asInt: `${i}`,
    attributes: attributes({ 'i.j': `"${i}"\n` }),
  }))
  await send([{ name: 'many', gauge: { dataPoints } }])
  for (const accept of [
    'text/plain',
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
  ]) {
    const plain = await scrape({ accept, 'accept-encoding': 'identity' })
    const small = await scrape({ accept, 'accept-encoding': 'gzip' })
    assert.equal(small.headers.get('content-encoding'), 'gzip')
    assert.equal(plain.headers.get('content-encoding'), null)
    assert.ok(plain.bytes.length > 100_000)
    assert.ok(Buffer.from(plain.bytes).equals(small.bytes))
    const headers = { accept, 'accept-encoding': 'identity' }
    const head = await fetch(`http://${address}/metrics`, { method: 'HEAD', headers })
    assert.equal(Number(head.headers.get('content-length')), plain.bytes.length)
  }
})
