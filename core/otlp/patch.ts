/**
 * Changes bytes without decoding them: whoever walks a message says, in ascending order, which ranges to leave out and
 * what to write instead, and which messages enclose them; the lengths of those messages are put right.
 *
 * Lazy: nothing is copied before the first `cut`, and without one `end` returns the very array `begin` was given.
 * What lies between two cuts is copied in one go, tags and lengths of enclosing messages with it:
 *
 *     source  |--- copied ---|---- pending ----|-- cut --|--- not looked at yet
 *                            flushed           from      to
 *
 * A message is entered without touching the output. The first cut inside it computes where its length will stand
 * (`marks`), because everything from `flushed` on will be copied as it is; `leave` then writes the new length there,
 * and only when that needs another number of bytes does it copy and move the content.
 */

import { ownCopy } from './slab.ts'
import { varintSize, Writer } from './writer.ts'

/** Request, resource, scope, metric, data and item are six; the rest is for messages inside an item. */
const DEPTH_MAX = 16

export class Patch {
  /** Where to write what replaces a range, right after the `cut` of it. */
  readonly out: Writer
  bytes: Uint8Array
  #flushed: number
  #depth: number
  /** For each message we are in: where its tag and its content begin in the source... */
  readonly #tags: number[]
  readonly #starts: number[]
  /** ...and where its content begins in the output, or -1 while nothing in it was cut. */
  readonly #marks: number[]
  #changed: boolean

  constructor() {
    this.out = new Writer(64)
    this.bytes = new Uint8Array(0)
    this.#flushed = 0
    this.#depth = 0
    this.#tags = new Array<number>(DEPTH_MAX).fill(0)
    this.#starts = new Array<number>(DEPTH_MAX).fill(0)
    this.#marks = new Array<number>(DEPTH_MAX).fill(-1)
    this.#changed = false
  }

  begin(bytes: Uint8Array): void {
    this.bytes = bytes
    this.#flushed = 0
    this.#depth = 0
    this.#changed = false
  }

  /** What `bytes` became: the same array when nothing was cut. */
  end(): Uint8Array {
    const { bytes, out } = this
    this.bytes = EMPTY
    if (!this.#changed) return bytes
    this.#flush(bytes, bytes.length)
    // A result that fills little of its buffer would keep all of it alive for as long as the result waits somewhere.
    if (out.pos * 2 < out.bytes.length) return ownCopy(out.take())
    const result = out.take()
    out.bytes = EMPTY
    return result
  }

  /** The walk is now inside the message whose tag begins at `tag` and whose content begins at `start`. */
  enter(tag: number, start: number): void {
    const depth = this.#depth++
    this.#tags[depth] = tag
    this.#starts[depth] = start
    this.#marks[depth] = -1
  }

  /** The walk has reached the end of the message entered last. */
  leave(stop: number): void {
    const depth = --this.#depth
    const mark = this.#marks[depth]!
    if (mark < 0) return
    const { out } = this
    const size = this.#lengthSize(depth)
    const length = out.pos + stop - this.#flushed - mark
    if (varintSize(length) === size) writeLength(out.bytes, mark - size, length)
    else this.#moveBehindLength(mark, size, length, stop)
  }

  /** Instead of `leave`: the message entered last is left out altogether, with its tag. */
  drop(stop: number): void {
    const depth = --this.#depth
    const tag = this.#tags[depth]!
    const mark = this.#marks[depth]!
    if (mark < 0) {
      this.cut(tag, stop)
      return
    }
    this.out.rewind(mark - (this.#starts[depth]! - tag))
    this.#flushed = stop
  }

  /** Leaves out `[from, to)`; what is then written to the returned writer stands in its place. */
  cut(from: number, to: number): Writer {
    if (!this.#changed) this.#start()
    const { out } = this
    for (let depth = this.#depth - 1; depth >= 0 && this.#marks[depth]! < 0; depth--)
      this.#marks[depth] = out.pos + this.#starts[depth]! - this.#flushed
    this.#flush(this.bytes, from)
    this.#flushed = to
    return out
  }

  /** Has anything been cut since `begin`? */
  get changed(): boolean {
    return this.#changed
  }

  #start(): void {
    this.#changed = true
    const { out } = this
    out.rewind()
    // Most edits change the size by little, so that the buffer is taken once.
    const wanted = this.bytes.length + (this.bytes.length >>> 4) + 256
    if (out.bytes.length < wanted || out.bytes.length > wanted * 2) out.bytes = Buffer.allocUnsafeSlow(wanted)
  }

  #flush(bytes: Uint8Array, to: number): void {
    if (to > this.#flushed) this.out.raw(bytes, this.#flushed, to)
    this.#flushed = to
  }

  /** Bytes of the length varint of the message at `depth`, in the source: what is left of its head after the tag. */
  #lengthSize(depth: number): number {
    let pos = this.#tags[depth]!
    while (this.bytes[pos++]! >= 0x80);
    return this.#starts[depth]! - pos
  }

  #moveBehindLength(mark: number, sizeBefore: number, length: number, stop: number): void {
    const { out } = this
    this.#flush(this.bytes, stop)
    const by = varintSize(length) - sizeBefore
    out.reserve(Math.max(by, 0))
    out.bytes.copyWithin(mark + by, mark, out.pos)
    writeLength(out.bytes, mark - sizeBefore, length)
    out.pos += by
  }
}

function writeLength(bytes: Uint8Array, pos: number, length: number): void {
  while (length > 0x7f) {
    bytes[pos++] = (length & 0x7f) | 0x80
    length >>>= 7
  }
  bytes[pos] = length
}

const EMPTY = new Uint8Array(0)
