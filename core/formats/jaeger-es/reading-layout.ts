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
/**
 * What each of them is, of those that were looked for: a slot; or `TEXTS - 2 * entry` of a known key, when its value is a text that
 * JSON has as it is, and one less when that begins as most do. The list then has where the rest of the text begins.
 */
export const FOUND = LIST_END
export const TEXTS = -2
const FOUND_END = FOUND + LIST_MAX

/** The slot for the attribute that was not found, when it is worth to be kept; or -1. */
export const WANTED = FOUND_END
/** 64 bits of what was hashed last. */
export const HASH_LOW = WANTED + 1
export const HASH_HIGH = WANTED + 2
/** The slot for the key that was looked for last. */
export const KEY_SLOT = WANTED + 3
/** How long a text may be that is found with its key: no longer than its length takes one byte, and that of its value. */
export const TEXT_MAX = WANTED + 4
export const SHORT_TEXT_MAX = 0x7d

/** By slot: the hash of what was looked for last in vain. */
export const SEEN = WANTED + 8
export const SLOT_BITS = 12
export const SLOTS = 1 << SLOT_BITS
const SEEN_END = SEEN + SLOTS
/** By place in a list: the slot of what was there the last two times; of what was there once, its bits turned over. */
export const EXPECTED = SEEN_END
/** Places further back share one with others. */
export const EXPECTED_MASK = 63
const EXPECTED_END = EXPECTED + EXPECTED_MASK + 1
/** By slot of a key: its entry and 1; 0 when there is none. */
export const KEY_SLOTS = EXPECTED_END
export const KEY_SLOT_BITS = 10
export const KEYS = 1 << KEY_SLOT_BITS
export const NUMBERS_END = KEY_SLOTS + KEYS

/** From this byte on, by slot: how many bytes the attribute has that is kept there. */
export const LENGTHS = NUMBERS_END << 2
/** From this byte on, by slot: these bytes. Longer attributes seldom come again. */
export const KNOWN = LENGTHS + SLOTS
export const KNOWN_SHIFT = 7
export const KNOWN_MAX = 1 << KNOWN_SHIFT
export const KNOWN_MIN = 4
export const KNOWN_BYTES = SLOTS << KNOWN_SHIFT

/** From this byte on, by entry, from `entry << KEY_SHIFT` on: a key. Longer ones seldom come again. */
export const KEY_ENTRIES = KNOWN + KNOWN_BYTES
export const KEY_SHIFT = 7
export const KEY_BYTES = 1 << KEY_SHIFT
export const KEY_MAX = 64
/** What its values begin with, nearly all of them, and how many bytes that is; */
export const START = KEY_MAX
export const START_MAX = 32
export const START_LENGTH = START + START_MAX
/** how many more values may begin otherwise than begin so (common-start.ts); */
export const PATIENCE = START_LENGTH + 1
export const PATIENCE_MAX = 16
/** how many bytes the key has; 1 when its tags are in the list. */
export const KEY_LENGTH = START_LENGTH + 2
export const IN_LIST = START_LENGTH + 3
export const KEY_ENTRIES_BYTES = KEYS << KEY_SHIFT

/** From this byte on: one attribute, of what is not in the window. */
export const ALONE = KEY_ENTRIES + KEY_ENTRIES_BYTES
/** From this byte on: a part of the request. Spans that are longer are read by TypeScript. */
export const WINDOW = ALONE + KNOWN_MAX
export const WINDOW_BYTES = 64 * 1024

export const PAGE_BYTES = 64 * 1024
/** Eight bytes at a time are read, up to and behind the end. */
const BEHIND = 8
export const MEMORY_BYTES = (WINDOW + WINDOW_BYTES + BEHIND + PAGE_BYTES - 1) & -PAGE_BYTES
