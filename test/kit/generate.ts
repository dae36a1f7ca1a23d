/**
 * Made-up requests that cover every field of OTLP, from the official .proto files: a field that is added there is
 * generated here. Objects are as `encodeRequest` takes them (64-bit as decimal text, bytes as Uint8Array).
 */

import fc from 'fast-check'
import protobuf from 'protobufjs'
import type { Signal } from '../../core/otlp/signals.ts'
import { encodeRequest, requestType } from './proto.ts'
import { Random } from './random.ts'
import { untidyEncoding } from './untidy.ts'

export { realisticTraces } from './realistic.ts'

export type Plain = Record<string, unknown>

export interface Generated {
  readonly signal: Signal
  readonly items: number
  readonly value: Plain
  /** As protobufjs writes it: fields in order, repeated numbers packed. */
  readonly bytes: Uint8Array
  /** The same with fields in any order, unknown fields between them and repeated numbers one by one. */
  readonly untidy: Uint8Array
}

const INT64 = ['0', '1', '-1', '9007199254740993', '9223372036854775807', '-9223372036854775808', '300']
const UINT64 = ['0', '1', '127', '128', '9007199254740993', '18446744073709551615', '1700000000123456789']
const INT32 = [0, 1, -1, 2147483647, -2147483648, 127, 128]
const UINT32 = [0, 1, 255, 256, 4294967295]
const DOUBLES = [0, -0, 1, -1.5, 0.1, Number.MAX_VALUE, Number.MIN_VALUE, NaN, Infinity, -Infinity, 2 ** 53]
const TEXTS = [
  '',
  'a',
  'http.method',
  'service.name',
  'überall',
  '日本語のテキスト',
  '👩‍🚀 ok',
  '"quoted" \\ and \n new line\t\u0000\u001f',
  '\u2028\ufeff\uffff',
  'x'.repeat(127),
  'y'.repeat(128),
  'z'.repeat(300),
]
const ID_SIZES: Readonly<Record<string, number>> = { traceId: 16, profileId: 16, spanId: 8, parentSpanId: 8 }

/** Field names from the request down to the items; a metric has one of five data fields. */
const LEVELS: Readonly<Record<Signal, readonly string[]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics', 'data', 'dataPoints'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  profiles: ['resourceProfiles', 'scopeProfiles', 'profiles', 'samples'],
}

/** Values nest at most this deep, but for the odd long chain. */
const DEPTH_MAX = 8
const CHAIN = 30

class Generator {
  readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  /** A message of `type` with exactly `items` items below it, spread over the levels; some entries stay empty. */
  withItems(type: protobuf.Type, levels: readonly string[], items: number): Plain {
    const [name, ...below] = levels
    if (name === undefined) return this.message(type, 0)
    const oneof = type.oneofs?.[name]
    const field = type.fields[oneof === undefined ? name : this.random.pick(oneof.oneof)]!
    const message = this.message(type, 0, name)
    const inner = field.resolvedType as protobuf.Type
    if (oneof !== undefined) {
      if (items > 0 || this.random.chance(0.5)) message[field.name] = this.withItems(inner, below, items)
    } else {
      const shares = below.length === 0 ? new Array<number>(items).fill(1) : this.#spread(items)
      message[field.name] = shares.map(share => this.withItems(inner, below, share))
    }
    return message
  }

  /** Random shares whose sum is `items`. */
  #spread(items: number): number[] {
    const shares: number[] = []
    for (let left = items; left > 0; left -= shares.at(-1)!) {
      if (this.random.chance(0.1)) shares.push(0)
      shares.push(1 + this.random.below(left))
    }
    if (this.random.chance(0.1)) shares.push(0)
    return shares
  }

  /** Any message. `except`: a field or oneof that the caller fills. `depth`: AnyValues around it. */
  message(type: protobuf.Type, depth: number, except = ''): Plain {
    const { random } = this
    const message: Plain = {}
    for (const field of type.fieldsArray) {
      if (field.partOf !== null || field.name === except || random.chance(0.25)) continue
      const count = random.below(4)
      message[field.name] = field.repeated
        ? Array.from({ length: count }, () => this.#value(field, depth))
        : this.#value(field, depth)
    }
    for (const oneof of type.oneofsArray) {
      if (oneof.name === except || random.chance(0.15)) continue
      const fields = oneof.oneof.map(name => type.fields[name]!)
      const field = random.pick(depth < DEPTH_MAX ? fields : fields.filter(one => !this.#nests(one)))
      message[field.name] = this.#value(field, depth)
    }
    if (type.name === 'AnyValue' && depth === 1 && random.chance(0.02)) return this.#chain(CHAIN)
    return message
  }

  #nests(field: protobuf.Field): boolean {
    return field.resolvedType instanceof protobuf.Type
  }

  #chain(levels: number): Plain {
    let value: Plain = { stringValue: 'the end' }
    for (let i = 0; i < levels; i++) {
      if (i % 2 === 0) value = { arrayValue: { values: [value] } }
      else value = { kvlistValue: { values: [{ key: `level ${i}`, value }] } }
    }
    return value
  }

  #value(field: protobuf.Field, depth: number): unknown {
    const { random } = this
    const type = field.resolvedType
    if (type instanceof protobuf.Type) {
      // Wide trees explode: the deeper, the likelier an empty list.
      if (depth > 1 && random.chance(depth / DEPTH_MAX)) return {}
      return this.message(type, type.name === 'AnyValue' ? depth + 1 : depth)
    }
    if (type instanceof protobuf.Enum) return random.pick(Object.values(type.values))
    switch (field.type) {
      case 'string':
        return random.pick(TEXTS)
      case 'bytes':
        return random.bytes(random.chance(0.15) ? 0 : (ID_SIZES[field.name] ?? random.below(200)))
      case 'bool':
        return random.chance(0.5)
      case 'double':
        return random.pick(DOUBLES)
      case 'int64':
      case 'sfixed64':
        return random.pick(INT64)
      case 'uint64':
      case 'fixed64':
        return random.pick(UINT64)
      case 'int32':
      case 'sint32':
        return random.pick(INT32)
      case 'uint32':
      case 'fixed32':
        return random.pick(UINT32)
      default:
        throw new Error(`no values for ${field.fullName} of type ${field.type}`)
    }
  }
}

/** A request with exactly `items` items, the same for the same seed. */
export function generateRequest(signal: Signal, seed: number, items: number): Plain {
  const type = requestType(signal)
  return new Generator(new Random(seed)).withItems(type, LEVELS[signal], items)
}

/** The same with its bytes, in two encodings. */
export function generate(signal: Signal, seed: number, items: number): Generated {
  const value = generateRequest(signal, seed, items)
  let untidy: Uint8Array | undefined
  return {
    signal,
    items,
    value,
    bytes: encodeRequest(signal, value),
    // It costs more than all the rest, and few ask for it.
    get untidy() {
      return (untidy ??= untidyEncoding(signal, value, new Random(seed + 1)))
    },
  }
}

/** Requests for property tests; shrinks towards few items. */
export function anyRequest(signal: Signal, itemsMax = 20): fc.Arbitrary<Generated> {
  return fc
    .tuple(fc.integer({ min: 0, max: itemsMax }), fc.nat())
    .map(([items, seed]) => generate(signal, seed, items))
}
