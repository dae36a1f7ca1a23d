/**
 * Go's `strings.ToLower` and `ToUpper` (Go 1.26, Unicode 15): letter by letter, one for one. JavaScript maps whole texts, so
 * that a sharp s becomes two letters and a sigma knows whether its word ends.
 */

/** Greek letters with iota below, whose capital is one letter: eight behind, but for the last three, which are nine. */
const IOTA = /[\u1f80-\u1f87\u1f90-\u1f97\u1fa0-\u1fa7]/
const IOTA_NINE = /[\u1fb3\u1fc3\u1ff3]/
const DOTTED_I = '\u0130'

/** Pairs of letters of which Unicode 15 had no, or only one half. */
const YOUNGER =
  /[\u019b\u0264\u1c89\u1c8a\ua7cb-\ua7cf\ua7d2-\ua7d5\ua7da-\ua7dc\u{10d50}-\u{10d65}\u{10d70}-\u{10d85}\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}]/u

const ASCII = /^[\0-\x7f]*$/

export function goLower(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : Array.from(text, lowerLetter).join('')
}

export function goUpper(text: string): string {
  return ASCII.test(text) ? text.toUpperCase() : Array.from(text, upperLetter).join('')
}

function lowerLetter(letter: string): string {
  if (letter === DOTTED_I) return 'i'
  return YOUNGER.test(letter) ? letter : letter.toLowerCase()
}

function upperLetter(letter: string): string {
  if (IOTA.test(letter)) return String.fromCharCode(letter.charCodeAt(0) + 8)
  if (IOTA_NINE.test(letter)) return String.fromCharCode(letter.charCodeAt(0) + 9)
  if (YOUNGER.test(letter)) return letter
  const upper = letter.toUpperCase()
  return upper.codePointAt(0)! > 0xffff || upper.length === 1 ? upper : letter
}
