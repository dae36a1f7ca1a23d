/**
 * gzip (RFC 1952) of a text whose repeats are known (repeats.ts): one deflate block (RFC 1951) with Huffman codes of its
 * own. Nothing is searched for, so it takes half the time of zlib's fastest level, and packs as well as that.
 *
 * What `Repeats` says is believed. Were it wrong, the checksum, which is of the text itself, would not fit.
 */

import { crc32 } from 'node:zlib'
import { codeLengths, codesOf } from './huffman.ts'
import { REPEAT_MIN, type Repeats } from './repeats.ts'

const END_OF_BLOCK = 256
/** Letters, the end, and lengths of matches; lengths take 29 symbols. */
const LITERALS = 286
const DISTANCES = 30
const MATCH_MAX = 258
const MATCH_MIN = 3
const CODE_MAX = 15
/** The codes of the codes' lengths have 7 bits at most, and stand in this order. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const
const EMPTY: Uint8Array = new Uint8Array()
const REPEAT_LENGTH = 16
const SHORT_ZEROS = 17
const LONG_ZEROS = 18
const HEAD = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff] as const
const TRAILER_BYTES = 8

/** By length of a match: its symbol, and from bit 16 on the number of bits that follow, from bit 24 on these. */
const LENGTH_CODES = new Int32Array(MATCH_MAX + 1)
{
  let symbol = 257
  let length = MATCH_MIN
  for (let bits = 0; bits <= 5; bits++)
    for (let i = bits === 0 ? 8 : 4; i > 0; i--, symbol++)
      for (let extra = 0; extra < 1 << bits; extra++)
        LENGTH_CODES[length++] = symbol | (bits << 16) | (extra << 24)
  // The longest has a symbol of its own.
  LENGTH_CODES[MATCH_MAX] = 285
}

/** Compresses one text after the other. */
export class RepeatGzip {
  readonly #literals = new Uint32Array(LITERALS)
  readonly #distances = new Uint32Array(DISTANCES)
  readonly #literalLengths = new Uint8Array(LITERALS)
  readonly #distanceLengths = new Uint8Array(DISTANCES)
  readonly #literalCodes = new Int32Array(LITERALS)
  readonly #distanceCodes = new Int32Array(DISTANCES)
  readonly #sequence = new Uint8Array(LITERALS + DISTANCES)
  readonly #sequenceExtra = new Uint8Array(LITERALS + DISTANCES)
  readonly #sizes = new Uint32Array(ORDER.length)
  readonly #sizeLengths = new Uint8Array(ORDER.length)
  readonly #sizeCodes = new Int32Array(ORDER.length)
  /** Where each match begins, then its length and distance. */
  #matches = new Int32Array(3 * 1024)
  #matchCount = 0
  #out = EMPTY
  #view: DataView = new DataView(new ArrayBuffer(0))
  #pos = 0
  #bits = 0
  #bitCount = 0

  /** `bytes` must be what `repeats` was told of. `room` gives memory for at least so many bytes, of which the result is a part. */
  compress(bytes: Uint8Array, repeats: Repeats, room: (bytes: number) => Uint8Array): Uint8Array {
    this.#literals.fill(0)
    this.#distances.fill(0)
    this.#matchCount = 0
    this.#findMatches(bytes, repeats)
    this.#literals[END_OF_BLOCK] = 1
    // A tree of distances with less than two codes is not what every reader takes.
    if (this.#distances[0] === 0) this.#distances[0] = 1
    if (this.#distances[1] === 0) this.#distances[1] = 1
    codeLengths(this.#literals, LITERALS, CODE_MAX, this.#literalLengths)
    codeLengths(this.#distances, DISTANCES, CODE_MAX, this.#distanceLengths)
    codesOf(this.#literalLengths, LITERALS, this.#literalCodes)
    codesOf(this.#distanceLengths, DISTANCES, this.#distanceCodes)
    this.#out = room(this.#size())
    this.#view = new DataView(this.#out.buffer, this.#out.byteOffset, this.#out.byteLength)
    this.#out.set(HEAD)
    this.#pos = HEAD.length
    this.#bits = this.#bitCount = 0
    this.#writeTrees()
    this.#writeBlock(bytes)
    return this.#end(bytes)
  }

  /** More than it can take. */
  #size(): number {
    let bits = 0
    for (let i = 0; i < LITERALS; i++)
      bits += this.#literals[i]! * (this.#literalLengths[i]! + (i > END_OF_BLOCK ? 5 : 0))
    for (let i = 0; i < DISTANCES; i++) bits += this.#distances[i]! * (this.#distanceLengths[i]! + 13)
    const trees = (LITERALS + DISTANCES) * 14 + ORDER.length * 3 + 17
    return HEAD.length + Math.ceil((bits + trees) / 8) + TRAILER_BYTES + 8
  }

  /** Repeats, and what follows them and is the same as well; neighbours that go equally far back are one. */
  #findMatches(bytes: Uint8Array, { list, count }: Repeats): void {
    const { length } = bytes
    const literals = this.#literals
    let at = 0
    for (let i = 0; i < count; i++) {
      const begin = Math.max(list[3 * i]!, at)
      const distance = list[3 * i + 2]!
      let end = list[3 * i]! + list[3 * i + 1]!
      for (;;) {
        const limit = i + 1 < count ? list[3 * i + 3]! : length
        while (end < limit && bytes[end] === bytes[end - distance]) end++
        if (end < limit || i + 1 === count || list[3 * i + 5] !== distance) break
        i++
        end = Math.max(end, limit + list[3 * i + 1]!)
      }
      if (end - begin < REPEAT_MIN) continue
      while (at < begin) literals[bytes[at++]!]!++
      this.#match(begin, end - begin, distance)
      at = end
    }
    while (at < length) literals[bytes[at++]!]!++
  }

  #match(at: number, length: number, distance: number): void {
    const symbol = distanceSymbol(distance)
    while (length > 0) {
      // No rest may be shorter than a match can be.
      const part =
        length <= MATCH_MAX ? length : length - MATCH_MAX < MATCH_MIN ? MATCH_MAX - MATCH_MIN : MATCH_MAX
      this.#literals[LENGTH_CODES[part]! & 0xffff]!++
      this.#distances[symbol]!++
      const next = 3 * this.#matchCount++
      if (next + 3 > this.#matches.length) {
        const more = new Int32Array(2 * this.#matches.length)
        more.set(this.#matches)
        this.#matches = more
      }
      this.#matches[next] = at
      this.#matches[next + 1] = part
      this.#matches[next + 2] = distance
      at += part
      length -= part
    }
  }

  #put(value: number, bits: number): void {
    this.#bits |= value << this.#bitCount
    this.#bitCount += bits
    if (this.#bitCount < 16) return
    this.#view.setUint16(this.#pos, this.#bits & 0xffff, true)
    this.#pos += 2
    this.#bits >>>= 16
    this.#bitCount -= 16
  }

  /** The lengths of all codes, themselves packed (RFC 1951 3.2.7). */
  #writeTrees(): void {
    let literals = LITERALS
    while (literals > 257 && this.#literalLengths[literals - 1] === 0) literals--
    let distances = DISTANCES
    while (distances > 1 && this.#distanceLengths[distances - 1] === 0) distances--
    const all = new Uint8Array(literals + distances)
    all.set(this.#literalLengths.subarray(0, literals))
    all.set(this.#distanceLengths.subarray(0, distances), literals)
    const count = this.#runs(all)
    codeLengths(this.#sizes, ORDER.length, 7, this.#sizeLengths)
    codesOf(this.#sizeLengths, ORDER.length, this.#sizeCodes)
    let sizes: number = ORDER.length
    while (sizes > 4 && this.#sizeLengths[ORDER[sizes - 1]!] === 0) sizes--
    // The last block, with codes of its own.
    this.#put(0b101, 3)
    this.#put(literals - 257, 5)
    this.#put(distances - 1, 5)
    this.#put(sizes - 4, 4)
    for (let i = 0; i < sizes; i++) this.#put(this.#sizeLengths[ORDER[i]!]!, 3)
    for (let i = 0; i < count; i++) {
      const symbol = this.#sequence[i]!
      const code = this.#sizeCodes[symbol]!
      this.#put(code & 0xffff, code >>> 16)
      if (symbol >= REPEAT_LENGTH)
        this.#put(this.#sequenceExtra[i]!, symbol === REPEAT_LENGTH ? 2 : symbol === SHORT_ZEROS ? 3 : 7)
    }
  }

  /** Lengths one by one, and runs of the same; returns how many symbols that took. */
  #runs(all: Uint8Array): number {
    const sizes = this.#sizes.fill(0)
    let count = 0
    const add = (symbol: number, extra: number): void => {
      sizes[symbol]!++
      this.#sequence[count] = symbol
      this.#sequenceExtra[count++] = extra
    }
    for (let i = 0; i < all.length; ) {
      const length = all[i]!
      let run = 1
      while (i + run < all.length && all[i + run] === length) run++
      i += run
      if (length !== 0) {
        add(length, 0)
        run--
      }
      while (run >= 3) {
        const part = Math.min(run, length === 0 ? 138 : 6)
        if (length !== 0) add(REPEAT_LENGTH, part - 3)
        else if (part < 11) add(SHORT_ZEROS, part - 3)
        else add(LONG_ZEROS, part - 11)
        run -= part
      }
      while (run-- > 0) add(length, 0)
    }
    return count
  }

  #writeBlock(bytes: Uint8Array): void {
    const { length } = bytes
    const literalCodes = this.#literalCodes
    const distanceCodes = this.#distanceCodes
    const matches = this.#matches
    const view = this.#view
    let pos = this.#pos
    let held = this.#bits
    let count = this.#bitCount
    let at = 0
    const last = 3 * this.#matchCount
    for (let i = 0; i <= last; i += 3) {
      const begin = i === last ? length : matches[i]!
      while (at < begin) {
        const code = literalCodes[bytes[at++]!]!
        held |= (code & 0xffff) << count
        count += code >>> 16
        if (count >= 16) {
          view.setUint16(pos, held & 0xffff, true)
          pos += 2
          held >>>= 16
          count -= 16
        }
      }
      if (i === last) break
      const matched = LENGTH_CODES[matches[i + 1]!]!
      let code = literalCodes[matched & 0xffff]!
      held |= (code & 0xffff) << count
      count += code >>> 16
      if (count >= 16) {
        view.setUint16(pos, held & 0xffff, true)
        pos += 2
        held >>>= 16
        count -= 16
      }
      // At most 5 bits, then 15, above up to 15.
      held |= (matched >>> 24) << count
      count += (matched >>> 16) & 0xff
      if (count >= 16) {
        view.setUint16(pos, held & 0xffff, true)
        pos += 2
        held >>>= 16
        count -= 16
      }
      const distance = matches[i + 2]! - 1
      const symbol = distanceSymbol(distance + 1)
      code = distanceCodes[symbol]!
      held |= (code & 0xffff) << count
      count += code >>> 16
      if (count >= 16) {
        view.setUint16(pos, held & 0xffff, true)
        pos += 2
        held >>>= 16
        count -= 16
      }
      if (symbol >= 4) {
        const bits = (symbol >>> 1) - 1
        held |= (distance & ((1 << bits) - 1)) << count
        count += bits
        if (count >= 16) {
          view.setUint16(pos, held & 0xffff, true)
          pos += 2
          held >>>= 16
          count -= 16
        }
      }
      at += matches[i + 1]!
    }
    this.#pos = pos
    this.#bits = held
    this.#bitCount = count
    const end = literalCodes[END_OF_BLOCK]!
    this.#put(end & 0xffff, end >>> 16)
  }

  #end(bytes: Uint8Array): Uint8Array {
    const out = this.#out
    const view = this.#view
    for (; this.#bitCount > 0; this.#bitCount -= 8, this.#bits >>>= 8) out[this.#pos++] = this.#bits
    view.setUint32(this.#pos, crc32(bytes), true)
    view.setUint32(this.#pos + 4, bytes.length, true)
    const packed = out.subarray(0, this.#pos + TRAILER_BYTES)
    this.#out = EMPTY
    return packed
  }
}

/** 0 to 29. */
function distanceSymbol(distance: number): number {
  const from = distance - 1
  if (from < 4) return from
  const high = 31 - Math.clz32(from)
  return 2 * high + ((from >>> (high - 1)) & 1)
}
