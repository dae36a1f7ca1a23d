/** What may be written as dimensions: the Collector's rules (connector/spanmetricsconnector 0.155, validateDimensions). */

import type { PatternError } from '../../core/formats/re2.ts'
import { Glob } from './glob.ts'

export const SERVICE_NAME = 'service.name'
export const SPAN_NAME = 'span.name'
export const SPAN_KIND = 'span.kind'
export const STATUS_CODE = 'status.code'
export const OTEL_STATUS_CODE = 'otel.status_code'
export const INSTANCE_ID = 'collector.instance.id'

const RESERVED = [SERVICE_NAME, SPAN_KIND, STATUS_CODE, SPAN_NAME, INSTANCE_ID]

interface Written {
  readonly name: string
  readonly default: string | undefined
  readonly glob: string
}

interface Lists {
  readonly dimensions: readonly Written[]
  readonly calls_dimensions: readonly Written[]
  readonly histogram: { readonly dimensions: readonly Written[] }
  readonly events: { readonly enabled: boolean; readonly dimensions: readonly Written[] }
}

type Wrong = readonly [wrong: string, fix: string]
type Key = 'dimensions' | 'calls_dimensions' | 'histogram' | 'events'

/** Everything that is wrong with the lists of a config. */
export function* checkDimensions(config: Lists): Generator<readonly [Key, Wrong]> {
  const lists: (readonly [Key, readonly Written[]])[] = [
    ['dimensions', config.dimensions],
    ['calls_dimensions', config.calls_dimensions],
    ['histogram', config.histogram.dimensions],
    ['events', config.events.enabled ? config.events.dimensions : []],
  ]
  for (const [key, list] of lists) {
    const wrong = dimensionsProblem(list)
    if (wrong !== undefined) yield [key, wrong]
  }
}

function dimensionsProblem(list: readonly Written[]): Wrong | undefined {
  const names = new Set(RESERVED)
  const globs: Glob[] = []
  for (const { name, default: value, glob } of list) {
    if (name !== '' && glob !== '')
      return [`has a dimension with the name "${name}" and the glob "${glob}"`, 'write one of the two']
    if (name === '' && glob === '') return ['has a dimension without a name', 'write name: or glob:']
    if (name !== '') {
      if (names.has(name)) {
        const always = RESERVED.includes(name)
        return [
          always ? `has "${name}", which is there in any case` : `has "${name}" twice`,
          'take it out of the list',
        ]
      }
      names.add(name)
      continue
    }
    if (value !== undefined) return [`has a default for the glob "${glob}"`, 'only names may have one']
    try {
      globs.push(new Glob(glob))
    } catch (error) {
      return [`has the glob "${glob}": ${(error as PatternError).message}`, 'mend it']
    }
  }
  for (const name of names) {
    const glob = globs.find(one => one.matches(name))
    if (glob !== undefined)
      return [
        `has the glob "${glob.source}", which matches "${name}"`,
        'make it narrower: a dimension must be there once',
      ]
  }
  return undefined
}
