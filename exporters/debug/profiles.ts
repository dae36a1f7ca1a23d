/**
 * Profiles for the eye. They are rare and their layout still changes (v1development), so they are decoded by way of
 * their JSON instead of through views.
 */

import { type Batch, contiguous } from '../../core/component/batch.ts'
import { requestToJson } from '../../core/otlp/json.ts'

interface Attribute {
  readonly key?: string
  readonly value?: Readonly<Record<string, unknown>>
}

interface Profile {
  readonly profileId?: string
  readonly samples?: readonly unknown[]
  readonly attributeIndices?: readonly number[]
}

interface Request {
  readonly dictionary?: {
    readonly stringTable?: readonly string[]
    readonly attributeTable?: readonly {
      readonly keyStrindex?: number
      readonly value?: Attribute['value']
    }[]
  }
  readonly resourceProfiles?: readonly {
    readonly schemaUrl?: string
    readonly resource?: { readonly attributes?: readonly Attribute[] }
    readonly scopeProfiles?: readonly {
      readonly schemaUrl?: string
      readonly scope?: { readonly name?: string; readonly version?: string }
      readonly profiles?: readonly Profile[]
    }[]
  }[]
}

function decode(batch: Batch): Request {
  return JSON.parse(requestToJson(contiguous(batch), 'profiles')) as Request
}

function valueText(value: Attribute['value']): string {
  const [inner] = Object.values(value ?? {})
  return typeof inner === 'string' ? inner : JSON.stringify(inner ?? '')
}

/** One line a profile: its id, how many samples, its attributes. Indices that lead nowhere are named, not followed. */
export function normalProfiles(batch: Batch): string {
  const { dictionary, resourceProfiles } = decode(batch)
  const attribute = (index: number): string => {
    const entry = dictionary?.attributeTable?.[index]
    if (entry === undefined) return `[Missing Dictionary AttributeTable Item #${index}]`
    const key = dictionary?.stringTable?.[entry.keyStrindex ?? 0]
    return `${key ?? `[Missing Dictionary Key String Item #${entry.keyStrindex ?? 0}]`}=${valueText(entry.value)}`
  }
  let text = ''
  for (const [i, { schemaUrl, resource, scopeProfiles }] of (resourceProfiles ?? []).entries()) {
    const attributes = (resource?.attributes ?? []).map(({ key, value }) => ` ${key}=${valueText(value)}`)
    text += `ResourceProfiles #${i}${schemaUrl === undefined ? '' : ` [${schemaUrl}]`}${attributes.join('')}\n`
    for (const [j, { scope, profiles }] of (scopeProfiles ?? []).entries()) {
      const name = `${scope?.name ?? ''}${scope?.version === undefined ? '' : `@${scope.version}`}`
      text += `ScopeProfiles #${j}${name === '' ? '' : ` ${name}`}\n`
      for (const { profileId, samples, attributeIndices } of profiles ?? []) {
        const shown = (attributeIndices ?? []).map(index => ` ${attribute(index)}`).join('')
        text += `${profileId ?? ''} samples=${samples?.length ?? 0}${shown}\n`
      }
    }
  }
  return text
}

/** The whole request, set in. */
export function detailedProfiles(batch: Batch): string {
  return `${JSON.stringify(decode(batch), null, 2)}\n`
}
