/**
 * Labels kept as the text that stands in the braces of a line (`labelsText` of text.ts, with UTF-8 names): a tenth of the
 * memory of names and values of their own. Read back and compared here.
 */

import type { LabelSet } from './labels.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const EQUALS = 0x3d
const NEWLINE = 0x0a
const LETTER_N = 0x6e

/** A name, bare or in quotes, and a value, which may have escapes. */
const LABEL = /(?:"((?:[^"\\]|\\.)*)"|([^=",]+))="((?:[^"\\]|\\.)*)"/gy

function unescapeText(text: string): string {
  return text.includes('\\')
    ? text.replaceAll(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter))
    : text
}

/** The labels of which `labelsText` made this. */
export function readLabelsText(text: string): LabelSet {
  const labels: [string, string][] = []
  LABEL.lastIndex = 0
  for (let found = LABEL.exec(text); found !== null; found = LABEL.exec(text)) {
    labels.push([found[2] ?? unescapeText(found[1]!), unescapeText(found[3]!)])
    // The comma.
    LABEL.lastIndex++
  }
  return labels
}

/** Where texts lie. */
export interface LabelBytes {
  readonly bytes: Uint8Array
  readonly start: number
  readonly stop: number
}

/**
 * Two texts with the same number of labels by their values in turn, as `compareLabels`, but byte by byte: the order of
 * Go, which is that of code points. Makes nothing.
 */
export function compareLabelBytes(a: LabelBytes, b: LabelBytes): number {
  let [i, j] = [a.start, b.start]
  while (i < a.stop && j < b.stop) {
    i = valueAfter(a.bytes, i)
    j = valueAfter(b.bytes, j)
    for (;;) {
      let left = a.bytes[i++]!
      let right = b.bytes[j++]!
      const leftEnds = left === QUOTE
      const rightEnds = right === QUOTE
      if (leftEnds || rightEnds) {
        if (leftEnds && rightEnds) break
        return leftEnds ? -1 : 1
      }
      if (left === BACKSLASH) left = plain(a.bytes[i++]!)
      if (right === BACKSLASH) right = plain(b.bytes[j++]!)
      if (left !== right) return left - right
    }
    if (a.bytes[i] === COMMA) i++
    if (b.bytes[j] === COMMA) j++
  }
  return 0
}

function plain(letter: number): number {
  return letter === LETTER_N ? NEWLINE : letter
}

/** From the beginning of a name to behind the quote of its value. */
function valueAfter(bytes: Uint8Array, start: number): number {
  let at = start
  if (bytes[at] === QUOTE) {
    for (at++; bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
  }
  while (bytes[at] !== EQUALS) at++
  return at + 2
}
