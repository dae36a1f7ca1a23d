/** Who the gateway is in its own signals. */

import { randomUUID } from 'node:crypto'
import type { ResourceConfig } from './config.ts'
import type { Labels } from './instruments.ts'

/** The attributes every signal carries: name, version and a random instance id, unless the config says otherwise. */
export function resourceOf(name: string, version: string, config: ResourceConfig): Labels {
  const attributes = new Map([
    ['service.name', name],
    ['service.version', version],
    ['service.instance.id', randomUUID()],
  ])
  for (const [key, value] of config) {
    if (value === null) attributes.delete(key)
    else attributes.set(key, value)
  }
  return Object.fromEntries(attributes)
}

/** The attributes that patterns with `*` and `?` pick; `excluded` wins. */
export function pick(resource: Labels, included: readonly string[], excluded: readonly string[]): Labels {
  const matches = (patterns: readonly string[], key: string): boolean =>
    patterns.some(pattern => wildcard(pattern).test(key))
  return Object.fromEntries(
    Object.entries(resource).filter(([key]) => matches(included, key) && !matches(excluded, key)),
  )
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}
