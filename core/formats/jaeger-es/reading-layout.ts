/**
 * Where things are in the memory that spans are read in (reading-memory.ts), for both who work in it: TypeScript, and
 * WebAssembly (assembly/reading.ts, whose compiler reads this file, too: it may have nothing but numbers). Positions count
 * numbers of 32 bits, where they are not said to be bytes.
 */

/** OTLP has no field of a span above this. */
export const FIELD_MAX = 16
/** Of the span that was read last, by field: where the last one begins and ends. */
export const STARTS = 0
export const STOPS = 32
const STOPS_END = 64

/** Where each of its attributes begins and ends, in order; spans with more are read by TypeScript. */
export const LIST = STOPS_END
export const LIST_MAX = 256
const LIST_END = LIST + 2 * LIST_MAX
/** What each of them is, of those that were looked for: a slot. */
export const FOUND = LIST_END
const FOUND_END = FOUND + LIST_MAX

/** The slot for the attribute that was not found, when it is worth to be kept; or -1. */
export const WANTED = FOUND_END
/** 64 bits of what was hashed last. */
export const HASH_LOW = WANTED + 1
export const HASH_HIGH = WANTED + 2

/** By slot: the hash of what was looked for last in vain. */
export const SEEN = WANTED + 4
export const SLOT_BITS = 12
export const SLOTS = 1 << SLOT_BITS
const SEEN_END = SEEN + SLOTS
/** By place in a list: the slot of what was there the last two times; of what was there once, its bits turned over. */
export const EXPECTED = SEEN_END
/** Places further back share one with others. */
export const EXPECTED_MASK = 63
export const NUMBERS_END = EXPECTED + EXPECTED_MASK + 1

/** From this byte on, by slot: how many bytes the attribute has that is kept there. */
export const LENGTHS = NUMBERS_END << 2
/** From this byte on, by slot: these bytes. Longer attributes seldom come again. */
export const KNOWN = LENGTHS + SLOTS
export const KNOWN_SHIFT = 7
export const KNOWN_MAX = 1 << KNOWN_SHIFT
export const KNOWN_MIN = 4
export const KNOWN_BYTES = SLOTS << KNOWN_SHIFT

/** From this byte on: one attribute, of what is not in the window. */
export const ALONE = KNOWN + KNOWN_BYTES
/** From this byte on: a part of the request. Spans that are longer are read by TypeScript. */
export const WINDOW = ALONE + KNOWN_MAX
export const WINDOW_BYTES = 64 * 1024

export const PAGE_BYTES = 64 * 1024
export const MEMORY_BYTES = (WINDOW + WINDOW_BYTES + PAGE_BYTES - 1) & -PAGE_BYTES
