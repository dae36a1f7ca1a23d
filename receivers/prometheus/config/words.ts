/**
 * Values as Prometheus' own YAML has them: texts that may be written as numbers, durations with days and weeks, sizes
 * with units.
 */

import { also, type ScalarOptions, type Schema, text } from '../../../config/schema.ts'

/** A text; a number or a boolean counts as what was written, as Prometheus' YAML does. */
export function words(options: ScalarOptions<string>): Schema<string> {
  return also(text(options), 'a number', { type: ['number', 'boolean'] }, (node, path, check) => {
    if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'string') return undefined
    return text(options).read({ ...node, value: node.text }, path, check)
  })
}

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const DAY = 86_400_000
/** As in Prometheus, whose times are nanoseconds in 64 bits: 292 years. */
const MS_MAX = 2 ** 63 / 1e6
const UNITS_MS = [365 * DAY, 7 * DAY, DAY, 3_600_000, 60_000, 1000, 1]

/** `1d12h`, `15s`, `0` in ms; undefined when it is none. Prometheus' model.ParseDuration. */
export function parsePromDuration(written: string): number | undefined {
  if (written === '0') return 0
  const parts = written === '' ? null : DURATION.exec(written)
  if (parts === null) return undefined
  const ms = UNITS_MS.reduce((sum, unit, i) => sum + unit * Number(parts[i + 1] ?? 0), 0)
  return ms < MS_MAX ? ms : undefined
}

/** As Prometheus prints it: `1m30s`. */
export function formatPromDuration(ms: number): string {
  if (ms === 0) return '0s'
  const names = ['y', 'w', 'd', 'h', 'm', 's', 'ms']
  let rest = ms
  let made = ''
  for (const [i, unit] of UNITS_MS.entries()) {
    // Years and weeks only where nothing is left over.
    if (i < 2 && rest % unit !== 0) continue
    const count = Math.floor(rest / unit)
    if (count > 0) made += `${count}${names[i]}`
    rest -= count * unit
  }
  return made
}

/** A duration as text; '' when it is not written. */
export function promDuration(doc: string): Schema<string> {
  return words({
    default: '',
    doc,
    check: written =>
      written === '' || parsePromDuration(written) !== undefined
        ? undefined
        : [`"${written}" is not a duration`, 'write whole numbers with units, such as 15s, 1m30s or 1d'],
  })
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(B|[KMGTPE]i?B)$/
const PREFIXES = 'KMGTPE'

/** `10MB` or `10MiB` in bytes, both 1024 * 1024 each; 0 when nothing is written; undefined when it is none. */
export function parseSize(written: string): number | undefined {
  if (written === '' || written === '0') return 0
  const parts = SIZE.exec(written)
  if (parts === null) return undefined
  const power = parts[2] === 'B' ? 0 : PREFIXES.indexOf(parts[2]![0]!) + 1
  return Math.floor(Number(parts[1]) * 1024 ** power)
}

export function size(doc: string): Schema<string> {
  return words({
    default: '',
    doc,
    check: written =>
      parseSize(written) === undefined
        ? [`"${written}" is not a size`, 'write a number with its unit, such as 10MB']
        : undefined,
  })
}
