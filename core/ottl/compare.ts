/** Values of OTTL and how they compare: pkg/ottl's compare.go (0.155). */

import type { PlainValue } from '../otlp/value.ts'
import type { Comparison } from './parser.ts'

/** int64 is a bigint, double a number, nil null. */
export type OttlValue = PlainValue

/** Different types are different, and neither is less; an integer beside a double is taken for one; nil equals nil. */
export function compare(op: Comparison, left: OttlValue, right: OttlValue): boolean {
  if (left === null || right === null) {
    if (left === right) return op === '==' || op === '<=' || op === '>='
    return op === '!='
  }
  const order = orderOf(left, right)
  if (order === 'unordered') return op === '!='
  if (order === 'equal or not') {
    const same = sameValue(left, right)
    return op === '==' ? same : op === '!=' && !same
  }
  switch (op) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    default:
      return order >= 0
  }
}

/** Below, at or above 0; NaN when no comparison but != holds. */
function orderOf(left: NonNil, right: NonNil): number | 'unordered' | 'equal or not' {
  if (typeof left === 'bigint' && typeof right === 'bigint') return left < right ? -1 : left > right ? 1 : 0
  // Exact only below 2^53, as there.
  if (isNumber(left) && isNumber(right)) return orderOfDoubles(Number(left), Number(right))
  if (typeof left === 'string' && typeof right === 'string') {
    if (left === right) return 0
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  }
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  if (Array.isArray(left) && Array.isArray(right)) return 'equal or not'
  if (isMap(left) && isMap(right)) return 'equal or not'
  return 'unordered'
}

function orderOfDoubles(left: number, right: number): number {
  if (left === right) return 0
  if (left < right) return -1
  return left > right ? 1 : Number.NaN
}

type NonNil = NonNullable<OttlValue>

function isNumber(value: NonNil): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function isMap(value: OttlValue): value is { [key: string]: PlainValue } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}

/** Deep, and types must be the same. */
function sameValue(left: OttlValue, right: OttlValue): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, i) => sameValue(item, right[i]!))
  if (isMap(left) && isMap(right)) {
    const keys = Object.keys(left)
    return (
      keys.length === Object.keys(right).length &&
      keys.every(key => key in right && sameValue(left[key]!, right[key]!))
    )
  }
  return left === right
}
