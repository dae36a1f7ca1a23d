/**
 * How the leader of a group shares out partitions: Kafka's `range`, `roundrobin` and `sticky`, by the rules of the Java
 * client's RangeAssignor, RoundRobinAssignor and StickyAssignor, so that members on other clients can be led and
 * followed. A member is only ever given topics that it asked for. `cooperative-sticky` needs a client that takes part in
 * its two rounds, so it is not here.
 */

/** Partitions by topic. */
export type Share = ReadonlyMap<string, readonly number[]>

export interface GroupMember {
  readonly id: string
  readonly topics: readonly string[]
  /** Sticky only: what it had before. */
  readonly owned?: Share
  /** Sticky only: since when; of two members that claim a partition the one with the higher generation had it last. */
  readonly generation?: number
}

/** How many partitions each topic has. Topics that are not there are not shared out. */
export type PartitionCounts = ReadonlyMap<string, number>

export type Shares = Map<string, Map<string, number[]>>

export type EagerStrategy = 'range' | 'roundrobin' | 'sticky'

/** Every member has an entry. */
export function shareOut(
  strategy: EagerStrategy,
  members: readonly GroupMember[],
  counts: PartitionCounts,
): Shares {
  const sorted = members.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const shares: Shares = new Map(sorted.map(({ id }) => [id, new Map()]))
  if (strategy === 'range') range(shares, sorted, counts)
  else if (strategy === 'roundrobin') roundRobin(shares, sorted, counts)
  else sticky(shares, sorted, counts)
  for (const share of shares.values())
    for (const partitions of share.values()) partitions.sort((a, b) => a - b)
  return shares
}

function give(shares: Shares, id: string, topic: string, partition: number): void {
  const share = shares.get(id)!
  const partitions = share.get(topic)
  if (partitions === undefined) share.set(topic, [partition])
  else partitions.push(partition)
}

/** Each topic by itself, in stretches; the first members have one more where it does not come out even. */
function range(shares: Shares, members: readonly GroupMember[], counts: PartitionCounts): void {
  for (const [topic, count] of counts) {
    const takers = members.filter(member => member.topics.includes(topic))
    if (takers.length === 0) continue
    const each = Math.floor(count / takers.length)
    const larger = count % takers.length
    let partition = 0
    for (const [i, { id }] of takers.entries()) {
      for (let n = each + (i < larger ? 1 : 0); n > 0; n--) give(shares, id, topic, partition++)
    }
  }
}

/** All partitions of all topics in order, one member after another; who did not ask for the topic is passed over. */
function roundRobin(shares: Shares, members: readonly GroupMember[], counts: PartitionCounts): void {
  let turn = 0
  for (const [topic, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!members.some(member => member.topics.includes(topic))) continue
    for (let partition = 0; partition < count; partition++) {
      while (!members[turn % members.length]!.topics.includes(topic)) turn++
      give(shares, members[turn++ % members.length]!.id, topic, partition)
    }
  }
}

interface Claim {
  readonly id: string
  readonly generation: number
}

/** Who had a partition keeps it while that is fair; what is left goes to whoever has least. */
function sticky(shares: Shares, members: readonly GroupMember[], counts: PartitionCounts): void {
  const claims = claimsOf(members, counts)
  const load = new Map(members.map(({ id }) => [id, 0]))
  const add = (id: string, topic: string, partition: number): void => {
    give(shares, id, topic, partition)
    load.set(id, load.get(id)! + 1)
  }
  const least = (topic: string): string | undefined => {
    let found: string | undefined
    for (const { id, topics } of members) {
      if (topics.includes(topic) && (found === undefined || load.get(id)! < load.get(found)!)) found = id
    }
    return found
  }
  const free: (readonly [topic: string, partition: number])[] = []
  for (const [topic, count] of counts) {
    for (let partition = 0; partition < count; partition++) {
      const owner = claims.get(`${topic}/${partition}`)?.id
      if (owner === undefined) free.push([topic, partition])
      else add(owner, topic, partition)
    }
  }
  for (const [topic, partition] of free) {
    const taker = least(topic)
    if (taker !== undefined) add(taker, topic, partition)
  }
  even(shares, load, least)
}

/** Takes partitions, one by one, from those who have at least two more than somebody who could have them. */
function even(shares: Shares, load: Map<string, number>, least: (topic: string) => string | undefined): void {
  for (;;) {
    let moved = false
    for (const [id, share] of shares) {
      for (const [topic, partitions] of share) {
        const taker = least(topic)
        if (taker === undefined || load.get(id)! - load.get(taker)! < 2) continue
        give(shares, taker, topic, partitions.pop()!)
        if (partitions.length === 0) share.delete(topic)
        load.set(id, load.get(id)! - 1)
        load.set(taker, load.get(taker)! + 1)
        moved = true
      }
    }
    if (!moved) return
  }
}

function claimsOf(members: readonly GroupMember[], counts: PartitionCounts): Map<string, Claim> {
  const claims = new Map<string, Claim>()
  for (const { id, topics, owned, generation = -1 } of members) {
    for (const [topic, partitions] of owned ?? []) {
      if (!topics.includes(topic)) continue
      for (const partition of partitions) {
        if (partition >= (counts.get(topic) ?? 0)) continue
        const key = `${topic}/${partition}`
        const other = claims.get(key)
        if (other === undefined || other.generation < generation) claims.set(key, { id, generation })
      }
    }
  }
  return claims
}

/**
 * What a sticky member tells the leader (the Java client's StickyAssignorUserData, version 1):
 *
 *     [topic [partition]] generation
 *       topic => STRING, partition => INT32, generation => INT32
 */
export function encodeOwned(owned: Share, generation: number): Buffer {
  const parts: Buffer[] = [int32(owned.size)]
  for (const [topic, partitions] of owned) {
    const name = Buffer.from(topic)
    const length = Buffer.allocUnsafe(2)
    length.writeInt16BE(name.length)
    parts.push(length, name, int32(partitions.length), ...partitions.map(int32))
  }
  parts.push(int32(generation))
  return Buffer.concat(parts)
}

/** Undefined for what cannot be read, which is then as if nothing was owned. Version 0 has no generation. */
export function decodeOwned(
  data: Buffer,
): { readonly owned: Share; readonly generation: number } | undefined {
  try {
    let at = 0
    const read = (): number => data.readInt32BE((at += 4) - 4)
    const owned = new Map<string, number[]>()
    for (let topics = read(); topics > 0; topics--) {
      const length = data.readInt16BE(at)
      const topic = data.toString('utf8', at + 2, (at += 2 + length))
      const partitions: number[] = []
      for (let count = read(); count > 0; count--) partitions.push(read())
      owned.set(topic, partitions)
    }
    return { owned, generation: at + 4 <= data.length ? read() : -1 }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}
