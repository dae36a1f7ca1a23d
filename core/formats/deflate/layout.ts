/**
 * Where things are in the memory that packs a text (pack-memory.ts), for both who work in it: TypeScript, and the loop in
 * WebAssembly (assembly/pack.ts, whose compiler reads this file, too: it may have nothing but numbers). What belongs
 * together lies together. Positions count numbers of 32 bits, where they are not said to be bytes.
 */

/** By letter, and from LENGTHS on by length of a match, from `symbol << SYMBOL_SHIFT` on: */
export const SYMBOL_SHIFT = 2
export const LENGTHS = 256
export const MATCH_MIN = 3
export const MATCH_MAX = 258
/** the code with what follows it, the first bit lowest, and from BITS_SHIFT on how many bits these are; */
export const CODE = 0
export const BITS_SHIFT = 24
export const CODE_BITS = 0xff_ffff
/** of a letter: its checksum, and its WEIGHT, as of a place; */
export const LETTER_SUM = 1
/** how often it came: with the weight before it in one number of 64 bits. */
export const COUNT = 3
const SYMBOLS_END = (LENGTHS + MATCH_MAX + 2) << SYMBOL_SHIFT

/** By symbol of a distance, from `DISTANCES + (symbol << DISTANCE_SHIFT)` on: CODE, without what follows it, and COUNT. */
export const DISTANCES = SYMBOLS_END
export const DISTANCE_SHIFT = 2
export const DISTANCE_COUNT = 30
const DISTANCES_END = DISTANCES + (32 << DISTANCE_SHIFT)

/**
 * What is to be packed. A note is the place of a piece, or, below 0, how many letters come. These flags: of a piece whose bytes
 * change; of a value in a piece that is taken apart; of a piece that is written as letters; of one that is not written, as its
 * bytes are those that stand there last.
 */
const NOTES = DISTANCES_END
export const NOTES_END = NOTES + 1024
/** What is taken apart needs two notes before its own. */
export const NOTES_FIRST = NOTES + 2
export const CHANGING = 0x1000_0000
export const OF_VALUE = 0x2000_0000
export const AS_LETTERS = 0x4000_0000
export const STANDS = AS_LETTERS | OF_VALUE
export const NTH = CHANGING - 1
/** Shorter pieces that change are added up letter by letter: they seldom stand there often before they change. */
export const SUMMED_MIN = 32
/** Deflate reaches no further back. */
export const DISTANCE_MAX = 32_768
/** Shorter ones are as short as letters. */
export const REPEAT_MIN = 4

/** Positions of places that have a WEIGHT. */
export const WEIGHTED = NOTES_END
const WEIGHTED_END = WEIGHTED + 4096
/** Each note adds one at most. */
export const WEIGHTED_FULL = WEIGHTED_END - 1

/** More than all caches of pieces have together. What is not used is not even in memory. */
export const PLACES_MAX = 8192

/** Of place `nth` from `PLACES + (nth << PLACE_SHIFT)` on, each a line of the processor's cache (64 bytes): */
export const PLACES = (WEIGHTED_END + 15) & -16
export const PLACE_SHIFT = 4
/** where its piece stood last, or NEVER, and how long it is; */
export const LAST_AT = 0
export const LENGTH = 1
/** the weights (crc.ts) of where it stood in this part of the text, added up; and the sum that they are multiplied with; */
export const WEIGHT = 2
export const SUM = 3
/** how often the place was taken; */
export const VERSION = 4
/** of a piece that can be taken apart: how long its value is, or 0; places and versions of what is before it and behind it. */
export const VALUE_LENGTH = 5
export const HEAD = 6
export const HEAD_VERSION = 7
export const TAIL = 8
export const TAIL_VERSION = 9
export const NEVER = -0x4000_0000
const PLACES_END = PLACES + (PLACES_MAX << PLACE_SHIFT)

/** A part of a text this long is added up, and a bit more: the last piece of it may go on for another `SLACK` bytes. */
export const PART_BYTES = 28 * 1024
export const SLACK = 4 * 1024
/** By bytes from the start of a part: the weight of what ends there (crc.ts). */
export const WEIGHTS = PLACES_END
const WEIGHTS_END = WEIGHTS + PART_BYTES + SLACK

/** By nibble of a sum, the lowest first, and its value: the weights of all that have it. */
export const PRODUCTS = WEIGHTS_END
export const NIBBLES = 8
export const NIBBLE_SHIFT = 4
const PRODUCTS_END = PRODUCTS + (NIBBLES << NIBBLE_SHIFT)

/** By number of bytes up to 255, and from MOVES_FAR on by 256 of them: what moves a sum so far (crc.ts). */
export const MOVES = PRODUCTS_END
export const MOVES_FAR = MOVES + 256
const MOVES_END = MOVES_FAR + ((PART_BYTES + SLACK) >> 8) + 1

/** How far the text is: the byte of it that comes next, and the first one of this part; */
export const AT = MOVES_END
export const PART_START = AT + 1
/** a match that may go on; */
export const MATCH_LENGTH = AT + 2
export const MATCH_DISTANCE = AT + 3
/** the end of what is in WEIGHTED; */
export const WEIGHTED_NEXT = AT + 4
/** the byte of memory where what is packed goes on, and up to 7 bits that are no byte yet; */
export const POS = AT + 5
export const HELD = AT + 6
export const HELD_BITS = AT + 7
/** bytes of memory: the letter that comes next, and the end of those that are there. */
export const LETTER_NEXT = AT + 8
export const LETTER_END = AT + 9
/** Nothing that anybody reads. */
export const ASKED = AT + 10
export const NUMBERS_END = AT + 16

/** From this byte on, for each place: the value of its piece, or, of a piece that changes, all of it. */
export const VALUES = NUMBERS_END << 2
export const VALUE_SHIFT = 7
export const VALUE_MAX = 1 << VALUE_SHIFT
export const VALUES_BYTES = PLACES_MAX << VALUE_SHIFT

/** From this byte on: letters that are in no piece; and those of the piece that is written as letters. */
export const LETTERS = VALUES + VALUES_BYTES
export const LETTERS_BYTES = 64 * 1024
export const PIECE = LETTERS + LETTERS_BYTES

/** From this byte on, to the end: what is packed, until it is taken out. The loop stops where a match could not end any more. */
export const PACKED = PIECE + SLACK
const PACKED_MIN = 128 * 1024
export const PAGE_BYTES = 64 * 1024
export const MEMORY_BYTES = (PACKED + PACKED_MIN + PAGE_BYTES - 1) & -PAGE_BYTES
export const PACKED_FULL = MEMORY_BYTES - 64
/** Of output: what a byte of text takes at most, as a letter or in a match that is 16 bytes or longer. */
export const LETTER_PACKED = 2
/** Longer matches than this could need more than PACKED_MIN. */
export const MATCH_ENDS = 1024 * 1024
