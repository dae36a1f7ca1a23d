/** `headers` of a client: the Collector's map with secret values (config/configopaque MapList). */

import type { Check, Node } from '../../config/node.ts'
import { childPath } from '../../config/node.ts'
import { also, map, type Schema, type Secret, secret } from '../../config/schema.ts'

export type Headers = ReadonlyMap<string, Secret>

/** RFC 9110 5.6.2: what a header's name may consist of. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** For the check of a key that names a header. */
export function headerNameProblem(name: string): readonly [wrong: string, fix: string] | undefined {
  return NAME.test(name) ? undefined : [`"${name}" is not a header name`, 'use letters, digits and -']
}

/** For the check of a key whose value goes into a header. Does not quote it. */
export function headerValueProblem(value: string): readonly [wrong: string, fix: string] | undefined {
  return /[\r\n\0]/.test(value) ? ['has a line break', 'write it on one line'] : undefined
}

const entries = map(secret({ doc: 'Its value.' }), {
  doc: 'Headers added to every request. Their values are never printed.',
})

/** A map, or a list of {name, value}. Names and values that no request could carry are errors. */
export const headersField: Schema<Headers> = checked(
  also(
    entries,
    'list of {name, value}',
    {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { description: 'Its name.', type: 'string' },
          value: { description: 'Its value.', type: 'string' },
        },
      },
    },
    readList,
  ),
)

function readList(node: Node, path: string, check: Check): Headers | undefined {
  if (node.kind !== 'list') return undefined
  const headers = new Map<string, Secret>()
  for (const [i, item] of node.items.entries()) {
    const at = childPath(path, i)
    const name = item.kind === 'map' ? item.entries.get('name')?.node : undefined
    const value = item.kind === 'map' ? item.entries.get('value')?.node : undefined
    if (name?.kind !== 'scalar' || typeof name.value !== 'string' || value === undefined) {
      check.error(item.at, at, 'is not a header', 'write {name: X-Header, value: its value}')
    } else if (headers.has(name.value)) {
      check.error(item.at, at, `names ${name.value} a second time`, 'remove one of the two')
    } else {
      headers.set(name.value, secret({ doc: '' }).read(value, `${at}.value`, check))
    }
  }
  return headers
}

function checked(schema: Schema<Headers>): Schema<Headers> {
  return {
    ...schema,
    read(node, path, check) {
      const headers = schema.read(node, path, check)
      for (const [name, value] of headers) {
        if (!NAME.test(name)) {
          check.error(node.at, path, `"${name}" is not a header name`, 'use letters, digits and -')
        } else if (/[\r\n\0]/.test(value.reveal())) {
          check.error(node.at, path, `the value of ${name} has a line break`, 'write it on one line')
        }
      }
      return headers
    },
  }
}
