/**
 * A config key that takes any YAML value and means an AnyValue: what an attribute is set to or compared with.
 *
 * Types are those of Go's yaml.v3: `1` is an int, `1.0` and `1e3` are doubles, quoted text is a string. YAML has
 * forgotten the difference between 1 and 1.0 once a value is a JavaScript number, so the characters decide.
 */

import type { Node, ScalarNode } from '../../config/node.ts'
import { anything, plainValue, type Schema } from '../../config/schema.ts'
import { encodeBool, encodeDouble, encodeInt, encodeList, encodeText } from '../formats/any-value.ts'

export interface ConfigValue {
  /** As written, for messages and for print-config. */
  readonly plain: unknown
  /** The content of an AnyValue. */
  readonly bytes: Uint8Array
}

/** `key:` with nothing after it means the same as no key, as in the Collector. */
export function configValue(options: { doc: string }): Schema<ConfigValue | undefined> {
  return {
    ...anything(options),
    absent: () => undefined,
    read: node => {
      if (node.kind === 'scalar' && node.value === null) return undefined
      return { plain: plainValue(node), bytes: encodeNode(node) }
    },
    print: value => (value as ConfigValue | undefined)?.plain,
  }
}

/** The AnyValue content of a YAML value; null inside a list or map is an empty value. */
export function encodeNode(node: Node): Uint8Array {
  if (node.kind === 'list') return encodeList(node.items.map(encodeNode))
  if (node.kind === 'map') {
    const values = [...node.entries.values()].map(entry => encodeNode(entry.node))
    return encodeList(values, [...node.entries.keys()])
  }
  return encodeScalar(node)
}

function encodeScalar({ value, text }: ScalarNode): Uint8Array {
  if (value === null) return new Uint8Array(0)
  if (typeof value === 'string') return encodeText(value)
  if (typeof value === 'boolean') return encodeBool(value)
  if (typeof value === 'bigint') return encodeInt(value)
  return isInt(value, text) ? encodeInt(BigInt(value)) : encodeDouble(value)
}

/** `0x1e` has an e and is an int; 12345678901234567890123 has none and is not. */
function isInt(value: number, text: string): boolean {
  if (!Number.isSafeInteger(value)) return false
  return /^[+-]?0[xob]/i.test(text) || !/[.e]/i.test(text)
}
