/** A valid encoding that no tidy encoder writes: parsers must take it all the same. */

import protobuf from 'protobufjs'
import type { Signal } from '../../core/otlp/signals.ts'
import { requestType } from './proto.ts'
import type { Random } from './random.ts'

type Plain = Record<string, unknown>

/** Numbers that no OTLP message uses: one-byte tags do not reach them, and tables of known fields end before them. */
const UNKNOWN_FIELDS = [31, 32, 1999, 15_000, 536_870_911]

const WIRE_TYPES: Readonly<Record<string, number>> = protobuf.types.basic

/**
 * `value` with the fields of every message in random order (a repeated field keeps its own), unknown fields between
 * them, and repeated numbers packed, one by one, or some of both; some tags have more bytes than they need.
 */
export function untidyEncoding(signal: Signal, value: Plain, random: Random): Uint8Array {
  const type = requestType(signal)
  return writeMessage(type, type.fromObject(value), random)
}

function writeMessage(type: protobuf.Type, message: protobuf.Message, random: Random): Uint8Array {
  const values = message as unknown as Plain
  const lists = type.fieldsArray
    .filter(field => Object.hasOwn(message, field.name))
    .map(field => writeField(field, values[field.name], random))
  for (let i = random.below(3) - 1; i > 0; i--) lists.push([unknownField(random)])
  return Buffer.concat(interleave(lists, random).map(field => (random.chance(0.05) ? padded(field) : field)))
}

/** The field with a byte more in its tag than that needs, unless it is long already. */
function padded(field: Uint8Array): Uint8Array {
  const last = field.findIndex(byte => byte < 0x80)
  if (last > 1) return field
  return Buffer.concat([field.subarray(0, last), Buffer.of(field[last]! | 0x80, 0), field.subarray(last + 1)])
}

/** One list of all, in random order but each list in its own. */
function interleave(lists: Uint8Array[][], random: Random): Uint8Array[] {
  const turns = random.shuffle(lists.flatMap(list => list.map(() => list)))
  const next = new Map(lists.map(list => [list, list.values()]))
  return turns.map(list => next.get(list)!.next().value!)
}

function writeField(field: protobuf.Field, value: unknown, random: Random): Uint8Array[] {
  if (!field.repeated) return [writeOne(field, value, random)]
  const values = value as unknown[]
  const packable = field.resolvedType === null && field.type !== 'string' && field.type !== 'bytes'
  if (!packable) return values.map(one => writeOne(field, one, random))
  const loose = random.below(values.length + 1)
  const fields = values.slice(0, loose).map(one => writeOne(field, one, random))
  if (loose === values.length && loose > 0) return fields
  const packed = protobuf.Writer.create()
  for (const one of values.slice(loose)) writeScalar(packed, field.type, one)
  return [...fields, lengthDelimited(field.id, packed.finish())]
}

function writeOne(field: protobuf.Field, value: unknown, random: Random): Uint8Array {
  const type = field.resolvedType
  if (type instanceof protobuf.Type)
    return lengthDelimited(field.id, writeMessage(type, value as protobuf.Message, random))
  const scalar = type instanceof protobuf.Enum ? 'int32' : field.type
  const writer = protobuf.Writer.create().uint32((field.id << 3) | WIRE_TYPES[scalar]!)
  writeScalar(writer, scalar, value)
  return writer.finish()
}

function writeScalar(writer: protobuf.Writer, type: string, value: unknown): void {
  ;(writer as unknown as Record<string, (value: unknown) => void>)[type]!(value)
}

function lengthDelimited(field: number, content: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((field << 3) | 2)
    .bytes(content)
    .finish()
}

function unknownField(random: Random): Uint8Array {
  const wire = random.pick([0, 1, 2, 5])
  const writer = protobuf.Writer.create().uint32(((random.pick(UNKNOWN_FIELDS) << 3) | wire) >>> 0)
  if (wire === 0) writer.uint64('18446744073709551615' as never)
  else if (wire === 1) writer.double(random.below(1000))
  else if (wire === 5) writer.fixed32(random.bits())
  else writer.bytes(random.bytes(random.below(200)))
  return writer.finish()
}
