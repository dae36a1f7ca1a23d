/**
 * What is read of every span: where its fields are, which of its attributes are known, a hash of all. AssemblyScript, for
 * WebAssembly: `npm run wasm` makes reading.wasm of it. There, up to sixteen bytes are compared at once. The bytes have passed
 * `validate`.
 */

import {
  EXPECTED,
  EXPECTED_MASK,
  FIELD_MAX,
  FOUND,
  HASH_HIGH,
  HASH_LOW,
  IN_LIST,
  KEY_ENTRIES,
  KEY_LENGTH,
  KEY_MAX,
  KEY_SHIFT,
  KEY_SLOT,
  KEY_SLOT_BITS,
  KEY_SLOTS,
  KNOWN,
  KNOWN_MAX,
  KNOWN_MIN,
  KNOWN_SHIFT,
  LENGTHS,
  LIST,
  LIST_MAX,
  PATIENCE,
  PATIENCE_MAX,
  SEEN,
  SLOT_BITS,
  START,
  START_LENGTH,
  STARTS,
  STOPS,
  TEXT_MAX,
  TEXTS,
  WANTED,
} from '../reading-layout.ts'

/** Of a span, as core/otlp/fields.ts has it, and wire types of core/otlp/cursor.ts: this compiler cannot read those. */
const ATTRIBUTES: u32 = 9
const VARINT: u32 = 0
const I64: u32 = 1
const LEN: u32 = 2
const I32: u32 = 5
/** From here on a varint has another byte. */
const LONG: u32 = 0x80
/** Of what is not found. */
const NONE: i32 = -1

function number(position: i32): i32 {
  return load<i32>(<usize>(position << 2))
}

function setNumber(position: i32, value: i32): void {
  store<i32>(<usize>(position << 2), value)
}

/**
 * Notes where the fields and attributes are of the span in `[from, to)`, from byte `base` on counted. Returns how many
 * attributes there are; -1 when something is so rare that TypeScript must look at it (SpanRanges).
 */
export function readSpan(from: i32, to: i32, base: i32): i32 {
  for (let field = 0; field <= FIELD_MAX; field++) setNumber(STARTS + field, -1)
  let count = 0
  for (let pos = from; pos < to; ) {
    let tag: u32 = load<u8>(pos++)
    if (tag >= LONG) {
      const more: u32 = load<u8>(pos++)
      if (more >= LONG) return -1
      tag = (tag & 0x7f) | (more << 7)
    }
    const wire = tag & 7
    const field: i32 = tag >>> 3
    let start = pos
    if (wire === LEN) {
      let length: u32 = load<u8>(pos++)
      if (length >= LONG) {
        const more: u32 = load<u8>(pos++)
        if (more >= LONG) return -1
        length = (length & 0x7f) | (more << 7)
      }
      start = pos
      pos += length
    } else if (wire === VARINT) while (<u32>load<u8>(pos++) >= LONG);
    else if (wire === I64) pos += 8
    else if (wire === I32) pos += 4
    else return -1
    if (field === ATTRIBUTES) {
      if (count === LIST_MAX) return -1
      setNumber(LIST + 2 * count, start - base)
      setNumber(LIST + 2 * count + 1, pos - base)
      count++
    } else if (field <= FIELD_MAX) {
      setNumber(STARTS + field, start - base)
      setNumber(STOPS + field, pos - base)
    }
  }
  return count
}

/**
 * Looks for attributes of the list from the `next`th to before the `count`th, until one is neither known nor a text of a known
 * key, or is worth to be kept. Returns which, or `count`.
 */
export function findAttributes(next: i32, count: i32, base: i32): i32 {
  for (; next < count; next++) {
    const stop = number(LIST + 2 * next + 1) + base
    let found = findAttribute(number(LIST + 2 * next) + base, stop, next)
    if (found === NONE) {
      if (number(WANTED) !== NONE) break
      found = findText(number(LIST + 2 * next) + base, stop, next, base)
      if (found === NONE) break
    }
    setNumber(FOUND + next, found)
  }
  return next
}

/**
 * The slot of the KeyValue `[start, stop)`, the `nth` of its list; -1 when it is not known. Many are in the same place of each
 * list, always with the same value: there it is tried first.
 */
export function findAttribute(start: i32, stop: i32, nth: i32): i32 {
  const length = stop - start
  setNumber(WANTED, NONE)
  if (length < KNOWN_MIN || length > KNOWN_MAX) return NONE
  const expectedAt = EXPECTED + (nth & EXPECTED_MASK)
  const expected = number(expectedAt)
  if (expected >= 0 && isKnown(expected, start, length)) return expected
  const hash = hashOf(start, length)
  let slot = <i32>(hash >>> (64 - SLOT_BITS))
  if (!isKnown(slot, start, length)) {
    slot ^= 1
    if (!isKnown(slot, start, length)) {
      slot ^= 1
      const seen = <i32>(hash >>> 24)
      if (number(SEEN + slot) === seen) setNumber(WANTED, slot)
      else setNumber(SEEN + slot, seen)
      return NONE
    }
  }
  // Whatever is there twice in a row is expected to stay.
  setNumber(expectedAt, ~slot === expected ? slot : ~slot)
  return slot
}

/** Sixteen bytes at a time, the last ones at the end. */
function isKnown(slot: i32, start: i32, length: i32): bool {
  if (<i32>load<u8>(LENGTHS + slot) !== length) return false
  const known = KNOWN + (slot << KNOWN_SHIFT)
  if (length < 8)
    return (
      load<u32>(known) === load<u32>(start) && load<u32>(known + length - 4) === load<u32>(start + length - 4)
    )
  if (length < 16)
    return (
      load<u64>(known) === load<u64>(start) && load<u64>(known + length - 8) === load<u64>(start + length - 8)
    )
  const last = length - 16
  for (let i = 0; i < last; i += 16)
    if (v128.any_true(v128.xor(v128.load(known + i), v128.load(start + i)))) return false
  return !v128.any_true(v128.xor(v128.load(known + last), v128.load(start + last)))
}

/** Of up to forty bytes: where keys begin, in the middle, and where values end. */
function hashOf(start: i32, length: i32): u64 {
  if (length < 8) return mix(mix(length, load<u32>(start)), load<u32>(start + length - 4))
  const last = start + length - 8
  let hash: u64 = length
  if (length <= 24) for (let i = start; i < last; i += 8) hash = mix(hash, load<u64>(i))
  else {
    hash = mix(hash, load<u64>(start + 4))
    hash = mix(hash, load<u64>(start + 12))
    hash = mix(hash, load<u64>((start + last) >>> 1))
    hash = mix(hash, load<u64>(last - 8))
  }
  return mix(hash, load<u64>(last))
}

/** 2^64 divided by the golden ratio. */
const GOLDEN: u64 = ((<u64>0x9e37_79b9) << 32) | 0x7f4a_7c15

function mix(hash: u64, word: u64): u64 {
  return (rotl(hash, 29) ^ word) * GOLDEN
}

/**
 * The entry of the key `[start, stop)`; -1 when it is not known, or has no length that keys have. Leaves its slot in KEY_SLOT:
 * two keys of one slot have room side by side.
 */
export function findKey(start: i32, stop: i32): i32 {
  const length = stop - start
  if (length <= 0 || length > KEY_MAX) return NONE
  // Keys of one length differ at their ends, or in the middle.
  const ends: u32 = ((<u32>load<u8>(start)) << 16) | ((<u32>load<u8>(stop - 1)) << 8)
  const mixed: u32 = (ends | <u32>load<u8>(start + (length >> 1))) + length
  let slot = <i32>((mixed * 0x9e37_79b1) >>> (32 - KEY_SLOT_BITS))
  setNumber(KEY_SLOT, slot)
  for (let tries = 0; tries < 2; tries++) {
    const entry = number(KEY_SLOTS + slot) - 1
    const key = KEY_ENTRIES + (entry << KEY_SHIFT)
    if (entry >= 0 && <i32>load<u8>(key + KEY_LENGTH) === length && isSame(key, start, length)) return entry
    slot ^= 1
  }
  return NONE
}

/**
 * What most attributes are, in one go: a known key whose tags are in the list, and a text that JSON has as it is, both shorter
 * than 128 bytes. -1 says nothing. Else, this is what FOUND has of it, and the `nth` of the list begins where the text does that
 * is not known.
 *
 *     0a <length> key  12 <length> 0a <length> text
 */
function findText(start: i32, stop: i32, nth: i32, base: i32): i32 {
  const keyStop = start + 2 + <i32>load<u8>(start + 1)
  let from = keyStop + 4
  const length = stop - from
  if (load<u8>(start) !== 0x0a || length < 0 || length > number(TEXT_MAX)) return NONE
  if (load<i32>(keyStop) !== (0x0a_0012 | ((length + 2) << 8) | (length << 24))) return NONE
  const entry = findKey(start + 2, keyStop)
  if (entry === NONE) return NONE
  const key = KEY_ENTRIES + (entry << KEY_SHIFT)
  const common = <i32>load<u8>(key + START_LENGTH)
  const isCommon = common > 0 && length >= common && isSame(key + START, from, common)
  if (isCommon) from += common
  const patience = <i32>load<u8>(key + PATIENCE)
  // Another start is looked for in TypeScript.
  if (!isCommon && patience <= 1) return NONE
  if (load<u8>(key + IN_LIST) === 0 || !isPlain(from, stop)) return NONE
  store<u8>(key + PATIENCE, isCommon ? min<i32>(patience + 1, PATIENCE_MAX) : patience - 1)
  setNumber(LIST + 2 * nth, from - base)
  return TEXTS - 2 * entry - i32(isCommon)
}

/** Of bytes behind the end nothing is looked at. */
function isSame(one: i32, other: i32, length: i32): bool {
  let at = 0
  for (; at + 8 <= length; at += 8) if (load<u64>(one + at) !== load<u64>(other + at)) return false
  const rest: u64 = length - at
  return rest === 0 || (load<u64>(one + at) ^ load<u64>(other + at)) << (64 - 8 * rest) === 0
}

const ONES: u64 = ((<u64>0x0101_0101) << 32) | 0x0101_0101
const SPACES: u64 = ONES * 0x20
const QUOTES: u64 = ONES * 0x22
const BACKSLASHES: u64 = ONES * 0x5c
const HIGHEST: u64 = ONES * 0x80

/** Whether it is what belongs between the quotes of a JSON string, as it stands, and no letter has more than one byte. */
function isPlain(start: i32, stop: i32): bool {
  let found: u64 = 0
  for (; start < stop; start += 8) {
    let word = load<u64>(start)
    const rest: u64 = stop - start
    // Spaces, instead of what is behind the end.
    if (rest < 8) word = (word << (64 - 8 * rest)) | (SPACES >>> (8 * rest))
    // The highest bit of a byte is 1 where the difference is below 0; the byte behind it then says nothing, and need not. Bytes
    // that have this bit themselves keep it in one of the last two.
    found |= (word - SPACES) | ((word ^ QUOTES) - ONES) | ((word ^ BACKSLASHES) - ONES)
  }
  return (found & HIGHEST) === 0
}

const C1: u32 = 0xcc9e_2d51
const C2: u32 = 0x1b87_3593
const C3: u32 = 0x85eb_ca6b
const C4: u32 = 0xc2b2_ae35

/** As content-hash.ts does, of `[start, stop)` and of what was hashed before. */
export function hashContent(start: i32, stop: i32, low: u32, high: u32): void {
  let a: u32 = low ^ (stop - start)
  let b: u32 = high ^ C1
  let at = start
  for (const last = stop - 8; at <= last; at += 8) {
    a = rotl(a ^ load<u32>(at), 13) * C1 + b
    b = rotl(b ^ load<u32>(at + 4), 17) * C2 + a
  }
  // What is left, up to seven bytes, in two words.
  let rest: u64 = 0
  for (let shift: u64 = 0; at < stop; at++, shift += 8) rest |= (<u64>load<u8>(at)) << shift
  a = (a ^ <u32>rest) * C3
  b = (b ^ <u32>(rest >>> 32)) * C4 + rotl(a, 13)
  const hashLow = avalanche(a + b)
  setNumber(HASH_LOW, hashLow)
  setNumber(HASH_HIGH, avalanche(b ^ (hashLow << 7)))
}

function avalanche(value: u32): u32 {
  let h = (value ^ (value >>> 16)) * C3
  h = (h ^ (h >>> 13)) * C4
  return h ^ (h >>> 16)
}
