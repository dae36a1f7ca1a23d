import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TargetCache } from '../../../receivers/prometheus/cache.ts'
import { Random } from '../../kit/random.ts'

const TARGET = { job: 'j', instance: 'i' }

const textOf = (written: string) => {
  const bytes = Buffer.from(`..${written}..`)
  return { parent: 0, bytes, start: 2, stop: bytes.length - 2 }
}

// Scenario: 400 scrapes of pages whose texts change, two spellings for each series, some of them dropped by a rule, some
// scrapes bad ones.
// Guarantees: after a good page just its texts are known, each with its series, whose labels are still readable; two
// spellings are one series; what vanished is told once; what is remembered stays near what is exposed.
test('texts and series come and go', () => {
  const random = new Random(9)
  const cache = new TargetCache()
  let living = new Set<number>()
  for (let scrape = 0; scrape < 400; scrape++) {
    const good = random.chance(0.8)
    const numbers = new Set<number>()
    // Now and then all are others.
    const from = Math.floor(scrape / 20) * 1000
    for (let i = 0; i < 300; i++) numbers.add(from + random.below(400))
    for (const number of numbers) {
      const dropped = number % 10 === 0
      const spellings = [`a{n="${number}"}`, `a{ n="${number}" }`].filter(() => random.chance(0.7))
      for (const written of spellings) {
        let text = cache.find(textOf(written))
        if (text === -1) {
          const labels = [['__name__', 'a'] as const, ['n', String(number)] as const]
          text = cache.add(textOf(written), dropped ? undefined : cache.intern(labels, TARGET))
        } else cache.see(text)
        const series = cache.seriesOf(text)
        assert.equal(series === undefined, dropped)
        if (series === undefined) continue
        assert.deepEqual(series.labels, [
          ['__name__', 'a'],
          ['n', String(number)],
        ])
        assert.equal(series.name, 'a')
        cache.track(series, undefined)
      }
      if (spellings.length === 0) numbers.delete(number)
      if (dropped) numbers.delete(number)
    }
    if (!good) cache.failed()
    const gone = [...cache.stale()].map(({ labels }) => Number(labels[1]![1]))
    const wanted = [...living].filter(number => !good || !numbers.has(number))
    assert.deepEqual(
      gone.sort((a, b) => a - b),
      wanted.sort((a, b) => a - b),
    )
    cache.done(good)
    living = good ? numbers : new Set()
    if (good) {
      for (let number = from; number < from + 400; number++) {
        const known = [`a{n="${number}"}`, `a{ n="${number}" }`].some(one => cache.find(textOf(one)) !== -1)
        if (number % 10 !== 0) assert.equal(known, numbers.has(number), `${scrape}: ${number}`)
      }
    }
    assert.ok(cache.size < 3000, `${scrape}: ${cache.size}`)
  }
})

// Scenario: a limit of samples that a page of ever new series exceeds in each scrape.
// Guarantees: series without a text are forgotten too.
test('series that never become a text', () => {
  const cache = new TargetCache()
  for (let scrape = 0; scrape < 50; scrape++) {
    for (let i = 0; i < 1000; i++) cache.intern([['__name__', `n${scrape}_${i}`]], TARGET)
    cache.failed()
    cache.done(false)
  }
  assert.ok(cache.size <= 3000, String(cache.size))
})
