/**
 * All that packing a text needs to know, in the memory of one instance of pack.wasm (assembly/pack.ts): numbers, and bytes
 * behind them. Where they are is said in layout.ts.
 */

import { readFileSync } from 'node:fs'
import { CRC_TABLE, moved, ONE, WEIGHT_OF } from './crc.ts'
import {
  LETTER_SUM,
  LETTERS,
  LETTERS_BYTES,
  MEMORY_BYTES,
  MOVES,
  MOVES_FAR,
  NUMBERS_END,
  PACKED,
  PAGE_BYTES,
  PART_BYTES,
  PIECE,
  SLACK,
  SYMBOL_SHIFT,
  VALUES,
  VALUES_BYTES,
  WEIGHTS,
} from './layout.ts'

const PAGES = MEMORY_BYTES / PAGE_BYTES
const code = new WebAssembly.Module(readFileSync(new URL('./pack.wasm', import.meta.url)))

interface Loops {
  packNotes(next: number, noted: number): number
  endPart(crc: number): number
  endWeight(place: number): void
}

export class PackMemory {
  readonly numbers: Int32Array
  readonly values: Buffer
  readonly letters: Buffer
  readonly piece: Buffer
  /** From PACKED on. */
  readonly packed: Buffer
  /** As assembly/pack.ts says. */
  readonly packNotes: Loops['packNotes']
  readonly endPart: Loops['endPart']
  readonly endWeight: Loops['endWeight']

  constructor() {
    // It never grows: then its bytes never move.
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES })
    const { buffer } = memory
    this.numbers = new Int32Array(buffer, 0, NUMBERS_END)
    this.values = Buffer.from(buffer, VALUES, VALUES_BYTES)
    this.letters = Buffer.from(buffer, LETTERS, LETTERS_BYTES)
    this.piece = Buffer.from(buffer, PIECE, SLACK)
    this.packed = Buffer.from(buffer, PACKED)
    const { packNotes, endPart, endWeight } = new WebAssembly.Instance(code, { env: { memory } })
      .exports as unknown as Loops
    this.packNotes = packNotes
    this.endPart = endPart
    this.endWeight = endWeight
    this.numbers.set(WEIGHT_OF, WEIGHTS)
    for (let bytes = 0; bytes < 256; bytes++) this.numbers[MOVES + bytes] = moved(ONE, bytes)
    for (let bytes = 0; bytes <= PART_BYTES + SLACK; bytes += 256)
      this.numbers[MOVES_FAR + (bytes >>> 8)] = moved(ONE, bytes)
    for (const [letter, sum] of CRC_TABLE.entries()) this.numbers[(letter << SYMBOL_SHIFT) + LETTER_SUM] = sum
  }
}
