/** Go's way of writing a length of time. */

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
}

const PART = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y

/** Go counts ns in 64 bits: no duration is longer. */
const MS_MAX = Number(2n ** 63n) / 1e6

/** A Go duration (`1h30m`, `200ms`, `-1.5s`, `0`) in ms, or undefined when it is none. Go's time.ParseDuration. */
export function parseDuration(written: string): number | undefined {
  const sign = written.startsWith('-') ? -1 : 1
  const body = written.replace(/^[+-]/, '')
  if (body === '0') return 0
  if (body === '') return undefined
  let total = 0
  let at = 0
  while (at < body.length) {
    PART.lastIndex = at
    const part = PART.exec(body)
    if (part === null) return undefined
    total += Number(part[1]) * UNITS_MS[part[2]!]!
    at += part[0].length
  }
  return total < MS_MAX ? sign * total || 0 : undefined
}

/** `90000` -> `1m30s`, as Go prints a duration. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const size = Math.abs(ms)
  const sign = ms < 0 ? '-' : ''
  const short = (value: number): string => `${sign}${+value.toPrecision(12)}`
  if (size < 1e-3) return `${short(size * 1e6)}ns`
  if (size < 1) return `${short(size * 1e3)}us`
  if (size < 1e3) return `${short(size)}ms`
  const hours = Math.floor(size / 3.6e6)
  const minutes = Math.floor((size % 3.6e6) / 6e4)
  const seconds = +((size % 6e4) / 1e3).toFixed(9)
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}
