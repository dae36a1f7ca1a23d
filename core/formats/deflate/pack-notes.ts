/** The loop that packs what was written (packed-text.ts), which is noted as numbers (table.ts). */

import * as crc from './crc.ts'
import type { PackState } from './pack-state.ts'
import * as layout from './table.ts'

// V8 knows the values of a module's own constants; those that it imports or exports are looked up each time.
const { PART_BYTES, SLACK, WEIGHTS } = crc
const { SYMBOL_SHIFT, LENGTHS, MATCH_MIN, MATCH_MAX, CODE, BITS_SHIFT, COUNT, LETTER_WEIGHT } = layout
const { DISTANCES, DISTANCE_SHIFT, DISTANCE_MAX, WEIGHTED_FULL, PLACES, PLACE_SHIFT, VALUE_MAX } = layout
const { LAST_AT, LENGTH, WEIGHT, DETAILS, DETAILS_SHIFT, VERSION, VALUE_LENGTH } = layout
const { HEAD, HEAD_VERSION, TAIL, TAIL_VERSION } = layout
const { CHANGING, OF_VALUE, AS_LETTERS, STANDS, NTH, SUMMED_MIN, BYTE_BYTES, ROOM } = layout

/** Shorter ones are as short as letters. */
const REPEAT_MIN = 4
const CODE_BITS = (1 << BITS_SHIFT) - 1

/**
 * Packs notes from the `next`th on, as long as they are what most are, and returns which comes next. Nothing is called in
 * here, so that V8 looks up addresses once. `written`: letters that are in no piece; `letters`: those of the piece that is
 * written as letters.
 */
export function packNotes(
  state: PackState,
  written: Uint8Array,
  letters: Uint8Array,
  next: number,
  noted: number,
): number {
  const { numbers, bytes } = state.table
  const { view } = state
  const most = view.byteLength - ROOM
  let weightedEnd = state.weightedEnd
  let pos = state.pos
  let held = state.held
  let count = state.count
  let at = state.at
  let partAt = (at - state.partStart) | 0
  let matchLength = state.matchLength
  let matchDistance = state.matchDistance
  let outPacked = state.outPacked

  while (next < noted) {
    const note = numbers[next]!
    const nth = note & NTH
    const place = PLACES + (nth << PLACE_SHIFT)
    let length = 0
    if (note < 0) length = -note | 0
    else if (note < OF_VALUE || note >= AS_LETTERS) length = numbers[place + LENGTH]!
    else length = numbers[DETAILS + (nth << DETAILS_SHIFT) + VALUE_LENGTH]!
    if (partAt >= PART_BYTES || length > SLACK || weightedEnd >= WEIGHTED_FULL) break
    if (pos + BYTE_BYTES * length + (matchLength >>> 4) > most) break

    // A piece, which is a match unless it stood too far back;
    let source = written
    let start = 0
    let distance = 0
    if (note >= 0 && note < OF_VALUE) {
      distance = (at - numbers[place + LAST_AT]!) | 0
      const isSame = distance === matchDistance
      if (isSame || (distance <= DISTANCE_MAX && length >= REPEAT_MIN)) {
        if (note < CHANGING || length >= SUMMED_MIN) {
          partAt = (partAt + length) | 0
          const weight = numbers[place + WEIGHT]!
          numbers[weightedEnd] = place
          weightedEnd = (weightedEnd + (1 ^ ((weight | -weight) >>> 31))) | 0
          numbers[place + WEIGHT] = weight ^ WEIGHTS[partAt]!
        } else {
          const from = (nth * VALUE_MAX) | 0
          for (let i = 0; i < length; i++) {
            partAt = (partAt + 1) | 0
            numbers[(bytes[from + i]! << SYMBOL_SHIFT) + LETTER_WEIGHT]! ^= WEIGHTS[partAt]!
          }
        }
        numbers[place + LAST_AT] = at
        if (isSame) {
          at = (at + length) | 0
          matchLength = (matchLength + length) | 0
          next = (next + 1) | 0
          continue
        }
      } else if (note >= CHANGING) {
        source = bytes
        start = (nth * VALUE_MAX) | 0
        distance = 0
        numbers[place + LAST_AT] = at
      } else {
        const details = DETAILS + (nth << DETAILS_SHIFT)
        const head = numbers[details + HEAD]!
        const tail = numbers[details + TAIL]!
        if (
          numbers[details + VALUE_LENGTH] === 0 ||
          numbers[DETAILS + (head << DETAILS_SHIFT) + VERSION] !== numbers[details + HEAD_VERSION] ||
          numbers[DETAILS + (tail << DETAILS_SHIFT) + VERSION] !== numbers[details + TAIL_VERSION]
        )
          break
        numbers[place + LAST_AT] = at
        numbers[next - 2] = head
        numbers[next - 1] = nth | OF_VALUE
        numbers[next] = tail
        next = (next - 2) | 0
        continue
      }
    } else if (note < 0) {
      // or letters that nothing is known of.
      start = outPacked
      outPacked = (outPacked + length) | 0
    } else if (note >= AS_LETTERS) {
      if (note >= STANDS) {
        numbers[place + LAST_AT] = (at - length) | 0
        next = (next + 1) | 0
        continue
      }
      source = letters
      numbers[place + LAST_AT] = at
    } else {
      // The value of a piece that was taken apart.
      source = bytes
      start = (nth * VALUE_MAX) | 0
    }

    // In either case the match before it ends here.
    if (matchLength > 0) {
      const from = (matchDistance - 1) | 0
      let symbol = from
      let extra = 0
      if (from >= 4) {
        const high = 31 - Math.clz32(from)
        extra = high - 1
        symbol = 2 * high + ((from >>> extra) & 1)
      }
      const distanceAt = DISTANCES + (symbol << DISTANCE_SHIFT)
      const code = numbers[distanceAt + CODE]!
      const bits = code >>> BITS_SHIFT
      const distanceCode = (code & CODE_BITS) | ((from & ((1 << extra) - 1)) << bits)
      do {
        // No rest may be shorter than a match can be.
        let part = matchLength
        if (part > MATCH_MAX) part = part < MATCH_MAX + MATCH_MIN ? MATCH_MAX - MATCH_MIN : MATCH_MAX
        matchLength = (matchLength - part) | 0
        const symbolAt = (LENGTHS + part) << SYMBOL_SHIFT
        numbers[symbolAt + COUNT]!++
        numbers[distanceAt + COUNT]!++
        const lengthCode = numbers[symbolAt + CODE]!
        held |= (lengthCode & CODE_BITS) << count
        count += lengthCode >>> BITS_SHIFT
        view.setInt32(pos, held, true)
        pos = (pos + (count >>> 3)) | 0
        held = (held >>> (count & 24)) | 0
        count &= 7
        held |= distanceCode << count
        count += bits + extra
        view.setInt32(pos, held, true)
        pos = (pos + (count >>> 3)) | 0
        held = (held >>> (count & 24)) | 0
        count &= 7
      } while (matchLength > 0)
    }
    next = (next + 1) | 0
    at = (at + length) | 0
    matchDistance = distance
    if (distance > 0) {
      matchLength = length
      continue
    }

    const stop = (start + length) | 0
    for (const even = (stop - (length & 1)) | 0; start < even; start += 2) {
      const first = source[start]! << SYMBOL_SHIFT
      const second = source[start + 1]! << SYMBOL_SHIFT
      numbers[first + LETTER_WEIGHT]! ^= WEIGHTS[partAt + 1]!
      numbers[first + COUNT]!++
      partAt = (partAt + 2) | 0
      numbers[second + LETTER_WEIGHT]! ^= WEIGHTS[partAt]!
      numbers[second + COUNT]!++
      const firstCode = numbers[first + CODE]!
      const secondCode = numbers[second + CODE]!
      held |= (firstCode & CODE_BITS) << count
      count += firstCode >>> BITS_SHIFT
      held |= (secondCode & CODE_BITS) << count
      count += secondCode >>> BITS_SHIFT
      // Whole bytes go, without asking whether there are any: nobody could guess that.
      view.setInt32(pos, held, true)
      pos = (pos + (count >>> 3)) | 0
      held = (held >>> (count & 24)) | 0
      count &= 7
    }
    if (start < stop) {
      const letter = source[start]! << SYMBOL_SHIFT
      partAt = (partAt + 1) | 0
      numbers[letter + LETTER_WEIGHT]! ^= WEIGHTS[partAt]!
      numbers[letter + COUNT]!++
      const code = numbers[letter + CODE]!
      held |= (code & CODE_BITS) << count
      count += code >>> BITS_SHIFT
      view.setInt32(pos, held, true)
      pos = (pos + (count >>> 3)) | 0
      held = (held >>> (count & 24)) | 0
      count &= 7
    }
  }

  state.weightedEnd = weightedEnd
  state.pos = pos
  state.held = held
  state.count = count
  state.at = at
  state.matchLength = matchLength
  state.matchDistance = matchDistance
  state.outPacked = outPacked
  return next
}
