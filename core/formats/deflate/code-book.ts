/**
 * The Huffman codes of one deflate block (RFC 1951): fixed ones to begin with, later those that fit what was written before.
 * A text that is packed as it is written cannot be counted first; the next one is much like it.
 */

import { codeLengths, codesOf } from './huffman.ts'

export const END_OF_BLOCK = 256
/** Letters, the end, and lengths of matches; and two that no block has. */
const LITERALS = 286
const LITERAL_CODES = 288
const DISTANCES = 30
const CODE_MAX = 15
/** With what follows it a distance has 24 bits: with 7 that wait, fewer than a word has. */
const DISTANCE_CODE_MAX = 11
/** The codes of the codes' lengths have 7 bits at most, and stand in this order. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const
const REPEAT_LENGTH = 16
const SHORT_ZEROS = 17
const LONG_ZEROS = 18
/** So many symbols are counted before the first codes are made; then more and more each time, up to the most. */
const SYMBOLS_FIRST = 4096
const SYMBOLS_MOST = 1024 * 1024

export class CodeBook {
  /** By symbol: its code, the first bit lowest, and from bit 16 on how many bits it has. */
  readonly literals = new Int32Array(LITERAL_CODES)
  readonly distances = new Int32Array(DISTANCES)
  /** By symbol: how often it came. Whoever writes counts. */
  readonly literalCounts = new Uint32Array(LITERALS)
  readonly distanceCounts = new Uint32Array(DISTANCES)
  /** What a block with these codes begins with, but for the bit that says whether it is the last one. */
  header: Header
  #awaited = SYMBOLS_FIRST
  readonly #literalLengths = new Uint8Array(LITERAL_CODES)
  readonly #distanceLengths = new Uint8Array(DISTANCES)

  constructor() {
    // RFC 1951 3.2.6.
    this.#literalLengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280)
    this.#distanceLengths.fill(5)
    codesOf(this.#literalLengths, LITERAL_CODES, this.literals)
    codesOf(this.#distanceLengths, DISTANCES, this.distances)
    this.header = new Header()
    this.header.put(0b01, 2)
  }

  /** Makes codes of what was counted, once that is enough. Every symbol has one: nobody knows what comes. */
  learn(): void {
    if (total(this.literalCounts) < this.#awaited) return
    remember(this.literalCounts)
    remember(this.distanceCounts)
    this.#awaited = total(this.literalCounts) + Math.min(2 * this.#awaited, SYMBOLS_MOST)
    this.#literalLengths.fill(0)
    codeLengths(this.literalCounts, LITERALS, CODE_MAX, this.#literalLengths)
    codeLengths(this.distanceCounts, DISTANCES, DISTANCE_CODE_MAX, this.#distanceLengths)
    codesOf(this.#literalLengths, LITERALS, this.literals)
    codesOf(this.#distanceLengths, DISTANCES, this.distances)
    this.header = headerOf(this.#literalLengths.subarray(0, LITERALS), this.#distanceLengths)
  }
}

function total(counts: Uint32Array): number {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i]!
  return sum
}

/** What was is half as true as what is; what never came may come. */
function remember(counts: Uint32Array): void {
  for (let i = 0; i < counts.length; i++) counts[i] = (counts[i]! >>> 1) + 1
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
