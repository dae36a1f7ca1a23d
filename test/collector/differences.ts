/**
 * Everything that the tests here see Sluice do otherwise than the Collector, each with its reason. A difference that
 * is not in this list fails its test; one that no longer occurs does too. What users should know of them is in
 * docs/differences.md, word by word: `says` stands there.
 */

export interface Difference {
  /** The sentence of docs/differences.md that tells users. */
  readonly says: string
  /** `table: case: aspect`, with `*` for anything. */
  readonly where: readonly string[]
}

/** One per `*.collector.ts`. */
export const TABLES = ['attributes', 'sampler'] as const
export type TableName = (typeof TABLES)[number]

export const DIFFERENCES: readonly Difference[] = []
