/**
 * Numbers as Go's strconv reads and prints them, because configs and attribute values of the Collector's users rely on
 * what it accepts: `1_000.5`, `0x1p-2`, `Inf`, but not ` 1`. Follows strconv of Go 1.26.
 */

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** `strconv.ParseInt(text, 10, 64)`; undefined where that fails. */
export function parseGoInt(text: string): bigint | undefined {
  // 40 digits are beyond 64 bits unless they are leading zeros, which nobody writes that many of.
  if (!/^[+-]?[0-9]{1,40}$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  return value >= INT64_MIN && value <= INT64_MAX ? value : undefined
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i
const HEX = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?[0-9]+)$/i
const INFINITY = /^([+-]?)inf(?:inity)?$/i

/** `strconv.ParseFloat(text, 64)`; undefined where that fails, also when the value is too large for a double. */
export function parseGoFloat(text: string): number | undefined {
  const plain = text.includes('_') ? withoutUnderscores(text) : text
  if (plain === undefined) return undefined
  if (DECIMAL.test(plain)) return finite(Number(plain))
  const infinity = INFINITY.exec(text)
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  const hex = HEX.exec(plain)
  if (hex === null || hex[2]! + hex[3]! === '') return undefined
  const size = scaled(BigInt(`0x${hex[2]}${hex[3]}`), Number(hex[4]) - 4 * hex[3]!.length)
  return finite(hex[1] === '-' ? -size : size)
}

/** Underscores stand between digits, or between a base prefix and a digit; anywhere else they are an error. */
function withoutUnderscores(text: string): string | undefined {
  const hex = /^[+-]?0x/i.test(text)
  const digit = hex ? '[0-9a-f]' : '[0-9]'
  const sound = new RegExp(`${hex ? '(?<=0x|[0-9a-f])' : '(?<=[0-9])'}_(?=${digit})`, 'gi')
  const rest = text.replaceAll(sound, '')
  return rest.includes('_') ? undefined : rest
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}

/** `mantissa * 2^exponent`, rounded once, to even, into the subnormals too. */
function scaled(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0
  const bits =
    mantissa.toString(16).length * 4 - Math.clz32(Number.parseInt(mantissa.toString(16)[0]!, 16)) + 28
  const top = bits + exponent
  if (top > 1024) return Infinity
  if (top < -1074) return 0
  const drop = bits - Math.min(53, top + 1074)
  if (drop <= 0) return Number(mantissa) * 2 ** exponent
  const by = BigInt(drop)
  let kept = mantissa >> by
  const rest = mantissa - (kept << by)
  const half = 1n << (by - 1n)
  if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++
  return Number(kept) * 2 ** (exponent + drop)
}

/** `int64(value)` as Go does it on amd64: towards zero, and the smallest integer for what does not fit. */
export function goInt(value: number): bigint {
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return INT64_MIN
  return BigInt(Math.trunc(value))
}

/** `strconv.FormatFloat(value, 'f', -1, 64)`: shortest digits, never an exponent. */
export function formatPlain(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  const parts = /^(-?)(\d+)\.?(\d*)e([+-]\d+)$/.exec(text)
  if (parts === null) return text
  const [, sign, whole, fraction] = parts as unknown as [string, string, string, string]
  const exponent = Number(parts[4])
  const digits = whole + fraction
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  return sign + digits.padEnd(exponent + 1, '0')
}

/** As JavaScript prints it, which is what Go does for JSON and the Collector for `AsString`, but -0 keeps its sign. */
export function formatDouble(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
