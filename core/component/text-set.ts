/** The Collector's filterset: a list of texts, or of patterns, that a name may match. */

import { compile, Memo } from '../formats/re2.ts'
import { readString } from '../otlp/cursor.ts'
import { KeySet } from '../otlp/keys.ts'

export interface TextSet {
  has(text: string): boolean
  /** The same for UTF-8; exact texts are compared without decoding. */
  hasBytes(bytes: Uint8Array, start: number, stop: number): boolean
}

/** Any of these texts, exactly. */
export function exactly(texts: readonly string[]): TextSet {
  const plain = new Set(texts)
  const keys = new KeySet(texts)
  return {
    has: text => plain.has(text),
    hasBytes: (bytes, start, stop) => keys.find(bytes, start, stop) >= 0,
  }
}

/** Any of these patterns, anywhere in the text; `memory` is how many results are remembered. */
export function matching(patterns: readonly string[], memory?: number): TextSet {
  const compiled = [...new Set(patterns)].map(compile)
  const memo = new Memo(text => compiled.some(pattern => pattern.test(text)), memory)
  return {
    has: text => memo.get(text),
    hasBytes: (bytes, start, stop) => memo.get(readString(bytes, start, stop)),
  }
}
