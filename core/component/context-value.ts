/** `from_context`: what is known of a batch's sender, as an attribute value. */

import { isIP } from 'node:net'
import { encodeText } from '../formats/any-value.ts'
import { type Meta, metadataValues } from './meta.ts'

/**
 * `client.address`, `auth.NAME`, `metadata.NAME`, or a bare metadata name, as the Collector's attraction resolves
 * them: several values are joined by `;`, and undefined means there is none. The result is the content of an AnyValue.
 */
export function contextValue(meta: Meta, key: string): Uint8Array | undefined {
  const text = contextText(meta, key)
  return text === undefined ? undefined : encodeText(text)
}

function contextText(meta: Meta, key: string): string | undefined {
  if (key === 'client.address') return hostOf(meta.address)
  if (key.startsWith('auth.')) return meta.auth.get(key.slice('auth.'.length))
  const name = key.startsWith('metadata.') ? key.slice('metadata.'.length) : key
  const values = metadataValues(meta, name)
  return values.length === 0 ? undefined : values.join(';')
}

/** `10.0.0.1:4317` -> `10.0.0.1`, `[::1]:4317` -> `::1`; what has no port, such as a socket path, stays. */
function hostOf(address: string): string {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) === 0) return address
  // An IPv4 client of a socket that takes both; Go prints it as IPv4.
  return host.replace(/^::ffff:(?=\d+\.)/i, '')
}
