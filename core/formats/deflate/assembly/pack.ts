/**
 * The loop that packs what was written (packed-text.ts), which is noted as numbers (layout.ts). AssemblyScript, for
 * WebAssembly: `npm run wasm` makes pack.wasm of it. There, memory has no bounds to check, and 64 bits are held at once.
 */

import {
  AS_LETTERS,
  ASKED,
  AT,
  BITS_SHIFT,
  CHANGING,
  CODE,
  CODE_BITS,
  COUNT,
  DISTANCE_MAX,
  DISTANCE_SHIFT,
  DISTANCES,
  HEAD,
  HEAD_VERSION,
  HELD,
  HELD_BITS,
  LAST_AT,
  LENGTH,
  LENGTHS,
  LETTER_END,
  LETTER_NEXT,
  LETTER_PACKED,
  LETTER_SUM,
  MATCH_DISTANCE,
  MATCH_LENGTH,
  MATCH_MAX,
  MATCH_MIN,
  MOVES,
  MOVES_FAR,
  NIBBLE_SHIFT,
  NIBBLES,
  NTH,
  OF_VALUE,
  PACKED_FULL,
  PART_BYTES,
  PART_START,
  PIECE,
  PLACE_SHIFT,
  PLACES,
  PLACES_MAX,
  POS,
  PRODUCTS,
  REPEAT_MIN,
  SLACK,
  STANDS,
  SUM,
  SUMMED_MIN,
  SYMBOL_SHIFT,
  TAIL,
  TAIL_VERSION,
  VALUE_LENGTH,
  VALUE_SHIFT,
  VALUES,
  VERSION,
  WEIGHT,
  WEIGHTED,
  WEIGHTED_FULL,
  WEIGHTED_NEXT,
  WEIGHTS,
} from '../layout.ts'

/** In notes. */
const AHEAD = 4
const POLYNOMIAL: u32 = 0xedb8_8320

/** Of COUNT, which stands behind WEIGHT. */
const ONE_MORE: u64 = (<u64>1) << 32

/** A symbol that is none: its code has no bits, and nobody asks how often it came. */
const NO_LETTER: u32 = LENGTHS + MATCH_MAX + 1

/** The number at `position`, and `nth` more. */
function number(position: i32, nth: i32 = 0): i32 {
  return load<i32>(<usize>((position + nth) << 2))
}

function setNumber(position: i32, value: i32): void {
  store<i32>(<usize>(position << 2), value)
}

/** Adds a letter's weight where it ends, and counts it, both at once. Returns its code. */
function letterCode(letter: u32, partAt: i32): u32 {
  const at: i32 = letter << SYMBOL_SHIFT
  const both: usize = (at + WEIGHT) << 2
  const weight: u64 = load<u32>((WEIGHTS + partAt) << 2)
  store<u64>(both, (load<u64>(both) ^ weight) + ONE_MORE)
  return number(at + CODE)
}

/**
 * Packs notes from the `next`th on, as long as they are what most are and there is room, and returns which comes next.
 * Of that one nothing is done yet, when something is in its way.
 */
export function packNotes(next: i32, noted: i32): i32 {
  let at = number(AT)
  let partAt = at - number(PART_START)
  let matchLength = number(MATCH_LENGTH)
  let matchDistance = number(MATCH_DISTANCE)
  let weightedNext = number(WEIGHTED_NEXT)
  let letterNext = number(LETTER_NEXT)
  let pos = number(POS)
  let held: u64 = <u64>number(HELD)
  let bits = number(HELD_BITS)

  let asked = 0
  while (next < noted) {
    const note = number(next)
    // The place of a piece that comes a bit later is asked for now: it may have to come from the second cache. For letters, and behind
    // the last note, it is just any place.
    asked ^= number(PLACES + ((number(next, AHEAD) & (PLACES_MAX - 1)) << PLACE_SHIFT))
    const nth = note & NTH
    const place = PLACES + (nth << PLACE_SHIFT)
    let length: i32
    if (note < 0) length = -note
    else length = number(place, note < OF_VALUE || note >= AS_LETTERS ? LENGTH : VALUE_LENGTH)
    if (partAt >= PART_BYTES || length > SLACK || weightedNext >= WEIGHTED_FULL) break
    if (pos + LETTER_PACKED * length + (matchLength >>> 4) > PACKED_FULL) break

    // A piece, which is a match unless it stood too far back;
    let source = VALUES + (nth << VALUE_SHIFT)
    let distance = 0
    if (note >= 0 && note < OF_VALUE) {
      distance = at - number(place, LAST_AT)
      const isSame = distance === matchDistance
      if (isSame || (distance <= DISTANCE_MAX && length >= REPEAT_MIN)) {
        if (note < CHANGING || length >= SUMMED_MIN) {
          partAt += length
          const weight = number(place, WEIGHT)
          setNumber(weightedNext, place)
          weightedNext += i32(weight === 0)
          setNumber(place + WEIGHT, weight ^ number(WEIGHTS, partAt))
        } else {
          for (let i = 0; i < length; i++) {
            partAt++
            const letter: i32 = (<i32>load<u8>(source + i)) << SYMBOL_SHIFT
            setNumber(letter + WEIGHT, number(letter, WEIGHT) ^ number(WEIGHTS, partAt))
          }
        }
        setNumber(place + LAST_AT, at)
        if (isSame) {
          at += length
          matchLength += length
          next++
          continue
        }
      } else if (note >= CHANGING) {
        distance = 0
        setNumber(place + LAST_AT, at)
      } else {
        const head = number(place, HEAD)
        const tail = number(place, TAIL)
        if (
          number(place, VALUE_LENGTH) === 0 ||
          number(PLACES + (head << PLACE_SHIFT), VERSION) !== number(place, HEAD_VERSION) ||
          number(PLACES + (tail << PLACE_SHIFT), VERSION) !== number(place, TAIL_VERSION)
        )
          break
        setNumber(place + LAST_AT, at)
        setNumber(next - 2, head)
        setNumber(next - 1, nth | OF_VALUE)
        setNumber(next, tail)
        next -= 2
        continue
      }
    } else if (note < 0) {
      // or letters that nothing is known of.
      source = letterNext
      if (source + length > number(LETTER_END)) break
      letterNext += length
    } else if (note >= AS_LETTERS) {
      if (note >= STANDS) {
        setNumber(place + LAST_AT, at - length)
        next++
        continue
      }
      source = PIECE
      setNumber(place + LAST_AT, at)
    }

    // In either case the match before it ends here.
    if (matchLength > 0) {
      const from: u32 = matchDistance - 1
      let symbol = from
      let extra: u32 = 0
      if (from >= 4) {
        const high: u32 = 31 - clz(from)
        extra = high - 1
        symbol = 2 * high + ((from >>> extra) & 1)
      }
      const distanceAt: i32 = DISTANCES + (symbol << DISTANCE_SHIFT)
      const code = number(distanceAt, CODE)
      const codeBits = code >>> BITS_SHIFT
      const distanceCode: u64 = (code & CODE_BITS) | ((from & ((1 << extra) - 1)) << codeBits)
      do {
        // No rest may be shorter than a match can be.
        let part = matchLength
        if (part > MATCH_MAX) part = part < MATCH_MAX + MATCH_MIN ? MATCH_MAX - MATCH_MIN : MATCH_MAX
        matchLength -= part
        const lengthAt = (LENGTHS + part) << SYMBOL_SHIFT
        setNumber(lengthAt + COUNT, number(lengthAt, COUNT) + 1)
        setNumber(distanceAt + COUNT, number(distanceAt, COUNT) + 1)
        const lengthCode = number(lengthAt, CODE)
        held |= (<u64>(lengthCode & CODE_BITS)) << bits
        bits += lengthCode >>> BITS_SHIFT
        held |= distanceCode << bits
        bits += codeBits + extra
        // Whole bytes go, without asking whether there are any: nobody could guess that.
        store<u64>(pos, held)
        pos += bits >>> 3
        held >>>= bits & 56
        bits &= 7
      } while (matchLength > 0)
    }
    next++
    at += length
    matchDistance = distance
    if (distance > 0) {
      matchLength = length
      continue
    }

    const stop = source + length
    for (const fours = stop - (length & 3); source < fours; source += 4) {
      const letters = load<u32>(source)
      const first = letterCode(letters & 0xff, partAt + 1)
      const second = letterCode((letters >>> 8) & 0xff, partAt + 2)
      const third = letterCode((letters >>> 16) & 0xff, partAt + 3)
      partAt += 4
      const fourth = letterCode(letters >>> 24, partAt)
      held |= (<u64>(first & CODE_BITS)) << bits
      bits += first >>> BITS_SHIFT
      held |= (<u64>(second & CODE_BITS)) << bits
      bits += second >>> BITS_SHIFT
      held |= (<u64>(third & CODE_BITS)) << bits
      bits += third >>> BITS_SHIFT
      held |= (<u64>(fourth & CODE_BITS)) << bits
      bits += fourth >>> BITS_SHIFT
      store<u64>(pos, held)
      pos += bits >>> 3
      held >>>= bits & 56
      bits &= 7
    }
    const rest = stop - source
    if (rest === 0) continue
    // Up to three, without asking how many, as nobody could guess that: those that are not there have no bits, and what is read
    // for them, of letters and of weights, is behind the end of both but in this memory.
    const letters = load<u32>(source)
    const first = letterCode(letters & 0xff, partAt + 1)
    const second = letterCode(select<u32>((letters >>> 8) & 0xff, NO_LETTER, rest > 1), partAt + 2)
    const third = letterCode(select<u32>((letters >>> 16) & 0xff, NO_LETTER, rest > 2), partAt + 3)
    partAt += rest
    held |= (<u64>(first & CODE_BITS)) << bits
    bits += first >>> BITS_SHIFT
    held |= (<u64>(second & CODE_BITS)) << bits
    bits += second >>> BITS_SHIFT
    held |= (<u64>(third & CODE_BITS)) << bits
    bits += third >>> BITS_SHIFT
    store<u64>(pos, held)
    pos += bits >>> 3
    held >>>= bits & 56
    bits &= 7
  }

  // Otherwise the compiler would not ask for what nobody uses.
  setNumber(ASKED, asked)
  setNumber(AT, at)
  setNumber(MATCH_LENGTH, matchLength)
  setNumber(MATCH_DISTANCE, matchDistance)
  setNumber(WEIGHTED_NEXT, weightedNext)
  setNumber(LETTER_NEXT, letterNext)
  setNumber(POS, pos)
  setNumber(HELD, <i32>held)
  setNumber(HELD_BITS, bits)
  return next
}

/** The sum of this part of the text, behind what had the sum `crc` (crc.ts). The next part begins: nothing has a weight. */
export function endPart(crc: u32): u32 {
  const end = number(WEIGHTED_NEXT)
  for (let i = WEIGHTED; i < end; i++) endWeight(number(i))
  setNumber(WEIGHTED_NEXT, WEIGHTED)
  for (let letter = 0; letter < 256; letter++) {
    const at = letter << SYMBOL_SHIFT
    addProduct(at + WEIGHT, number(at, LETTER_SUM))
  }
  const at = number(AT)
  const length = at - number(PART_START)
  setNumber(PART_START, at)
  const near = product(crc ^ takeProducts(), number(MOVES, length & 255))
  return product(near, number(MOVES_FAR, length >>> 8))
}

/** The sum of the piece in that place will be another one. */
export function endWeight(place: i32): void {
  addProduct(place + WEIGHT, number(place, SUM))
}

/** Adds the product of `sum` and the weight in that position, which is 0 then. */
function addProduct(position: i32, sum: u32): void {
  const weight = number(position)
  if (weight === 0) return
  setNumber(position, 0)
  for (let nibble = 0; nibble < NIBBLES; nibble++) {
    const at: i32 = PRODUCTS + (nibble << NIBBLE_SHIFT) + (sum & 15)
    setNumber(at, number(at) ^ weight)
    sum >>>= 4
  }
}

/** All products since it was asked for last, added up. */
function takeProducts(): u32 {
  let sum: u32 = 0
  for (let nibble = 0; nibble < NIBBLES; nibble++) {
    const values = PRODUCTS + (nibble << NIBBLE_SHIFT)
    const fourth = fold(values, 8)
    const third = fold(values, 4)
    const second = fold(values, 2)
    sum = timesX(sum) ^ fold(values, 1)
    sum = timesX(sum) ^ second
    sum = timesX(sum) ^ third
    sum = timesX(sum) ^ fourth
  }
  return sum
}

/** Weights of values whose highest bit is set, added up. They go on as those of the value without that bit. */
function fold(values: i32, bit: i32): u32 {
  let sum: u32 = 0
  for (let value = 0; value < bit; value++) {
    const weight = number(values + bit, value)
    setNumber(values + bit + value, 0)
    setNumber(values + value, number(values, value) ^ weight)
    sum ^= weight
  }
  return sum
}

function timesX(sum: u32): u32 {
  return (sum >>> 1) ^ (POLYNOMIAL & (0 - (sum & 1)))
}

function product(a: u32, b: u32): u32 {
  let sum: u32 = 0
  for (; a !== 0; a <<= 1) {
    sum ^= b & (0 - (a >>> 31))
    b = timesX(b)
  }
  return sum
}
