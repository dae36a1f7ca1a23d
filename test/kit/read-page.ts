/** A page read to its end by the parsers of core/formats/prometheus, as plain values. */

import { type ParseOptions, parserFor } from '../../core/formats/prometheus/parse/index.ts'

const USUAL: ParseOptions = { native: true, classic: false, custom: false, fallback: 'PrometheusText0.0.4' }

/** One line for each entry: `type a counter`, `a{b="c"} 1 @1000 # {trace_id="x"} 2 @3`. Throws BadPage. */
export function readPage(page: string | Uint8Array, contentType: string, options = {}): string[] {
  const parser = parserFor(Buffer.from(page), contentType, { ...USUAL, ...options })
  const lines: string[] = []
  for (let entry = parser.next(); entry !== undefined; entry = parser.next()) {
    if (entry === 'type') lines.push(`type ${parser.family} ${parser.type}`)
    else if (entry === 'help' || entry === 'unit') lines.push(`${entry} ${parser.family} ${parser.text}`)
    else if (entry !== 'nothing') {
      const { histogram } = parser
      const value = histogram === undefined ? String(parser.value) : plain(histogram)
      const exemplars = parser
        .exemplars()
        .map(one => ` # ${written(one.labels)} ${one.value}${time(one.millis)}`)
        .join('')
      const started = parser.started === undefined ? '' : ` since ${parser.started}`
      lines.push(`${written(parser.labels())} ${value}${time(parser.millis)}${started}${exemplars}`)
    }
  }
  return lines
}

function time(millis: number | undefined): string {
  return millis === undefined ? '' : ` @${millis}`
}

function written(labels: readonly (readonly [string, string])[]): string {
  const name = labels.find(([label]) => label === '__name__')?.[1] ?? ''
  const rest = labels.filter(([label]) => label !== '__name__')
  return `${name}{${rest.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? Number(one) : one))
}
