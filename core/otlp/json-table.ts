/**
 * json-schema.ts made ready for use: fields by number for the writer, fields by the bytes of their name for the
 * reader, tags and quoted names encoded once.
 */

import { I32, I64, LEN, VARINT } from './cursor.ts'
import { type FieldRow, JSON_SCHEMA } from './json-schema.ts'

/** The kinds of values, as numbers because the hot switches are over them. */
export const KIND = {
  message: 0,
  string: 1,
  /** Bytes in base64. */
  bytes: 2,
  /** Bytes in hex, of one fixed size. */
  id: 3,
  bool: 4,
  enum: 5,
  int32: 6,
  uint32: 7,
  sint32: 8,
  fixed32: 9,
  int64: 10,
  uint64: 11,
  fixed64: 12,
  sfixed64: 13,
  double: 14,
} as const

const WIRE: Readonly<Record<number, number>> = {
  [KIND.message]: LEN,
  [KIND.string]: LEN,
  [KIND.bytes]: LEN,
  [KIND.id]: LEN,
  [KIND.fixed32]: I32,
  [KIND.fixed64]: I64,
  [KIND.sfixed64]: I64,
  [KIND.double]: I64,
}

export interface Field {
  readonly number: number
  /** Place among the fields of its message, which is the order of the .proto file. */
  readonly index: number
  /** lowerCamelCase. */
  readonly name: string
  readonly kind: number
  readonly repeated: boolean
  /** Written even when it has its default value: members of a oneof, and `optional`. */
  readonly presence: boolean
  readonly oneof: boolean
  /** Of one value, also when a repeated field is packed. */
  readonly wire: number
  readonly tag: number
  /** Numbers in a repeated field are packed into one LEN field. */
  readonly packed: boolean
  /** `"name":`, and the same after a comma. */
  readonly label: Uint8Array
  readonly commaLabel: Uint8Array
  /** What an id has to measure, in bytes. */
  readonly size: number
  readonly words: ReadonlyMap<string, number> | undefined
  /** Of a message field: one bit for each message field, itself included, that may not stand beside it. */
  readonly rivals: number
  /** Of a message field; set once all messages exist. */
  message: Message
}

export interface Message {
  readonly name: string
  readonly fields: readonly Field[]
  readonly byNumber: readonly (Field | undefined)[]
  readonly byName: NameTable
}

/**
 * Finds a field by the bytes of its name without making a string of them. Both spellings are known, as in the
 * Collector (pdata/internal, "traceId" and "trace_id").
 */
export class NameTable {
  readonly #names: (Uint8Array | undefined)[]
  readonly #fields: (Field | undefined)[]
  readonly #mask: number

  constructor(fields: readonly Field[]) {
    const spellings = fields.flatMap(field => {
      const snake = field.name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
      return (snake === field.name ? [snake] : [field.name, snake]).map(name => [name, field] as const)
    })
    let size = 4
    while (size < spellings.length * 3) size *= 2
    this.#mask = size - 1
    this.#names = new Array(size).fill(undefined)
    this.#fields = new Array(size).fill(undefined)
    for (const [name, field] of spellings) {
      const bytes = Buffer.from(name)
      let place = hashOf(bytes, 0, bytes.length) & this.#mask
      while (this.#names[place] !== undefined) place = (place + 1) & this.#mask
      this.#names[place] = bytes
      this.#fields[place] = field
    }
  }

  find(bytes: Uint8Array, start: number, stop: number): Field | undefined {
    let place = hashOf(bytes, start, stop) & this.#mask
    while (true) {
      const name = this.#names[place]
      if (name === undefined) return undefined
      if (name.length === stop - start) {
        let i = 0
        while (i < name.length && name[i] === bytes[start + i]) i++
        if (i === name.length) return this.#fields[place]
      }
      place = (place + 1) & this.#mask
    }
  }
}

/** Length, first, middle and last byte tell nearly all names of a message apart; `find` compares the rest. */
function hashOf(bytes: Uint8Array, start: number, stop: number): number {
  const middle = (start + stop) >>> 1
  return (stop - start) * 5 + bytes[start]! + bytes[middle]! * 3 + bytes[stop - 1]! * 7
}

function fieldOf([number, name, words, of]: FieldRow, index: number, rows: readonly FieldRow[]): Field {
  const parts = words.split(' ')
  const kind = KIND[parts.at(-1) as keyof typeof KIND]
  const repeated = parts[0] === 'repeated'
  const packed = repeated && kind >= KIND.bool
  const wire = WIRE[kind] ?? VARINT
  return {
    number,
    index,
    name,
    kind,
    repeated,
    presence: parts[0] === 'oneof' || parts[0] === 'optional',
    oneof: parts[0] === 'oneof',
    wire,
    tag: number * 8 + (packed ? LEN : wire),
    packed,
    label: Buffer.from(`"${name}":`),
    commaLabel: Buffer.from(`,"${name}":`),
    size: typeof of === 'number' ? of : 0,
    words: typeof of === 'object' ? new Map(Object.entries(of)) : undefined,
    rivals: rows.reduce((bits, row, i) => (excludes(words, row[2]) ? bits | (1 << i) : bits), 1 << index),
    message: NO_MESSAGE,
  }
}

function excludes(words: string, other: string): boolean {
  return words === 'oneof message' && other === words
}

const NO_MESSAGE: Message = { name: '', fields: [], byNumber: [], byName: new NameTable([]) }

function build(): ReadonlyMap<string, Message> {
  const messages = new Map<string, Message>()
  for (const [name, rows] of Object.entries(JSON_SCHEMA)) {
    const fields = rows.map(fieldOf)
    const byNumber: (Field | undefined)[] = new Array(Math.max(...fields.map(f => f.number)) + 1).fill(
      undefined,
    )
    for (const field of fields) byNumber[field.number] = field
    messages.set(name, { name, fields, byNumber, byName: new NameTable(fields) })
  }
  for (const [name, rows] of Object.entries(JSON_SCHEMA)) {
    for (const [i, row] of rows.entries()) {
      if (typeof row[3] === 'string') messages.get(name)!.fields[i]!.message = messages.get(row[3])!
    }
  }
  return messages
}

/** Every message by its name, nested names run together: `SpanEvent`. */
export const MESSAGES = build()
