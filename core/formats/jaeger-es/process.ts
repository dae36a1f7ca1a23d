/** The `process` of a span document: the resource, with the service's name beside the other attributes. */

import { isUtf8 } from 'node:buffer'
import { Cursor, sameBytes } from '../../otlp/cursor.ts'
import { AnyValue, KeyValue, Resource } from '../../otlp/fields.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import { type CacheBudget, ENTRY_BYTES } from '../cache-budget.ts'
import { Piece } from '../deflate/piece.ts'
import { SERVICE_NAME } from '../jaeger/words.ts'
import { contentHash, contentHigh, contentLow, viewOf } from './content-hash.ts'
import type { Counts } from './counts.ts'
import type { TagWriter } from './tags.ts'

export interface Process {
  /** No other one has it. */
  readonly id: number
  /** `"process":{...}`, the end of the document and of its line. */
  readonly json: Piece
  /** The service's name, UTF-8. */
  readonly service: Uint8Array
  /** Of all that, unsigned halves of 64 bits. */
  readonly hashLow: number
  readonly hashHigh: number
}

export const NO_PROCESS: Process = {
  id: 0,
  json: new Piece(new Uint8Array(), 0),
  service: new Uint8Array(),
  hashLow: 0,
  hashHigh: 0,
}

const KEY = Buffer.from(SERVICE_NAME)
const MISSING = Buffer.from('missing-service-name')
const EMPTY_NAME = Buffer.from('empty-service-name')
const WRONG_TYPE = Buffer.from('service-name-wrong-type')
const OPEN = Buffer.from('"process":{"serviceName":')
const CLOSE = Buffer.from('}}\n')
/** Of that: what does not belong to the process. */
const DOCUMENT_END = 2

/** More names than this many resources have, or longer ones, are not kept. */
const SLOTS = 512
const KEPT_BYTES_MAX = 16 * 1024

interface Kept {
  readonly resource: Uint8Array
  readonly process: Process
  /** What it takes of the budget. */
  readonly cost: number
}

/** Processes of the resources that were seen last. */
export class Processes {
  readonly #tags: TagWriter
  readonly #counts: Counts
  readonly #slots = new Array<Kept | undefined>(SLOTS).fill(undefined)
  readonly #list = new Cursor(new Uint8Array())
  /** By slot, and the last of what is in none: among the pieces of a text. -1: nothing had it yet. */
  readonly #places = new Int32Array(SLOTS + 1).fill(-1)
  readonly #budget: CacheBudget
  #made = 0

  constructor(tags: TagWriter, budget: CacheBudget, counts: Counts) {
    this.#tags = tags
    this.#counts = counts
    this.#budget = budget
    budget.join(() => this.#slots.fill(undefined))
  }

  /** Of the Resource message `bytes[start, stop)`. Texts in it are counted when it is new. */
  get(bytes: Uint8Array, start: number, stop: number): Process {
    if (stop - start > KEPT_BYTES_MAX) return this.#make(bytes, start, stop, SLOTS)
    let hash = stop - start
    for (let i = start; i < stop; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const kept = this.#slots[slot]
    if (kept !== undefined && sameBytes(bytes, start, stop, kept.resource)) return kept.process
    const process = this.#make(bytes, start, stop, slot)
    if (kept !== undefined) {
      this.#slots[slot] = undefined
      this.#budget.giveBack(kept.cost)
    }
    const cost = stop - start + process.json.bytes.length + process.service.length + ENTRY_BYTES
    if (this.#budget.take(cost)) {
      const resource = Uint8Array.prototype.slice.call(bytes, start, stop)
      this.#slots[slot] = { resource, process, cost }
    }
    return process
  }

  #make(bytes: Uint8Array, start: number, stop: number, slot: number): Process {
    const { pieces } = this.#tags
    if (this.#places[slot] === -1) this.#places[slot] = pieces.place()
    // It is not written to the text, but once for all.
    pieces.aside = true
    try {
      return this.#write(bytes, start, stop, this.#places[slot]!)
    } finally {
      pieces.aside = false
    }
  }

  #write(bytes: Uint8Array, start: number, stop: number, place: number): Process {
    const tags = this.#tags
    const name = readServiceName(bytes, start, stop)
    if (nameIsBase64) this.#counts.invalidText++
    const service = name.subarray(0, tags.values.cut(name, 0, name.length))
    const out = new Writer(2 * (stop - start) + 256)
    out.raw(OPEN)
    writeJsonString(out, service, 0, service.length)
    tags.begin(out, 'span')
    const list = this.#list.reset(bytes, start, stop)
    while (list.next()) {
      if (list.field !== Resource.attributes || isServiceName(bytes, list.start, list.stop)) continue
      tags.attribute(bytes, list.start, list.stop)
    }
    // Never null: Jaeger's sanitizer sees to it that there is at least the service's name.
    const bracket = tags.end('[]')
    if (bracket !== 0) out.byte(bracket)
    out.raw(CLOSE)
    const json = Uint8Array.from(out.take())
    // Without the end of the document: ids have this in them, and must stay what they are.
    contentHash(viewOf(json), 0, json.length - DOCUMENT_END, 0, 0)
    return {
      id: ++this.#made,
      json: tags.pieces.piece(json, place),
      service,
      hashLow: contentLow,
      hashHigh: contentHigh,
    }
  }
}

const list = new Cursor(new Uint8Array())
const entry = new Cursor(new Uint8Array())
/** The name that `readServiceName` found last was no UTF-8. */
let nameIsBase64 = false
/** Where the value is of the entry that `isServiceName` looked at. */
let nameStart = 0
let nameStop = 0

function isServiceName(bytes: Uint8Array, start: number, stop: number): boolean {
  entry.reset(bytes, start, stop)
  let isKey = false
  nameStart = nameStop = start
  while (entry.next()) {
    if (entry.field === KeyValue.key) isKey = sameBytes(bytes, entry.start, entry.stop, KEY)
    else if (entry.field === KeyValue.value) {
      nameStart = entry.start
      nameStop = entry.stop
    }
  }
  return isKey
}

/**
 * The name under which documents have the service of the Resource message `bytes[start, stop)`, UTF-8. The sanitizer looks
 * at the first attribute with this key, the writer takes the last one, as a text.
 */
export function readServiceName(bytes: Uint8Array, start: number, stop: number): Uint8Array {
  nameIsBase64 = false
  let found = 0
  let anyStart = 0
  let anyStop = 0
  list.reset(bytes, start, stop)
  while (list.next()) {
    if (list.field !== Resource.attributes || !isServiceName(bytes, list.start, list.stop)) continue
    found++
    anyStart = nameStart
    anyStop = nameStop
  }
  if (found === 0) return MISSING
  if (readKind(bytes, anyStart, anyStop) !== AnyValue.stringValue)
    return found === 1 ? WRONG_TYPE : Buffer.from(valueText(bytes, anyStart, anyStop))
  if (valueStart === valueStop) return found === 1 ? EMPTY_NAME : new Uint8Array()
  const name = Uint8Array.prototype.slice.call(bytes, valueStart, valueStop)
  // Jaeger's UTF-8 sanitizer makes it bytes, and the text of bytes is base64.
  if (isUtf8(name)) return name
  nameIsBase64 = true
  return Buffer.from(Buffer.from(name).toString('base64'))
}
