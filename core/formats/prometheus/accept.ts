/** What a scraper asked for and in which escaping: common v0.69's expfmt.Negotiate. */

import { ESCAPINGS, type Escaping } from './escape.ts'

export type PageFormat = 'text' | 'openmetrics-0.0.1' | 'openmetrics-1.0.0' | 'protobuf'

export interface Wish {
  readonly format: PageFormat
  readonly escaping: Escaping
}

const TYPES: Readonly<Record<PageFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  'openmetrics-0.0.1': 'application/openmetrics-text; version=0.0.1; charset=utf-8',
  'openmetrics-1.0.0': 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
}

export function contentType({ format, escaping }: Wish): string {
  return `${TYPES[format]}; escaping=${escaping}`
}

interface Clause {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

/** Longer Accept headers are somebody's play. */
const CLAUSES_MAX = 32

/** The first clause that can be met, the best quality first. Text when there is none, as in the Collector. */
export function negotiate(accept: string, openMetrics: boolean): Wish {
  let escaping: Escaping = 'underscores'
  for (const { type, parameters } of clauses(accept)) {
    const asked = parameters.get('escaping')
    if (asked !== undefined && ESCAPINGS.includes(asked as Escaping)) escaping = asked as Escaping
    const format = formatOf(type, parameters, openMetrics)
    if (format !== undefined) return { format, escaping }
  }
  return { format: 'text', escaping }
}

function clauses(accept: string): Clause[] {
  const all = accept.split(',').slice(0, CLAUSES_MAX).map(parse)
  return all.sort((a, b) => b.quality - a.quality)
}

function parse(clause: string): Clause {
  const [type = '', ...rest] = clause.split(';')
  const parameters = new Map<string, string>()
  for (const parameter of rest) {
    const equals = parameter.indexOf('=')
    if (equals === -1) continue
    parameters.set(
      parameter.slice(0, equals).trim(),
      parameter
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    )
  }
  const quality = Number(parameters.get('q') ?? 1)
  return { type: type.trim(), parameters, quality: Number.isNaN(quality) ? 1 : quality }
}

function formatOf(
  type: string,
  parameters: ReadonlyMap<string, string>,
  openMetrics: boolean,
): PageFormat | undefined {
  const version = parameters.get('version') ?? ''
  if (type === 'application/vnd.google.protobuf') {
    const known =
      parameters.get('proto') === 'io.prometheus.client.MetricFamily' &&
      parameters.get('encoding') === 'delimited'
    return known ? 'protobuf' : undefined
  }
  if (type === 'text/plain' && (version === '' || version === '0.0.4')) return 'text'
  if (type !== 'application/openmetrics-text' || !openMetrics) return undefined
  if (version === '1.0.0') return 'openmetrics-1.0.0'
  return version === '' || version === '0.0.1' ? 'openmetrics-0.0.1' : undefined
}

/** True when the Accept-Encoding header takes gzip. */
export function acceptsGzip(header: string): boolean {
  return header.split(',').some(part => {
    const [coding = '', ...parameters] = part.split(';').map(one => one.trim())
    return (coding === 'gzip' || coding === '*') && !parameters.some(one => /^q=0(\.0*)?$/.test(one))
  })
}
