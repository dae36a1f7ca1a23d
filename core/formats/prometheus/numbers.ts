/** Numbers as client_golang writes them on a page: Go's `strconv.FormatFloat(value, 'g', -1, 64)`. */

/** Classic text: `1`, `0.5`, `1e+06`, `+Inf`, `NaN`. Zero has no sign. */
export function formatFloat(value: number): string {
  if (value === 0) return '0'
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  // Go changes to exponents here; JavaScript would at 1e-7 and 1e21. The digits are the shortest ones in both.
  if (size >= 1e-4 && size < 1e6) return String(value)
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const sign = exponent[0]
  const power = exponent.slice(1)
  return `${digits}e${sign}${power.length < 2 ? `0${power}` : power}`
}

/** OpenMetrics: the same, but what would look like an integer has `.0` behind it. */
export function formatOpenFloat(value: number): string {
  const text = formatFloat(value)
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text
}

/** Nanoseconds since 1970 as seconds, as OpenMetrics writes times. */
export function formatSeconds(nanos: bigint): string {
  return formatOpenFloat(Number(nanos) / 1e9)
}

/** Nanoseconds since 1970 as whole milliseconds. */
export function toMillis(nanos: bigint): bigint {
  return nanos / 1_000_000n
}
