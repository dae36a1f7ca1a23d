/** The few statistics of the benchmarks, over a handful of rounds on a machine that is never quite quiet. */

/** Of sorted numbers: the value at or just above the share `q`. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}

/** The middle one, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) }
}

/** The rounds in which something was measured. */
export function measured(rounds: readonly (number | null)[]): number[] {
  return rounds.filter(value => value !== null)
}

/** `above / below` of each round in which both were measured: what a noisy round did to both cancels out. */
export function roundRatios(above: readonly (number | null)[], below: readonly (number | null)[]): number[] {
  const ratios: number[] = []
  for (const [round, value] of above.entries()) {
    const other = below[round]
    if (value !== null && other !== null && other !== undefined && other > 0) ratios.push(value / other)
  }
  return ratios
}

/** What makes the median absolute deviation of so few values an unbiased estimate (Croux and Rousseeuw 1992). */
const FEW = [0, 0, 1.196, 1.495, 1.363, 1.206, 1.2, 1.14, 1.129, 1.107]
/** From median absolute deviation to standard deviation, and from the mean's standard error to the median's. */
const MAD_TO_SIGMA = 1.4826
const MEAN_TO_MEDIAN = 1.2533

/**
 * Standard error of the median of the logarithms: 0.05 means that the median is known to about 5 %. From the median
 * absolute deviation, so that one bad round does not count for much. Infinite for fewer than three values.
 */
export function logError(values: readonly number[]): number {
  const n = values.length
  if (n < 3) return Number.POSITIVE_INFINITY
  const logs = values.map(Math.log)
  const middle = median(logs)
  const deviation = median(logs.map(log => Math.abs(log - middle)))
  return (deviation * MAD_TO_SIGMA * (FEW[n] ?? n / (n - 0.8)) * MEAN_TO_MEDIAN) / Math.sqrt(n)
}
