/**
 * Cutting a request into smaller ones, by items or by bytes. Merging needs no code: requests one after another are a
 * request.
 *
 * One splitter for all signals: it goes down from the request to the items (CHILD_FIELDS has the levels) and copies
 * whole entries while they fit. An entry that does not fit is opened: its other fields, the envelope (resource, scope,
 * schema_url; a metric's name, unit and temporality; what is unknown), are repeated in every piece that has a part of
 * it. Field order inside an entry may change, which protobuf allows, and entries without items may be left out, which
 * OTLP allows.
 */

import { Cursor, LEN } from './cursor.ts'
import type { Signal } from './signals.ts'
import { CHILD_FIELDS, countItems, countWithin, isChild } from './walk.ts'
import { varintSize, Writer } from './writer.ts'

/** A whole Export<Signal>ServiceRequest. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly items: number
}

/** In items or bytes; 0 means no limit. */
export interface SplitLimit {
  /** Of the first piece: what a batch that is being filled has room for. */
  readonly first: number
  /** Of each piece after it. */
  readonly rest: number
}

/**
 * Cuts `chunk` (validated) so that no piece is larger than its limit, each as full as the order of items allows. The
 * pieces have the items of the chunk in its order. A chunk that needs no cut is returned as it came, the same object.
 * When not even one item fits into `first` bytes, the first piece obeys `rest` instead: compare its length. An item
 * that is too large for `rest` as well, its envelope included, is a piece of its own. Profiles are never cut: their
 * samples point into a dictionary that one request has once.
 */
export function split(
  chunk: Uint8Array,
  signal: Signal,
  limit: SplitLimit,
  sizer: 'items' | 'bytes',
): Piece[] {
  const items = countItems(chunk, signal)
  const size = sizer === 'items' ? items : chunk.length
  const fits = limit.first === 0 || size <= limit.first
  if (fits || items === 0 || signal === 'profiles') return [{ bytes: chunk, items }]
  return new Splitter(chunk, CHILD_FIELDS[signal], limit, sizer).split()
}

/**
 * Envelopes are repeated, so small pieces of a request with a large envelope could fill the memory. Once the pieces
 * weigh four times the request and this, in bytes, whatever is left goes into one piece.
 */
const GROWTH_MAX = 1024 * 1024

/** An entry that is being cut. */
interface Frame {
  /** Its field number in its parent. */
  field: number
  /** Ranges of its envelope, start and stop alternating. */
  envelope: number[]
  envelopeSize: number
  /** Where in the plan it was opened for the current piece; -1 when it was not yet. */
  opened: number
  /** Bytes of its content in the current piece: envelope and closed children. */
  size: number
}

class Splitter {
  readonly #chunk: Uint8Array
  readonly #childFields: readonly number[]
  readonly #byItems: boolean
  #rest: number
  readonly #pieces: Piece[] = []
  readonly #cursors: Cursor[]
  /** The request and the entries around the cut; one for each level of entries. */
  readonly #frames: Frame[]
  /** Of the current piece. */
  #limit: number
  #items = 0
  #bytesLeft: number
  /** What to write, in pairs: `start, stop` of bytes to copy, or `-field, size` of a message that begins. */
  #plan: number[] = []

  constructor(
    chunk: Uint8Array,
    childFields: readonly number[],
    limit: SplitLimit,
    sizer: 'items' | 'bytes',
  ) {
    this.#chunk = chunk
    this.#childFields = childFields
    this.#byItems = sizer === 'items'
    this.#limit = limit.first
    this.#rest = limit.rest === 0 ? Infinity : limit.rest
    this.#bytesLeft = chunk.length * 4 + GROWTH_MAX
    this.#cursors = childFields.map(() => new Cursor(chunk))
    this.#frames = childFields.map(() => ({ field: 0, envelope: [], envelopeSize: 0, opened: -1, size: 0 }))
  }

  split(): Piece[] {
    this.#cut(0, 1, 0, this.#chunk.length)
    this.#finish()
    return this.#pieces
  }

  /** Spreads the children of the message `[start, stop)`, which is field `field` of its parent. */
  #cut(level: number, field: number, start: number, stop: number): void {
    const frame = this.#frames[level]!
    frame.field = field
    frame.opened = -1
    this.#readEnvelope(frame, level, start, stop)
    const cursor = this.#cursors[level]!.reset(this.#chunk, start, stop)
    while (cursor.next()) if (isChild(cursor, this.#childFields[level]!)) this.#place(level, cursor)
    this.#close(level)
  }

  /** Puts one child whole into the current piece, or cuts it, or begins a piece for it. */
  #place(level: number, { field, tagStart, start, stop }: Cursor): void {
    const room = this.#byItems ? this.#limit - this.#items : Infinity
    const items = countWithin(this.#chunk, this.#childFields, level + 1, start, stop, room)
    if (items === 0) return
    if (this.#byItems ? items <= room : this.#sizeWith(level, stop - tagStart) <= this.#limit) {
      this.#append(level, tagStart, stop, items)
    } else if (level + 1 < this.#childFields.length) {
      this.#cut(level + 1, field, start, stop)
    } else {
      // One item is too much for this piece; should it be for the next as well, so be it.
      this.#finish()
      this.#append(level, tagStart, stop, items)
    }
  }

  #readEnvelope(frame: Frame, level: number, start: number, stop: number): void {
    frame.envelope = []
    frame.envelopeSize = 0
    const cursor = this.#cursors[level]!.reset(this.#chunk, start, stop)
    while (cursor.next()) {
      if (isChild(cursor, this.#childFields[level]!)) continue
      pushRange(frame.envelope, cursor.tagStart, cursor.stop)
      frame.envelopeSize += cursor.stop - cursor.tagStart
    }
  }

  /** What the current piece would weigh with `more` bytes in the entry at `level`. */
  #sizeWith(level: number, more: number): number {
    let size = more
    for (let i = level; i > 0; i--) size = fieldSize(this.#frames[i]!.field, this.#sizeOf(i) + size)
    return this.#sizeOf(0) + size
  }

  #sizeOf(level: number): number {
    const frame = this.#frames[level]!
    return frame.opened === -1 ? frame.envelopeSize : frame.size
  }

  #append(level: number, start: number, stop: number, items: number): void {
    for (let i = 0; i <= level; i++) this.#open(i)
    const frame = this.#frames[level]!
    pushRange(this.#plan, start, stop)
    frame.size += stop - start
    this.#items += items
  }

  #open(level: number): void {
    const frame = this.#frames[level]!
    if (frame.opened !== -1) return
    frame.opened = this.#plan.length
    frame.size = frame.envelopeSize
    this.#plan.push(-frame.field, 0, ...frame.envelope)
  }

  /** Ends an entry in the current piece: its size is known now. */
  #close(level: number): void {
    const frame = this.#frames[level]!
    if (frame.opened === -1) return
    this.#plan[frame.opened + 1] = frame.size
    frame.opened = -1
    if (level > 0) this.#frames[level - 1]!.size += fieldSize(frame.field, frame.size)
  }

  /** Writes the current piece, if there is something in it, and begins another. */
  #finish(): void {
    if (this.#plan.length > 0) {
      for (let level = this.#frames.length - 1; level >= 0; level--) this.#close(level)
      const bytes = write(this.#chunk, this.#plan)
      this.#pieces.push({ bytes, items: this.#items })
      this.#plan = []
      this.#items = 0
      this.#bytesLeft -= bytes.length
      if (this.#bytesLeft < 0) this.#rest = Infinity
    }
    this.#limit = this.#rest
  }
}

/** Adds a range, or lengthens the last one when it goes on there. */
function pushRange(ranges: number[], start: number, stop: number): void {
  const last = ranges.length - 1
  if (last > 0 && ranges[last] === start && ranges[last - 1]! >= 0) ranges[last] = stop
  else ranges.push(start, stop)
}

/** The request that the plan describes; its first pair is the request itself, which has no tag. */
function write(chunk: Uint8Array, plan: readonly number[]): Uint8Array {
  // The writer wants room for the longest varint before each that it writes.
  const writer = new Writer(plan[1]! + 10)
  for (let i = 2; i < plan.length; i += 2) {
    const start = plan[i]!
    const stop = plan[i + 1]!
    if (start >= 0) writer.raw(chunk, start, stop)
    else {
      writer.tag(-start, LEN)
      writer.varint(stop)
    }
  }
  return writer.take()
}

/** Bytes of a LEN field with its tag and length. */
function fieldSize(field: number, size: number): number {
  return varintSize(field * 8) + varintSize(size) + size
}

/**
 * What may be kept for long: a copy when `bytes` are less than a quarter of the buffer they are a view of, and would
 * keep all of it from being freed.
 */
export function compact(bytes: Uint8Array): Uint8Array {
  return bytes.length * 4 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes
}
