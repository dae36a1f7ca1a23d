/**
 * What the `attributes` and `resource` processors do to the attributes of one message (contrib
 * internal/coreinternal/attraction 0.155): each action of the config becomes a step over an AttributeTable.
 */

import { hash } from 'node:crypto'
import {
  encodeDouble,
  encodeInt,
  encodeText,
  readBool,
  readKind,
  valueStart,
  valueStop,
  valueText,
} from '../formats/any-value.ts'
import { goInt, parseGoFloat, parseGoInt } from '../formats/go-numbers.ts'
import { compile, Memo, type Pattern } from '../formats/re2.ts'
import type { AttributeTable } from '../otlp/attributes.ts'
import { readDouble, readString, readVarintInt64 } from '../otlp/cursor.ts'
import { AnyValue } from '../otlp/fields.ts'
import type { KeySet } from '../otlp/keys.ts'
import type { ActionConfig } from './action-config.ts'
import { contextValue } from './context-value.ts'
import type { Meta } from './meta.ts'

type Step = (table: AttributeTable, meta: Meta) => void

export interface Actions {
  /** The table must have a row for every attribute, because keys are matched by a pattern. */
  readonly all: boolean
  run(table: AttributeTable, meta: Meta): void
}

/** The actions in order. Their keys are added to `keys`, the set of the table that `run` will be given. */
export function compileActions(configs: readonly ActionConfig[], keys: KeySet): Actions {
  const steps = configs.map(config => compileAction(config, keys))
  return {
    all: configs.some(({ action, pattern }) => (action === 'delete' || action === 'hash') && pattern !== ''),
    run(table, meta) {
      for (let i = 0; i < steps.length; i++) steps[i]!(table, meta)
    },
  }
}

function compileAction(config: ActionConfig, keys: KeySet): Step {
  // Without a key, only a pattern, the attribute with the empty key is meant as well, as in the Collector.
  const slot = keys.add(config.key)
  switch (config.action) {
    case 'insert':
      return setting(config, slot, keys, table => table.find(slot) < 0)
    case 'update':
      return setting(config, slot, keys, table => table.find(slot) >= 0)
    case 'upsert':
      return setting(config, slot, keys, () => true)
    case 'extract':
      return extracting(slot, compile(config.pattern), keys)
    case 'convert':
      return converting(slot, config.converted_type)
    case 'hash':
      return each(slot, config.pattern, hashRow)
    default:
      return each(slot, config.pattern, (table, row) => table.remove(row))
  }
}

/** Sets the attribute in `slot` where it is wanted and its source has a value. */
function setting(
  config: ActionConfig,
  slot: number,
  keys: KeySet,
  wanted: (table: AttributeTable) => boolean,
): Step {
  const fixed = config.value?.bytes
  if (fixed !== undefined) return table => void (wanted(table) && table.put(slot, fixed))
  const fallback = config.default_value?.bytes
  const source = config.from_attribute === '' ? -1 : keys.add(config.from_attribute)
  const { from_context } = config
  const fromContext = latest((meta: Meta) => contextValue(meta, from_context))
  return (table, meta) => {
    if (!wanted(table)) return
    const row = source < 0 ? -1 : table.find(source)
    if (row >= 0) table.put(slot, table.valueSource(row), table.valueStart(row), table.valueStop(row))
    else {
      const value = (from_context === '' ? undefined : fromContext(meta)) ?? fallback
      if (value !== undefined) table.put(slot, value)
    }
  }
}

/** Remembers the result for the latest argument: all items of a batch have the same meta. */
function latest<A, R>(compute: (of: A) => R): (of: A) => R {
  let last: { readonly of: A; readonly result: R } | undefined
  return of => {
    if (last === undefined || last.of !== of) last = { of, result: compute(of) }
    return last.result
  }
}

/** The attribute in `slot`, and all whose keys match the pattern. */
function each(slot: number, pattern: string, act: (table: AttributeTable, row: number) => void): Step {
  const compiled = pattern === '' ? undefined : compile(pattern)
  const memo = compiled && new Memo(text => compiled.test(text))
  return table => {
    const row = table.find(slot)
    if (row >= 0) act(table, row)
    if (memo === undefined) return
    for (let i = 0; i < table.rows; i++) {
      if (table.isRemoved(i)) continue
      if (memo.get(readString(table.keySource(i), table.keyStart(i), table.keyStop(i)))) act(table, i)
    }
  }
}

const NOTHING = encodeText('')

/** SHA-256 in hex of a text, a bool (one byte), an int or a double (eight bytes, little-endian); of others ''. */
function hashRow(table: AttributeTable, row: number): void {
  const bytes = table.valueSource(row)
  const kind = readKind(bytes, table.valueStart(row), table.valueStop(row))
  const input = hashInput(kind, bytes)
  table.set(row, input === undefined ? NOTHING : encodeText(hash('sha256', input, 'hex')))
}

function hashInput(kind: number, bytes: Uint8Array): Uint8Array | undefined {
  if (kind === AnyValue.stringValue || kind === AnyValue.doubleValue)
    return bytes.subarray(valueStart, valueStop)
  if (kind === AnyValue.boolValue) return Uint8Array.of(readBool(bytes, valueStart) ? 1 : 0)
  if (kind !== AnyValue.intValue) return undefined
  const eight = Buffer.alloc(8)
  eight.writeBigInt64LE(readVarintInt64(bytes, valueStart))
  return eight
}

/** Each named group of the leftmost match becomes an attribute; a value that is no text is left alone. */
function extracting(slot: number, pattern: Pattern, keys: KeySet): Step {
  const targets = pattern.groups.map(name => keys.add(name))
  const memo = new Memo(text => pattern.match(text)?.map(encodeText) ?? null)
  return table => {
    const row = table.find(slot)
    if (row < 0) return
    const bytes = table.valueSource(row)
    if (readKind(bytes, table.valueStart(row), table.valueStop(row)) !== AnyValue.stringValue) return
    const values = memo.get(readString(bytes, valueStart, valueStop))
    if (values === null) return
    for (const [i, target] of targets.entries()) table.put(target, values[i]!)
  }
}

/** What cannot be converted stays as it is. */
function converting(slot: number, to: ActionConfig['converted_type']): Step {
  const convert = to === 'int' ? toInt : to === 'double' ? toDouble : toText
  return table => {
    const row = table.find(slot)
    if (row < 0) return
    const value = convert(table.valueSource(row), table.valueStart(row), table.valueStop(row))
    if (value !== undefined) table.set(row, value)
  }
}

function toText(bytes: Uint8Array, start: number, stop: number): Uint8Array | undefined {
  if (readKind(bytes, start, stop) === AnyValue.stringValue) return undefined
  return encodeText(valueText(bytes, start, stop))
}

function toInt(bytes: Uint8Array, start: number, stop: number): Uint8Array | undefined {
  switch (readKind(bytes, start, stop)) {
    case AnyValue.doubleValue:
      return encodeInt(goInt(readDouble(bytes, valueStart)))
    case AnyValue.boolValue:
      return encodeInt(readBool(bytes, valueStart) ? 1n : 0n)
    case AnyValue.stringValue: {
      const value = parseGoInt(readString(bytes, valueStart, valueStop))
      return value === undefined ? undefined : encodeInt(value)
    }
    default:
      return undefined
  }
}

function toDouble(bytes: Uint8Array, start: number, stop: number): Uint8Array | undefined {
  switch (readKind(bytes, start, stop)) {
    case AnyValue.intValue:
      return encodeDouble(Number(readVarintInt64(bytes, valueStart)))
    case AnyValue.boolValue:
      return encodeDouble(readBool(bytes, valueStart) ? 1 : 0)
    case AnyValue.stringValue: {
      const value = parseGoFloat(readString(bytes, valueStart, valueStop))
      return value === undefined ? undefined : encodeDouble(value)
    }
    default:
      return undefined
  }
}
