/**
 * What is known of a batch's sender besides the data: its address, the request metadata a receiver was told to keep
 * (`include_metadata: true`), and who it authenticated as. Frozen, and shared by all batches of one partition.
 */

export interface Meta {
  /** `address:port` of the peer, '' when unknown. The Collector's `client.address`. */
  readonly address: string
  /** Lower-case header name to its values, in order. The Collector's `metadata.<name>`. */
  readonly metadata: ReadonlyMap<string, readonly string[]>
  /** What an authenticator said of the sender. The Collector's `auth.<name>`. */
  readonly auth: ReadonlyMap<string, string>
}

export const NO_META: Meta = Object.freeze({ address: '', metadata: new Map(), auth: new Map() })

const NO_VALUES: readonly string[] = Object.freeze([])

/** The values of one metadata key (any case); empty when the request had none. */
export function metadataValues(meta: Meta, key: string): readonly string[] {
  return meta.metadata.get(key.toLowerCase()) ?? NO_VALUES
}

/** How a key means what the authenticator said, which no sender can write into a header. */
const AUTH = 'auth.'

/** The values of a key of `metadata_keys`: a metadata key, or `auth.` and an attribute of the sender. */
function valuesOf(meta: Meta, key: string): readonly string[] {
  if (!key.startsWith(AUTH)) return metadataValues(meta, key)
  const value = meta.auth.get(key.slice(AUTH.length))
  return value === undefined ? NO_VALUES : [value]
}

/** Among keys: all that is known of the sender but its address. */
export const ALL_KEYS = '*'

function keysFor(meta: Meta, keys: readonly string[]): readonly string[] {
  if (!keys.includes(ALL_KEYS)) return keys
  return [...meta.metadata.keys(), ...[...meta.auth.keys()].map(key => AUTH + key)].sort()
}

/** Two batches may be merged only when their partitions over the same keys are equal. */
export function partitionKey(meta: Meta, keys: readonly string[]): string {
  if (keys.length === 0) return ''
  if (!keys.includes(ALL_KEYS)) return JSON.stringify(keys.map(key => valuesOf(meta, key)))
  return JSON.stringify(keysFor(meta, keys).map(key => [key, valuesOf(meta, key)]))
}

/** What is left of `meta` for a batch that was merged from several requests of one partition. */
export function partitionMeta(meta: Meta, keys: readonly string[]): Meta {
  if (keys.length === 0) return NO_META
  const metadata = new Map<string, readonly string[]>()
  const auth = new Map<string, string>()
  for (const key of keysFor(meta, keys)) {
    const values = valuesOf(meta, key)
    if (!key.startsWith(AUTH)) metadata.set(key.toLowerCase(), values)
    else if (values.length > 0) auth.set(key.slice(AUTH.length), values[0]!)
  }
  return Object.freeze({ address: '', metadata, auth })
}
