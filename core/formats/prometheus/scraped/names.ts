/** What is changed of names and units on the way from Prometheus to OTLP (the Collector's pkg/translator/prometheus). */

import type { PointKind } from './family.ts'

const UNITS: Readonly<Record<string, string>> = {
  days: 'd',
  hours: 'h',
  minutes: 'min',
  seconds: 's',
  milliseconds: 'ms',
  microseconds: 'us',
  nanoseconds: 'ns',
  bytes: 'By',
  kibibytes: 'KiBy',
  mebibytes: 'MiBy',
  gibibytes: 'GiBy',
  tibibytes: 'TiBy',
  kilobytes: 'KBy',
  megabytes: 'MBy',
  gigabytes: 'GBy',
  terabytes: 'TBy',
  meters: 'm',
  volts: 'V',
  amperes: 'A',
  joules: 'J',
  watts: 'W',
  grams: 'g',
  celsius: 'Cel',
  hertz: 'Hz',
  ratio: '1',
  percent: '%',
}

const PER: Readonly<Record<string, string>> = {
  second: 's',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'mo',
  year: 'y',
}

/** `bytes_per_second` -> `By/s`; an unknown word stays. */
export function ucumUnit(unit: string): string {
  const [main = '', ...rest] = unit.split('_per_')
  const per = rest.join('_per_')
  const word = (known: Readonly<Record<string, string>>, one: string) =>
    Object.hasOwn(known, one) ? known[one]! : one
  return per === '' ? word(UNITS, main) : `${word(UNITS, main)}/${word(PER, per)}`
}

/** `trim_metric_suffixes`: without `_total` of a counter and without the unit. */
export function trimmedName(name: string, kind: PointKind, unit: string): string {
  let tokens = name.split('_')
  if (tokens.length === 1) return name
  if (kind === 'sum' && tokens.at(-1) === 'total') tokens = tokens.slice(0, -1)
  const units = unit.split('_')
  const ends = tokens.length > units.length && tokens.slice(-units.length).join('_') === unit
  return (ends ? tokens.slice(0, -units.length) : tokens).join('_')
}
