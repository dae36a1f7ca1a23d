/** Values as the text that functions like IsMatch look at: StandardStringLikeGetter of pkg/ottl (0.155). */

import { formatDouble } from '../formats/go-numbers.ts'
import type { OttlValue } from './compare.ts'

/** Bytes are hex; what is no text is JSON as Go writes it, keys sorted. */
export function likeText(value: OttlValue): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  return json(value)
}

function json(value: OttlValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number') return formatDouble(value)
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`
  if (typeof value !== 'object') return String(value)
  const keys = Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return `{${keys.map(key => `${text(key)}:${json(value[key]!)}`).join(',')}}`
}

/** Go escapes what HTML and old JavaScript cannot bear. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
