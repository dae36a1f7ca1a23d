/**
 * What an unquoted YAML scalar means. The Collector's parser (go.yaml.in/yaml/v3, resolve.go) is neither YAML 1.1 nor
 * 1.2: octal is both `017` and `0o17`, underscores may group digits, but `yes` and `on` are texts.
 */

import type { Scalar } from './node.ts'

const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map(word => [word, null] as const),
  ...['true', 'True', 'TRUE'].map(word => [word, true] as const),
  ...['false', 'False', 'FALSE'].map(word => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map(word => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF'].flatMap(word => [
    [word, Number.POSITIVE_INFINITY] as const,
    [`+${word}`, Number.POSITIVE_INFINITY] as const,
    [`-${word}`, Number.NEGATIVE_INFINITY] as const,
  ]),
])

const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/

const INT64_MIN = -(2n ** 63n)
const UINT64_MAX = 2n ** 64n - 1n
/** A sign, a prefix and 64 binary digits: nothing longer is a 64-bit integer, and BigInt is slow on long ones. */
const INTEGER_TEXT_MAX = 67

/** The value of a plain scalar. Whole numbers above 2^53 are bigint; dates stay texts. */
export function plainScalar(text: string): Scalar {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (!/^[-+.0-9]/.test(text)) return text
  const digits = text.replaceAll('_', '')
  return integerOf(digits) ?? floatOf(digits) ?? text
}

function integerOf(text: string): number | bigint | undefined {
  if (text.length > INTEGER_TEXT_MAX || !INTEGER.test(text)) return undefined
  const negative = text.startsWith('-')
  const digits = text.replace(/^[-+]/, '').replace(/^0([0-7]+)$/, '0o$1')
  const size = BigInt(digits)
  const value = negative ? -size : size
  if (value < INT64_MIN || value > UINT64_MAX) return undefined
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

function floatOf(text: string): number | undefined {
  if (!FLOAT.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
