/**
 * The Huffman codes of one deflate block (RFC 1951): fixed ones to begin with, later those that fit what was written before.
 * A text that is packed as it is written cannot be counted first; the next one is much like it.
 */

import { codeLengths, codesOf } from './huffman.ts'
import {
  BITS_SHIFT,
  CODE,
  COUNT,
  DISTANCE_COUNT,
  DISTANCE_SHIFT,
  DISTANCES,
  LENGTHS,
  MATCH_MAX,
  MATCH_MIN,
  SYMBOL_SHIFT,
} from './layout.ts'

const END_OF_BLOCK = 256
/** Letters, the end, and lengths of matches; and two that no block has. */
const LITERALS = 286
const LITERAL_CODES = 288
/**
 * Then four letters have 48 bits, and a match with what follows both of its codes has 41: with 7 that wait, fewer than the 64
 * that the loop holds.
 */
const CODE_MAX = 12
const DISTANCE_CODE_MAX = 11
/** The codes of the codes' lengths have 7 bits at most, and stand in this order. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const
const REPEAT_LENGTH = 16
const SHORT_ZEROS = 17
const LONG_ZEROS = 18
/** So many symbols are counted before the first codes are made; then more and more each time, up to the most. */
const SYMBOLS_FIRST = 4096
const SYMBOLS_MOST = 1024 * 1024

/** By length of a match: its symbol, and from bit 16 on the number of bits that follow, from bit 24 on these. */
const LENGTH_SYMBOLS = new Int32Array(MATCH_MAX + 1)
{
  let symbol = END_OF_BLOCK + 1
  let length = MATCH_MIN
  for (let bits = 0; bits <= 5; bits++)
    for (let i = bits === 0 ? 8 : 4; i > 0; i--, symbol++)
      for (let extra = 0; extra < 1 << bits; extra++)
        LENGTH_SYMBOLS[length++] = symbol | (bits << 16) | (extra << 24)
  // The longest has a symbol of its own.
  LENGTH_SYMBOLS[MATCH_MAX] = LITERALS - 1
}

export class CodeBook {
  /** Has the codes and how often each came. Whoever writes counts. */
  readonly #numbers: Int32Array
  /** What a block with these codes begins with, but for the bit that says whether it is the last one. */
  header: Header
  #awaited = SYMBOLS_FIRST
  readonly #literalLengths = new Uint8Array(LITERAL_CODES)
  readonly #distanceLengths = new Uint8Array(DISTANCE_COUNT)

  constructor(numbers: Int32Array) {
    this.#numbers = numbers
    // RFC 1951 3.2.6.
    this.#literalLengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280)
    this.#distanceLengths.fill(5)
    this.#assign(LITERAL_CODES)
    this.header = new Header()
    this.header.put(0b01, 2)
  }

  /** What ends a block, and how many bits that has. */
  get end(): number {
    return this.#numbers[(LENGTHS << SYMBOL_SHIFT) + CODE]!
  }

  /** Makes codes of what was counted, once that is enough. */
  learn(): void {
    const numbers = this.#numbers
    let total = 0
    for (let symbol = 0; symbol <= LENGTHS + MATCH_MAX; symbol++)
      total += numbers[(symbol << SYMBOL_SHIFT) + COUNT]!
    if (total < this.#awaited) return
    this.#awaited = (total >>> 1) + Math.min(2 * this.#awaited, SYMBOLS_MOST)
    codeLengths(this.#literalCounts(), LITERALS, CODE_MAX, this.#literalLengths)
    codeLengths(this.#distanceCounts(), DISTANCE_COUNT, DISTANCE_CODE_MAX, this.#distanceLengths)
    this.#assign(LITERALS)
    this.header = headerOf(this.#literalLengths.subarray(0, LITERALS), this.#distanceLengths)
  }

  /** How often each came. Every one has a code: nobody knows what comes. */
  #literalCounts(): Uint32Array {
    const counts = new Uint32Array(LITERALS).fill(1)
    for (let letter = 0; letter < LENGTHS; letter++) counts[letter]! += this.#faded(letter << SYMBOL_SHIFT)
    for (let length = MATCH_MIN; length <= MATCH_MAX; length++)
      counts[LENGTH_SYMBOLS[length]! & 0xffff]! += this.#faded((LENGTHS + length) << SYMBOL_SHIFT)
    return counts
  }

  #distanceCounts(): Uint32Array {
    const counts = new Uint32Array(DISTANCE_COUNT).fill(1)
    for (let symbol = 0; symbol < DISTANCE_COUNT; symbol++)
      counts[symbol]! += this.#faded(DISTANCES + (symbol << DISTANCE_SHIFT))
    return counts
  }

  /** What was is half as true as what is. */
  #faded(at: number): number {
    const numbers = this.#numbers
    const count = numbers[at + COUNT]! >>> 1
    numbers[at + COUNT] = count
    return count
  }

  /** The codes that the lengths of the first `count` symbols mean. */
  #assign(count: number): void {
    const numbers = this.#numbers
    const literals = new Int32Array(LITERAL_CODES)
    codesOf(this.#literalLengths, count, literals)
    for (let symbol = 0; symbol <= END_OF_BLOCK; symbol++)
      numbers[(symbol << SYMBOL_SHIFT) + CODE] = withExtra(literals[symbol]!, 0, 0)
    for (let length = MATCH_MIN; length <= MATCH_MAX; length++) {
      const known = LENGTH_SYMBOLS[length]!
      const code = withExtra(literals[known & 0xffff]!, known >>> 24, (known >>> 16) & 0xff)
      numbers[((LENGTHS + length) << SYMBOL_SHIFT) + CODE] = code
    }
    const distances = new Int32Array(DISTANCE_COUNT)
    codesOf(this.#distanceLengths, DISTANCE_COUNT, distances)
    for (let symbol = 0; symbol < DISTANCE_COUNT; symbol++)
      numbers[DISTANCES + (symbol << DISTANCE_SHIFT) + CODE] = withExtra(distances[symbol]!, 0, 0)
  }
}

/** A code of `codesOf` with bits behind it, as the table has it. */
function withExtra(code: number, extra: number, extraBits: number): number {
  const bits = code >>> 16
  return (code & 0xffff) | (extra << bits) | ((bits + extraBits) << BITS_SHIFT)
}

/** Bits, the first one lowest. */
export class Header {
  readonly words: number[] = []
  /** Of the last word, 16 at most. */
  bits = 16

  put(value: number, bits: number): void {
    for (let i = 0; i < bits; i++) {
      if (this.bits === 16) {
        this.words.push(0)
        this.bits = 0
      }
      this.words[this.words.length - 1]! |= ((value >>> i) & 1) << this.bits++
    }
  }
}

/** The lengths of all codes, themselves packed (RFC 1951 3.2.7). */
function headerOf(literals: Uint8Array, distances: Uint8Array): Header {
  const runs = runsOf(Uint8Array.of(...literals, ...distances))
  const counts = new Uint32Array(ORDER.length)
  for (const [symbol] of runs) counts[symbol]!++
  const lengths = new Uint8Array(ORDER.length)
  const codes = new Int32Array(ORDER.length)
  codeLengths(counts, ORDER.length, 7, lengths)
  codesOf(lengths, ORDER.length, codes)
  let sizes: number = ORDER.length
  while (sizes > 4 && lengths[ORDER[sizes - 1]!] === 0) sizes--
  const header = new Header()
  header.put(0b10, 2)
  header.put(literals.length - 257, 5)
  header.put(distances.length - 1, 5)
  header.put(sizes - 4, 4)
  for (let i = 0; i < sizes; i++) header.put(lengths[ORDER[i]!]!, 3)
  for (const [symbol, extra] of runs) {
    const code = codes[symbol]!
    header.put(code & 0xffff, code >>> 16)
    if (symbol >= REPEAT_LENGTH)
      header.put(extra, symbol === REPEAT_LENGTH ? 2 : symbol === SHORT_ZEROS ? 3 : 7)
  }
  return header
}

/** Lengths one by one, and runs of the same: a symbol each, and what follows it. */
function runsOf(lengths: Uint8Array): (readonly [symbol: number, extra: number])[] {
  const runs: (readonly [number, number])[] = []
  for (let i = 0; i < lengths.length; ) {
    const length = lengths[i]!
    let run = 1
    while (i + run < lengths.length && lengths[i + run] === length) run++
    i += run
    if (length !== 0) {
      runs.push([length, 0])
      run--
    }
    while (run >= 3) {
      const part = Math.min(run, length === 0 ? 138 : 6)
      if (length !== 0) runs.push([REPEAT_LENGTH, part - 3])
      else runs.push(part < 11 ? [SHORT_ZEROS, part - 3] : [LONG_ZEROS, part - 11])
      run -= part
    }
    while (run-- > 0) runs.push([length, 0])
  }
  return runs
}
