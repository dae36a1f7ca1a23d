/** What a description of a config value is. The words that make one are in schema.ts. */

import type { Check, Node } from './node.ts'

export type JsonSchema = { readonly [key: string]: unknown }

export interface Schema<out T> {
  readonly doc: string
  /** Fields of a section, for the reference page; undefined for everything else. */
  readonly fields?: Readonly<Record<string, Schema<unknown>>>
  /** What stands in the reference page's "type" column. */
  readonly typeText: string
  /** What stands in its "default" column; undefined when there is none. */
  readonly defaultText: string | undefined
  readonly required: boolean
  /** Never printed. */
  readonly secret: boolean
  /** The value when the key is not written. */
  absent(): T
  /** The value as written; enters problems into `check` and then returns something of the right type. */
  read(node: Node, path: string, check: Check): T
  /** The value as `print-config` shows it: secrets redacted unless `reveal`. */
  print(value: unknown, reveal: boolean): unknown
  json(): JsonSchema
}

export type ValueOf<S> = S extends Schema<infer T> ? T : never
