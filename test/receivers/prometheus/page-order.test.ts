import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../kit/random.ts'
import { ByHand, own, target } from './kit.ts'

const TEXTS = [
  'a',
  'a{x="1"}',
  'a{x="1",y="2"}',
  'a{y="2",x="1"}',
  'ab{x="1"}',
  'b{x="}"}',
  '{"c.d"}',
  '{"c.d",x="1"}',
  'a {x="3"}',
  'h',
]

// Scenario: the same target scraped many times, its page in another order each time, with texts that begin alike, that
// come, go and are repeated, and now and then a page that breaks.
// Guarantees: what is known of the last page never changes what is read: each scrape gives what a target scraped for the
// first time gives, but for what vanished.
test('pages in any order', async t => {
  const random = new Random(7)
  const made: string[] = []
  for (let i = 0; i < 60; i++) {
    const lines = TEXTS.filter(() => random.below(5) > 0).map(text => `${text} ${random.below(100)}`)
    if (random.below(3) === 0) lines.reverse()
    if (random.below(3) === 0 && lines.length > 2) lines.push(lines.splice(random.below(lines.length), 1)[0]!)
    if (random.below(4) === 0) lines.unshift('# TYPE h gauge')
    if (random.below(8) === 0) lines.splice(random.below(lines.length + 1), 0, 'broken{')
    made.push(`${lines.join('\n')}\n`)
  }
  const serve = (page: () => string) =>
    target(t, (_, response) => {
      response.setHeader('content-type', 'text/plain')
      response.end(page())
    })
  let now = 0
  const address = await serve(() => made[now]!)
  const seasoned = new ByHand(address)
  const living = (values: object) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 'stale'))
  let before = {}
  for (; now < made.length; now++) {
    const fresh = own(await new ByHand(address).scrape())
    const values = own(await seasoned.scrape())
    assert.deepEqual(living(values), fresh, made[now]!)
    const vanished = Object.keys(before).filter(name => !Object.hasOwn(fresh, name))
    assert.deepEqual(
      Object.keys(values)
        .filter(name => values[name as never] === 'stale')
        .sort(),
      vanished.sort(),
      made[now]!,
    )
    before = fresh
  }
})
