/** Zipkin v1 spans in Thrift's binary protocol, made up. */

import type { Random } from '../../kit/random.ts'

const TYPES = { double: 4, i16: 6, i32: 8, i64: 10, string: 11, struct: 12, list: 15, bool: 2 } as const

function numberBytes(size: 2 | 4 | 8, value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes.subarray(8 - size)
}

export const i16 = (id: number, value: number): Buffer => field(id, TYPES.i16, numberBytes(2, BigInt(value)))
export const i32 = (id: number, value: number): Buffer => field(id, TYPES.i32, numberBytes(4, BigInt(value)))
export const i64 = (id: number, value: bigint): Buffer => field(id, TYPES.i64, numberBytes(8, value))
export const bool = (id: number, value: boolean): Buffer => field(id, TYPES.bool, Buffer.of(value ? 1 : 0))
export const string = (id: number, value: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(value as string)
  return field(id, TYPES.string, numberBytes(4, BigInt(bytes.length)), bytes)
}
export const struct = (id: number, ...fields: Buffer[]): Buffer => field(id, TYPES.struct, body(fields))

/** Fields, and the stop behind them. */
export function body(fields: readonly Buffer[]): Buffer {
  return Buffer.concat([...fields, Buffer.of(0)])
}

/** The list of structs that is a message. */
export function listOf(structs: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(TYPES.struct), numberBytes(4, BigInt(structs.length)), ...structs])
}

export function field(id: number, type: number, ...value: Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.of(type), numberBytes(2, BigInt(id)), ...value])
}

export function list(id: number, structs: readonly Buffer[]): Buffer {
  return field(id, TYPES.list, listOf(structs))
}

const ANNOTATIONS = ['cs', 'cr', 'ss', 'sr', 'ms', 'mr', 'retry', '']

const double = Buffer.alloc(8)
double.writeDoubleBE(1.5)

/** AnnotationType and bytes; 16 and 32 bits without a sign, which the Collector does not see. */
const VALUES: readonly (readonly [type: number, value: string | Uint8Array])[] = [
  [0, Buffer.of(1)],
  [0, Buffer.of(0)],
  [1, Buffer.of(1, 2, 255)],
  [2, numberBytes(2, 500n)],
  [3, numberBytes(4, 404n)],
  [4, numberBytes(8, -9007199254740993n)],
  [4, Buffer.of(1)],
  [5, double],
  [6, 'text'],
  [6, '404'],
  [9, 'what'],
]
const KEYS = [
  'key',
  'lc',
  'error',
  'http.status_code',
  'http.response.status_code',
  'http.status_message',
  'census.status_code',
  'census.status_description',
  'otel.status_code',
  'otel.status_description',
]

function endpoint(id: number, random: Random): Buffer {
  return struct(
    id,
    ...(random.chance(0.5) ? [i32(1, 0x0a000001)] : []),
    ...(random.chance(0.5) ? [i16(2, random.pick([80, 9411]))] : []),
    string(3, random.pick(['', 'shop', 'unknown-service'])),
    ...(random.chance(0.3) ? [string(4, Buffer.from('20010db8000000000000000000000001', 'hex'))] : []),
  )
}

function span(random: Random): Buffer {
  const time = 1_700_000_000_000_000n + BigInt(random.below(1000))
  const annotations = Array.from({ length: random.below(4) }, () =>
    body([
      i64(1, time + BigInt(random.below(5) - 2)),
      string(2, random.pick(ANNOTATIONS)),
      ...(random.chance(0.6) ? [endpoint(3, random)] : []),
    ]),
  )
  const tags = random.shuffle([...KEYS]).filter(() => random.chance(0.3))
  const binary = tags.map(key => {
    // The local component is a service's name.
    const [type, value] = key === 'lc' ? ([6, 'shop-lc'] as const) : random.pick(VALUES)
    return body([
      string(1, key),
      string(2, value),
      i32(3, type),
      ...(random.chance(0.3) ? [endpoint(4, random)] : []),
    ])
  })
  return body([
    i64(1, BigInt.asIntN(64, BigInt(random.bits()) << 32n)),
    string(3, random.pick(['', 'get', 'Überall'])),
    i64(4, BigInt(random.bits())),
    ...(random.chance(0.5) ? [i64(5, random.pick([0n, 77n]))] : []),
    list(6, annotations),
    list(8, binary),
    bool(9, random.chance(0.5)),
    ...(random.chance(0.6) ? [i64(10, random.pick([time, -5n]))] : []),
    ...(random.chance(0.6) ? [i64(11, BigInt(random.below(5000)))] : []),
    ...(random.chance(0.5) ? [i64(12, BigInt(random.bits()))] : []),
    // Fields of a later version.
    ...(random.chance(0.2)
      ? [i16(99, 1), list(100, [body([string(1, 'x')])]), struct(101, bool(1, true))]
      : []),
  ])
}

/** A list of up to three spans. */
export function thriftSpans(random: Random): Buffer {
  return listOf(Array.from({ length: random.below(4) }, () => span(random)))
}
