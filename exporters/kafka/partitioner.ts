/**
 * Which partition a record goes to: the partitioners of franz-go (pkg/kgo/partitioner.go), which the Collector uses,
 * so that equal keys land where they landed before.
 */

import type { KafkaTopic } from '../../core/transport/kafka/client.ts'

/** What is under way to one topic. */
export interface Traffic {
  /** Whether the record would be the first of a record batch. */
  beginsBatch(partition: number): boolean
  /** Records that wait or are on their way. */
  pending(partition: number): number
}

/** Of one topic. */
export interface Partitioner {
  choose(key: Uint8Array | undefined, topic: KafkaTopic, traffic: Traffic): number
}

export type PartitionerKind = 'sarama_compat' | 'murmur2' | 'round_robin' | 'least_backup'

export function partitionerOf(kind: PartitionerKind, random: () => number): Partitioner {
  switch (kind) {
    case 'sarama_compat':
      return new StickyKey(saramaPartition, random)
    case 'murmur2':
      return new StickyKey(javaPartition, random)
    case 'round_robin':
      return new RoundRobin()
    case 'least_backup':
      return new LeastBackup(random)
  }
}

/** FNV-1a, 32 bits, as int32. */
export function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
  return hash | 0
}

/** Sarama's: the hash as int32, its remainder without the sign. */
export function saramaPartition(key: Uint8Array, partitions: number): number {
  return Math.abs(fnv1a(key) % partitions)
}

/** Java's: the hash without its sign bit. */
export function javaPartition(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions
}

/** MurmurHash2, 32 bits, with the seed of Kafka's Java client. */
export function murmur2(key: Uint8Array): number {
  const m = 0x5bd1_e995
  let h = 0x9747_b28c ^ key.length
  let i = 0
  for (; i + 4 <= key.length; i += 4) {
    let k = key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const left = key.length - i
  if (left >= 3) h ^= key[i + 2]! << 16
  if (left >= 2) h ^= key[i + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ key[i]!, m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/** With a key its hash, over all partitions; without one the same partition until a record batch is full. */
class StickyKey implements Partitioner {
  readonly #hash: (key: Uint8Array, partitions: number) => number
  readonly #random: () => number
  #on = -1

  constructor(hash: (key: Uint8Array, partitions: number) => number, random: () => number) {
    this.#hash = hash
    this.#random = random
  }

  choose(key: Uint8Array | undefined, { partitions, writable }: KafkaTopic, traffic: Traffic): number {
    if (key !== undefined) return this.#hash(key, partitions)
    if (writable.length === 0) return 0
    if (!writable.includes(this.#on) || traffic.beginsBatch(this.#on)) {
      const others = writable.length > 1 ? writable.filter(one => one !== this.#on) : writable
      this.#on = others[Math.floor(this.#random() * others.length)]!
    }
    return this.#on
  }
}

class RoundRobin implements Partitioner {
  #next = 0

  choose(_key: unknown, { writable }: KafkaTopic): number {
    if (writable.length === 0) return 0
    if (this.#next >= writable.length) this.#next = 0
    return writable[this.#next++]!
  }
}

class LeastBackup implements Partitioner {
  readonly #random: () => number
  #on = -1

  constructor(random: () => number) {
    this.#random = random
  }

  choose(_key: unknown, { writable }: KafkaTopic, traffic: Traffic): number {
    if (writable.length === 0) return 0
    if (!writable.includes(this.#on) || traffic.beginsBatch(this.#on)) {
      const least = Math.min(...writable.map(one => traffic.pending(one)))
      const equal = writable.filter(one => traffic.pending(one) === least)
      this.#on = equal[Math.floor(this.#random() * equal.length)]!
    }
    return this.#on
  }
}
