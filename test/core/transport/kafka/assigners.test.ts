import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeOwned,
  type EagerStrategy,
  encodeOwned,
  type GroupMember,
  type Shares,
  shareOut,
} from '../../../../core/transport/kafka/assigners.ts'
import { Random } from '../../../kit/random.ts'

const plain = (shares: Shares) =>
  Object.fromEntries([...shares].map(([id, share]) => [id, Object.fromEntries(share)]))
const member = (id: string, ...topics: string[]): GroupMember => ({ id, topics })

// Scenario: the examples of the Java client's documentation: two members, two topics with three partitions each.
// Guarantees: range gives each topic in stretches, roundrobin one partition after another over all topics.
test('range and roundrobin are those of the Java client', () => {
  const members = [member('C1', 't0', 't1'), member('C0', 't0', 't1')]
  const counts = new Map([
    ['t0', 3],
    ['t1', 3],
  ])
  assert.deepEqual(plain(shareOut('range', members, counts)), {
    C0: { t0: [0, 1], t1: [0, 1] },
    C1: { t0: [2], t1: [2] },
  })
  assert.deepEqual(plain(shareOut('roundrobin', members, counts)), {
    C0: { t0: [0, 2], t1: [1] },
    C1: { t0: [1], t1: [0, 2] },
  })
})

// Scenario: three members that want different topics; the roundrobin example of the Java client's documentation.
// Guarantees: nobody is given a topic that it did not ask for.
test('members with different topics', () => {
  const members = [member('C0', 't0'), member('C1', 't0', 't1'), member('C2', 't0', 't1', 't2')]
  const counts = new Map([
    ['t0', 1],
    ['t1', 2],
    ['t2', 3],
  ])
  assert.deepEqual(plain(shareOut('roundrobin', members, counts)), {
    C0: { t0: [0] },
    C1: { t1: [0] },
    C2: { t1: [1], t2: [0, 1, 2] },
  })
})

// Scenario: a third member joins two that have three partitions each, then one of them leaves.
// Guarantees: sticky moves only what it must.
test('sticky moves as little as it can', () => {
  const counts = new Map([['t', 6]])
  const had = (id: string, ...partitions: number[]): GroupMember => ({
    ...member(id, 't'),
    owned: new Map([['t', partitions]]),
    generation: 1,
  })
  const three = shareOut('sticky', [had('a', 0, 1, 2), had('b', 3, 4, 5), member('c', 't')], counts)
  assert.deepEqual(plain(three), { a: { t: [0, 1] }, b: { t: [3, 4] }, c: { t: [2, 5] } })
  const two = shareOut('sticky', [had('a', 0, 1), had('c', 2, 5)], counts)
  assert.deepEqual(plain(two), { a: { t: [0, 1, 3] }, c: { t: [2, 4, 5] } })
})

// Scenario: two members claim a partition, one of an older generation.
// Guarantees: the younger claim wins; partitions that are gone are not given.
test('sticky believes the latest generation', () => {
  const owned = new Map([['t', [0, 7]]])
  const shares = shareOut(
    'sticky',
    [
      { ...member('a', 't'), owned, generation: 3 },
      { ...member('b', 't'), owned, generation: 4 },
    ],
    new Map([['t', 2]]),
  )
  assert.deepEqual(plain(shares), { a: { t: [1] }, b: { t: [0] } })
})

// Scenario: random groups, topics and histories.
// Guarantees: every partition that somebody wants is given once, to one who wants it, and with equal wishes nobody has
// two more than another.
test('every partition goes to exactly one member', () => {
  const random = new Random(5)
  for (let round = 0; round < 300; round++) {
    const counts = new Map(Array.from({ length: 1 + random.below(4) }, (_, i) => [`t${i}`, random.below(7)]))
    const topics = [...counts.keys()]
    const alike = random.below(2) === 0
    const members = Array.from({ length: 1 + random.below(5) }, (_, i): GroupMember => {
      const wanted = alike ? topics : topics.filter(() => random.below(2) === 0)
      const owned = new Map(topics.map(topic => [topic, [random.below(7), random.below(7)]]))
      return { id: `m${i}`, topics: wanted, owned, generation: random.below(3) }
    })
    for (const strategy of ['range', 'roundrobin', 'sticky'] satisfies EagerStrategy[]) {
      const shares = shareOut(strategy, members, counts)
      const given: string[] = []
      for (const [id, share] of shares) {
        const { topics: wanted } = members.find(one => one.id === id)!
        for (const [topic, partitions] of share) {
          assert.ok(wanted.includes(topic))
          given.push(...partitions.map(partition => `${topic}/${partition}`))
        }
      }
      const expected = [...counts].flatMap(([topic, count]) =>
        members.some(one => one.topics.includes(topic))
          ? Array.from({ length: count }, (_, partition) => `${topic}/${partition}`)
          : [],
      )
      assert.deepEqual(given.sort(), expected.sort(), strategy)
      if (strategy === 'range' || !alike) continue
      const sizes = [...shares.values()].map(share => [...share.values()].flat().length)
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${strategy}: ${sizes}`)
    }
  }
})

// Scenario: what a sticky member tells the leader, there and back, and bytes that are nothing of the kind.
// Guarantees: the layout is that of the Java client; what cannot be read counts as nothing.
test('what a sticky member owns, on the wire', () => {
  const owned = new Map([['spans', [0, 2]]])
  const bytes = encodeOwned(owned, 7)
  assert.equal(bytes.toString('hex'), `00000001${'0005'}7370616e73${'00000002'}0000000000000002${'00000007'}`)
  assert.deepEqual(decodeOwned(bytes), { owned, generation: 7 })
  assert.deepEqual(decodeOwned(bytes.subarray(0, -4)), { owned, generation: -1 })
  assert.equal(decodeOwned(Buffer.from('7fffffff00', 'hex')), undefined)
})
