/** Breaks requests in the ways that bugs and attackers do. */

import { Cursor, LEN } from '../../core/otlp/cursor.ts'
import { MESSAGES } from '../../core/otlp/messages.ts'
import { REQUESTS, type Signal } from '../../core/otlp/signals.ts'
import type { Random } from './random.ts'
import { field, nestedValue } from './wire.ts'

const EDGE_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff]

type Mutation = (bytes: Uint8Array, random: Random, signal: Signal, other: Uint8Array) => Uint8Array

/** A place in a copy of the bytes; 0 when they are empty. */
function place(bytes: Uint8Array, random: Random): number {
  return random.below(bytes.length)
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const copy = Uint8Array.from(bytes)
    if (copy.length > 0) copy[place(copy, random)]! ^= 1 << random.below(8)
    return copy
  },
  function setByte(bytes, random) {
    const copy = Uint8Array.from(bytes)
    if (copy.length > 0) copy[place(copy, random)] = random.pick(EDGE_BYTES)
    return copy
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1))
  },
  function cutOut(bytes, random) {
    const start = place(bytes, random)
    const length = random.below(30)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)])
  },
  function splice(bytes, random, _signal, other) {
    const from = place(other, random)
    const piece = other.subarray(from, from + random.below(200))
    const at = random.below(bytes.length + 1)
    return Buffer.concat([
      bytes.subarray(0, at),
      piece,
      bytes.subarray(at + (random.chance(0.5) ? piece.length : 0)),
    ])
  },
  function lieAboutLength(bytes, random, signal) {
    const fields = fieldsOf(bytes, signal).filter(one => one.wire === LEN)
    if (fields.length === 0) return bytes
    const { tagStart, start } = random.pick(fields)
    const copy = Uint8Array.from(bytes)
    const lengthByte = random.chance(0.5) ? start - 1 : tagStart + 1
    copy[lengthByte]! += random.pick([-2, -1, 1, 2, 100])
    return copy
  },
  function changeTag(bytes, random, signal) {
    const fields = fieldsOf(bytes, signal)
    if (fields.length === 0) return bytes
    const copy = Uint8Array.from(bytes)
    const { tagStart } = random.pick(fields)
    copy[tagStart] = random.chance(0.5) ? (copy[tagStart]! & ~7) | random.below(8) : random.below(128)
    return copy
  },
  function padTagOrLength(bytes, random, signal) {
    // At the top level the lengths stay true.
    const fields = fieldsOf(bytes, signal).filter(one => one.depth === 0 && one.wire === LEN)
    if (fields.length === 0) return bytes
    const { tagStart, start } = random.pick(fields)
    const last = random.chance(0.5) ? tagStart : start - 1
    const padding = new Uint8Array(1 + random.below(10)).fill(0x80)
    padding[0] = bytes[last]! | 0x80
    return Buffer.concat([bytes.subarray(0, last), padding, Buffer.of(0), bytes.subarray(last + 1)])
  },
  function dropOrRepeatField(bytes, random, signal) {
    const fields = fieldsOf(bytes, signal)
    if (fields.length === 0) return bytes
    // At the top level the lengths stay true.
    const { tagStart, stop } = random.pick(fields.filter(one => one.depth === 0))
    const count = random.below(3)
    const parts = [bytes.subarray(0, tagStart), ...new Array(count).fill(bytes.subarray(tagStart, stop))]
    return Buffer.concat([...parts, bytes.subarray(stop)])
  },
  function nestDeeply(bytes, random) {
    const attribute = field(1, field(1, 'deep'), field(2, nestedValue(1 + random.below(80))))
    return Buffer.concat([bytes, field(1, field(1, attribute))])
  },
]

/** `bytes` with one to four mutations. `other`: a request to take pieces from. */
export function mutate(bytes: Uint8Array, signal: Signal, other: Uint8Array, random: Random): Uint8Array {
  let mutated = bytes
  for (let i = random.below(4); i >= 0; i--) mutated = random.pick(MUTATIONS)(mutated, random, signal, other)
  return mutated
}

interface Field {
  readonly tagStart: number
  readonly start: number
  readonly stop: number
  readonly wire: number
  readonly depth: number
}

/** Every field of every message, as far as the bytes make sense. */
function fieldsOf(bytes: Uint8Array, signal: Signal): Field[] {
  const found: Field[] = []
  const visit = (message: string, pos: number, end: number, depth: number): void => {
    const types = Object.values(MESSAGES[message]!)
    const cursor = new Cursor(bytes, pos, end)
    while (cursor.next() && cursor.stop <= end) {
      const { tagStart, start, stop, wire, field: number } = cursor
      found.push({ tagStart, start, stop, wire, depth })
      const type = types.find(one => one[0] === number)?.[1]
      if (wire === LEN && type !== undefined && type in MESSAGES && depth < 50)
        visit(type, start, stop, depth + 1)
    }
  }
  visit(REQUESTS[signal], 0, bytes.length, 0)
  return found
}
