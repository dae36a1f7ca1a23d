/**
 * Mutated requests through the door and, when it lets them in, through everything behind it. Prints its seed; runs for
 * SLUICE_FUZZ_SECONDS (1 when unset); SLUICE_FUZZ_SEED begins with that input again.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestToJson } from '../../core/otlp/json.ts'
import { CHANGE, type Editor, KEEP, Rewriter } from '../../core/otlp/rewrite.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { split } from '../../core/otlp/split.ts'
import { Malformed, validate } from '../../core/otlp/validate.ts'
import { countItems } from '../../core/otlp/walk.ts'
import { generate } from '../kit/generate.ts'
import { goldenRequests } from '../kit/golden.ts'
import { itemsOf, type PipelineSignal, type PlainItem } from '../kit/items.ts'
import { mutate } from '../kit/mutate.ts'
import { decodeRequest } from '../kit/proto.ts'
import { Random } from '../kit/random.ts'
import { readBack } from '../kit/read-back.ts'

/**
 * What runs on bytes that the door accepted. It must not throw, and must return the same whatever stands before and
 * behind the bytes in their buffer. Add yours here.
 */
const TARGETS: Readonly<Record<string, (bytes: Uint8Array, signal: Signal, items: number) => unknown>> = {
  count(bytes, signal, items) {
    assert.equal(countItems(bytes, signal), items)
  },
  views(bytes, signal, items) {
    if (signal === 'profiles') return
    const read = readBack(signal, bytes)
    assert.equal(read.length, items)
    return read
  },
  split(bytes, signal, items) {
    for (const sizer of ['items', 'bytes'] as const) {
      const limit = sizer === 'items' ? { first: 1, rest: 2 } : { first: 300, rest: 700 }
      const pieces = split(bytes, signal, limit, sizer)
      for (const piece of pieces) assert.equal(validate(piece.bytes, signal), piece.items)
      assert.equal(
        pieces.reduce((sum, piece) => sum + piece.items, 0),
        items,
      )
    }
  },
  json(bytes, signal) {
    return requestToJson(bytes, signal)
  },
  rewrite(bytes, signal, items) {
    assert.equal(new Rewriter(signal, KEEPS_ALL).rewrite(bytes), bytes)
    const rewritten = new Rewriter(signal, CHANGES_NOTHING).rewrite(bytes)
    assert.equal(validate(rewritten, signal), items)
  },
}

const KEEPS_ALL: Editor = {
  resource: () => KEEP,
  scope: () => KEEP,
  metric: () => KEEP,
  item: () => KEEP,
}

/** Says that every resource and item changes, and then cuts nothing. */
const CHANGES_NOTHING: Editor = {
  resource: () => CHANGE,
  item: () => CHANGE,
  write: () => {},
}

const FIRST_SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000)
const SECONDS = Number(process.env['SLUICE_FUZZ_SECONDS'] ?? 1)

interface Entry {
  readonly signal: Signal
  readonly bytes: Uint8Array
}

function corpus(): Entry[] {
  const golden = goldenRequests().map(({ signal, plain }) => ({ signal, bytes: plain }))
  const generated = SIGNALS.flatMap(signal =>
    [0, 1, 2, 3, 4, 5, 6].flatMap(seed => {
      const { bytes, untidy } = generate(signal, seed, seed % 4)
      return [bytes, untidy].map(one => ({ signal, bytes: one }))
    }),
  )
  return [...golden, ...generated].filter(({ bytes }) => bytes.length < 20_000)
}

/** The bytes in the middle of a buffer that is `filler` all around. */
function surrounded(bytes: Uint8Array, filler: number): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 64).fill(filler)
  buffer.set(bytes, 32)
  return buffer.subarray(32, 32 + bytes.length)
}

/** The number of items, or undefined for bytes that the door refuses. Anything but Malformed is a bug. */
function itemsAtDoor(bytes: Uint8Array, signal: Signal): number | undefined {
  try {
    return validate(bytes, signal)
  } catch (error) {
    assert.ok(error instanceof Malformed, String(error))
    assert.ok(error.offset >= 0 && error.offset <= bytes.length)
    return undefined
  }
}

/**
 * Undefined where protobufjs differs from the door: it gives up 100 messages deep, which is less than 64 levels of
 * values, and refuses text that is no UTF-8 and tags and lengths of more than five bytes, which the Collector and the
 * door accept.
 */
function oracleItems(bytes: Uint8Array, signal: Signal): PlainItem[] | undefined {
  try {
    decodeRequest(signal, bytes)
  } catch (error) {
    if (hasLongVarint(bytes)) assert.match(String(error), ORACLE_IS_STRICTER_ON_LONG_VARINTS)
    else assert.match(String(error), ORACLE_IS_STRICTER)
    return undefined
  }
  return signal === 'profiles' ? undefined : itemsOf(signal, bytes)
}

const ORACLE_IS_STRICTER = /max depth exceeded|not valid for encoding utf-8/
const ORACLE_IS_STRICTER_ON_LONG_VARINTS =
  /max depth exceeded|not valid for encoding utf-8|invalid (tag|length) encoding/

/** Whether a varint of more than five bytes may stand in it. */
function hasLongVarint(bytes: Uint8Array): boolean {
  let run = 0
  for (const byte of bytes) {
    run = byte < 0x80 ? 0 : run + 1
    if (run === 5) return true
  }
  return false
}

function check(bytes: Uint8Array, signal: Signal): boolean {
  const one = surrounded(bytes, 0xff)
  const other = surrounded(bytes, 0x00)
  const items = itemsAtDoor(one, signal)
  assert.equal(itemsAtDoor(other, signal), items)
  if (items === undefined) return false
  for (const [name, run] of Object.entries(TARGETS)) {
    try {
      assert.deepEqual(run(one, signal, items), run(other, signal, items))
    } catch (cause) {
      throw new Error(`target ${name}`, { cause })
    }
  }
  const oracle = oracleItems(bytes, signal)
  if (oracle === undefined) return true
  assert.equal(oracle.length, items)
  const pieces = split(bytes, signal, { first: 1, rest: 3 }, 'items')
  assert.deepEqual(
    pieces.flatMap(piece => itemsOf(signal as PipelineSignal, piece.bytes)),
    oracle,
  )
  return true
}

// Scenario: captured and generated requests with flipped bits, lying lengths, cuts, splices, other wire types and deep
// values.
// Guarantees: the door says yes or Malformed; behind a yes nothing throws, hangs, reads past the bytes or loses an
// item, and protobufjs sees the same items.
test(`fuzz for ${SECONDS} s from SLUICE_FUZZ_SEED=${FIRST_SEED}`, () => {
  const entries = corpus()
  const until = performance.now() + SECONDS * 1000
  let accepted = 0
  let seed = FIRST_SEED
  for (; performance.now() < until || seed === FIRST_SEED; seed++) {
    const random = new Random(seed)
    const { signal, bytes } = random.pick(entries)
    const mutated = mutate(bytes, signal, random.pick(entries).bytes, random)
    try {
      if (check(mutated, signal)) accepted++
    } catch (cause) {
      const input = Buffer.from(mutated).toString('base64')
      throw new Error(`SLUICE_FUZZ_SEED=${seed} ${signal} base64 ${input.slice(0, 4000)}`, { cause })
    }
  }
  console.log(`${seed - FIRST_SEED} inputs from seed ${FIRST_SEED}, ${accepted} accepted`)
})
