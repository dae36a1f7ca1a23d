/** The metrics of the OpenTelemetry semantic conventions, of which `explain` and the pages about names know. */

import { readFileSync } from 'node:fs'

export const INSTRUMENTS = ['counter', 'updowncounter', 'gauge', 'histogram'] as const
export type ConventionInstrument = (typeof INSTRUMENTS)[number]

export interface Convention {
  readonly family: string
  readonly name: string
  readonly unit: string
  readonly instrument: ConventionInstrument
  /** `stable`, `release_candidate`, `development`. */
  readonly stability: string
}

/** Their version. */
export const CONVENTIONS_VERSION = '1.44.0'

let known: readonly Convention[] | undefined

/** All of them that are not deprecated; read once. */
export function conventions(): readonly Convention[] {
  known ??= parse(readFileSync(new URL('conventions.txt', import.meta.url), 'utf8'))
  return known
}

function parse(text: string): Convention[] {
  const all: Convention[] = []
  let family = ''
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('[')) family = line.slice(1, -1)
    else {
      const [name, unit, instrument, stability] = line.split('\t') as [
        string,
        string,
        ConventionInstrument,
        string,
      ]
      all.push({ family, name, unit, instrument, stability })
    }
  }
  return all
}
