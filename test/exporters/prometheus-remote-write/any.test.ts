import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { downgrade } from '../../../core/formats/prometheus/downgrade.ts'
import { MESSAGES, type WriteRequest } from '../../../core/formats/prometheus/remote-write.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { factory } from '../../../exporters/prometheus-remote-write/index.ts'
import { Translator } from '../../../exporters/prometheus-remote-write/translator.ts'
import { generate } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { mutate } from '../../kit/mutate.ts'
import { Random } from '../../kit/random.ts'
import { readConfig } from '../../kit/read-config.ts'
import { type ReadSeries, readRequest1, readRequest2 } from '../../kit/remote-write.ts'
import { V2 } from './kit.ts'

const [FIRST, SECOND] = MESSAGES
const CONFIGS = [
  {},
  { translation_strategy: 'NoTranslation', max_batch_size_bytes: 3000 },
  { resource_to_telemetry_conversion: { enabled: true }, namespace: 'a b', external_labels: { zone: 'x' } },
]

/** One for each version: what they remember of earlier requests shows, when a series ends. */
function translators(plain: Record<string, unknown>): [Translator, Translator] {
  const config = readConfig(factory.config, { endpoint: 'http://a', ...V2, ...plain })
  return [new Translator(config), new Translator(config)]
}

/** Everything in these requests, with what only one version has left out; and that a receiver could take each series. */
function contents(requests: readonly WriteRequest[], maxBytes: number): Map<string, unknown> {
  const found = new Map<string, unknown>()
  const homes = new Map<string, number>()
  for (const [nth, { message, bytes }] of requests.entries()) {
    const { series } = message === SECOND ? readRequest2(bytes) : readRequest1(bytes)
    if (bytes.length > maxBytes) assert.ok(series.filter(({ labels }) => !isRest(labels)).length <= 1)
    for (const { key, labels, samples, histograms, exemplars } of series) {
      const names = labels.map(([name]) => name)
      assert.deepEqual(names, [...new Set(names)].sort(byBytes), key)
      assert.ok(names.includes('__name__') && labels.every(([, value]) => value !== ''), key)
      assert.ok(
        samples.length > 0 !== histograms.length > 0,
        `${key}: samples or histograms, never both or none`,
      )
      assert.equal(homes.get(key) ?? nth, nth, `${key} is in two requests`)
      homes.set(key, nth)
      for (const list of [samples, histograms]) {
        const times = list.map(({ time }) => time)
        assert.deepEqual(
          times,
          [...new Set(times)].sort((a, b) => a - b),
          key,
        )
      }
      const without = ({ start: _, ...rest }: { start: number }): unknown => rest
      found.set(key, {
        labels: labels.toSorted(([a], [b]) => (a < b ? -1 : 1)),
        samples: samples.map(without),
        histograms: histograms.map(without),
        exemplars,
      })
    }
  }
  return found
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Buckets and sums come after the count that they belong to. */
function isRest(labels: ReadSeries['labels']): boolean {
  return labels.some(
    ([name, value]) => name === 'le' || name === 'quantile' || (name === '__name__' && /_sum$/.test(value)),
  )
}

function itemsIn(requests: readonly WriteRequest[]): number {
  return requests.reduce((sum, { items }) => sum + items, 0)
}

/** Both versions of one request, and the second turned into the first. */
function check([one, two]: [Translator, Translator], bytes: Uint8Array, items: number): number {
  const batch = batchOf('metrics', [bytes], items)
  const { losses, requests } = one.translate(batch, FIRST)
  const first = [...requests]
  const second = [...two.translate(batch, SECOND).requests]
  const lost = losses.reduce((sum, loss) => sum + loss.items, 0)
  assert.equal(itemsIn(first) + lost, items)
  assert.equal(itemsIn(second) + lost, items)
  const turned = second.flatMap(request => downgrade(request, one.maxBytes))
  assert.equal(itemsIn(turned), itemsIn(second))
  const expected = contents(first, one.maxBytes)
  assert.deepEqual(contents(second, one.maxBytes), expected)
  assert.deepEqual(contents(turned, Infinity), expected)
  return items - lost
}

// Scenario: made-up metrics with extreme names, numbers, attributes and times, in several configs.
// Guarantees: every point is in a request or has a reason; both versions say the same, and 2.0 turned into 1.0 too; each
// series can be taken by a receiver, is in one request, and has its samples in order.
for (const [i, config] of CONFIGS.entries()) {
  test(`any metrics can be written: ${JSON.stringify(config)}`, () => {
    const both = translators(config)
    let written = 0
    for (let seed = 0; seed < 60; seed++) {
      const { bytes } = generate('metrics', 9000 + 100 * i + seed, 40)
      written += check(both, bytes, validate(bytes, 'metrics'))
    }
    assert.ok(written > 100, `${written}`)
  })
}

// Scenario: broken requests of real clients that are still requests.
// Guarantees: the same.
test('whatever passes the door can be written', () => {
  const both = translators({ series_cache_size: 1000 })
  const corpus = goldenRequests().filter(({ signal }) => signal === 'metrics')
  let taken = 0
  for (let seed = 1; seed <= 1500; seed++) {
    const random = new Random(seed)
    const bytes = mutate(random.pick(corpus).plain, 'metrics', random.pick(corpus).plain, random)
    let items: number
    try {
      items = validate(bytes, 'metrics')
    } catch {
      continue
    }
    taken++
    try {
      check(both, bytes, items)
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  assert.ok(taken > 100, `${taken}`)
})
