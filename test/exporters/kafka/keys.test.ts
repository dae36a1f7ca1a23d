/** Keys and partitions against values that the Collector's own packages gave (collector-keys.json). */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Cursor } from '../../../core/otlp/cursor.ts'
import { javaPartition, partitionerOf, saramaPartition } from '../../../exporters/kafka/partitioner.ts'
import { ResourceHashes } from '../../../exporters/kafka/parts.ts'

interface Captured {
  readonly hashes: readonly { readonly name: string; readonly request: string; readonly hash: string }[]
  readonly partitions: readonly {
    readonly key: string
    readonly partitions: number
    readonly sarama: number
    readonly murmur2: number
  }[]
}

const captured = JSON.parse(readFileSync(new URL('collector-keys.json', import.meta.url), 'utf8')) as Captured

// Scenario: resources with every type of value, nested, in any order, as the Collector writes them.
// Guarantees: the hash that is the record's key is the Collector's, also the second time, from what was kept.
test('resource hashes are those of the Collector', () => {
  const hashes = new ResourceHashes()
  for (let round = 0; round < 2; round++) {
    for (const { name, request, hash } of captured.hashes) {
      const bytes = Buffer.from(request, 'hex')
      const entry = new Cursor(bytes)
      assert.ok(entry.next())
      assert.equal(hashes.of(bytes, entry.start, entry.stop).toString('hex'), hash, name)
    }
  }
})

// Scenario: a resource of more bytes than are kept; an entry without a resource.
// Guarantees: both have a hash; the one without attributes is sixteen zeros.
test('large and missing resources', () => {
  const hashes = new ResourceHashes()
  const long = Buffer.alloc(5000, 'x')
  const value = Buffer.concat([Buffer.from([0x0a, 0x88, 0x27]), long])
  const entry = Buffer.concat([Buffer.from([0x0a, 0x01, 0x6b, 0x12, 0x8b, 0x27]), value])
  const resource = Buffer.concat([Buffer.from([0x0a, 0x91, 0x27]), entry])
  const whole = Buffer.concat([Buffer.from([0x0a, 0x94, 0x27]), resource])
  assert.notEqual(hashes.of(whole, 0, whole.length).toString('hex'), '0'.repeat(32))
  assert.deepEqual(hashes.of(whole, 0, whole.length), hashes.of(whole, 0, whole.length))
  assert.equal(hashes.of(whole, 0, 0).toString('hex'), '0'.repeat(32))
})

// Scenario: keys of all lengths, some with bytes above 127, over several numbers of partitions.
// Guarantees: records land where the Collector puts them, with either hasher.
test('partitions are those of the Collector', () => {
  for (const { key, partitions, sarama, murmur2 } of captured.partitions) {
    const bytes = Buffer.from(key, 'hex')
    assert.equal(saramaPartition(bytes, partitions), sarama, `sarama_compat ${key} of ${partitions}`)
    assert.equal(javaPartition(bytes, partitions), murmur2, `murmur2 ${key} of ${partitions}`)
  }
})

const idle = { beginsBatch: () => true, pending: () => 0 }
const busy = { beginsBatch: () => false, pending: () => 0 }
const three = { partitions: 3, writable: [0, 1, 2] }

// Scenario: records without a key while a record batch fills, then while it is new each time.
// Guarantees: one partition until the batch is full, then another one; only those that have a leader.
test('sticky_key without a key', () => {
  const partitioner = partitionerOf('sarama_compat', () => 0.5)
  const first = partitioner.choose(undefined, three, idle)
  assert.equal(partitioner.choose(undefined, three, busy), first)
  for (let i = 0, on = first; i < 5; i++) {
    const next = partitioner.choose(undefined, three, idle)
    assert.notEqual(next, on)
    on = next
  }
  assert.equal(partitioner.choose(undefined, { partitions: 3, writable: [2] }, idle), 2)
  assert.equal(partitioner.choose(undefined, { partitions: 3, writable: [2] }, idle), 2)
})

// Scenario: a key whose partition has no leader.
// Guarantees: it stays there: equal keys must not be torn apart.
test('a key keeps its partition', () => {
  const partitioner = partitionerOf('sarama_compat', () => 0)
  const key = Buffer.from('abc')
  const there = saramaPartition(key, 3)
  const others = [0, 1, 2].filter(one => one !== there)
  assert.equal(partitioner.choose(key, { partitions: 3, writable: others }, idle), there)
})

// Scenario: seven records over three partitions; then one of them loses its leader.
// Guarantees: one after another, keys or not.
test('round_robin', () => {
  const partitioner = partitionerOf('round_robin', () => 0)
  const chosen = Array.from({ length: 7 }, () => partitioner.choose(Buffer.from('k'), three, idle))
  assert.deepEqual(chosen, [0, 1, 2, 0, 1, 2, 0])
  assert.equal(partitioner.choose(undefined, { partitions: 3, writable: [0, 2] }, idle), 2)
})

// Scenario: partitions with different numbers of records under way.
// Guarantees: the least busy one, kept until a record batch is full.
test('least_backup', () => {
  const partitioner = partitionerOf('least_backup', () => 0)
  const load = (...pending: number[]) => ({
    beginsBatch: () => true,
    pending: (one: number) => pending[one]!,
  })
  assert.equal(partitioner.choose(undefined, three, load(5, 1, 3)), 1)
  assert.equal(partitioner.choose(undefined, three, busy), 1)
  assert.equal(partitioner.choose(undefined, three, load(0, 1, 3)), 0)
})
