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

/** Two batches may be merged only when their partitions over the same keys are equal. */
export function partitionKey(meta: Meta, keys: readonly string[]): string {
  if (keys.length === 0) return ''
  return JSON.stringify(keys.map(key => metadataValues(meta, key)))
}

/** What is left of `meta` for a batch that was merged from several requests of one partition. */
export function partitionMeta(meta: Meta, keys: readonly string[]): Meta {
  if (keys.length === 0) return NO_META
  const metadata = new Map<string, readonly string[]>()
  for (const key of keys) metadata.set(key.toLowerCase(), metadataValues(meta, key))
  return Object.freeze({ address: '', metadata, auth: new Map() })
}
