/** Attributes that say where a document goes and how it is written, instead of being part of it. */

import { Cursor, LEN } from '../../otlp/cursor.ts'
import { AnyValue, ArrayValue } from '../../otlp/fields.ts'
import { KeySet } from '../../otlp/keys.ts'
import { KeyValueRange } from '../../otlp/value.ts'
import { readKind, valueStart, valueStop, valueText } from '../any-value.ts'
import { MODE_ATTRIBUTE } from './modes.ts'

const NAMES = [
  'elasticsearch.index',
  'data_stream.type',
  'data_stream.dataset',
  'data_stream.namespace',
  'elasticsearch.document_id',
  'elasticsearch.ingest_pipeline',
  MODE_ATTRIBUTE,
  'elasticsearch.mapping.hints',
] as const
export const [INDEX, TYPE, DATASET, NAMESPACE, DOCUMENT_ID, PIPELINE, MODE, HINTS] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const

const KEYS = new KeySet(NAMES)
const LETTER_D = 0x64
const LETTER_E = 0x65

/** The slot of a key (`INDEX`, ...), or -1 for all others. */
export function specialSlot(bytes: Uint8Array, start: number, stop: number): number {
  const length = stop - start
  if (length >= KEYS.lengths.length || KEYS.lengths[length] === 0) return -1
  const first = bytes[start]
  return first === LETTER_D || first === LETTER_E ? KEYS.find(bytes, start, stop) : -1
}

/** What `elasticsearch.mapping.hints` of a data point can say. */
export interface Hints {
  readonly aggregateMetricDouble: boolean
  readonly docCount: boolean
  readonly histogramRaw: boolean
}

const NO_HINTS: Hints = Object.freeze({ aggregateMetricDouble: false, docCount: false, histogramRaw: false })
const KEY_TAG = 0x0a

/** Those of one message. Of equal keys the first counts. */
export class SpecialAttributes {
  /** By slot, as texts; undefined when it is not there. */
  readonly values: (string | undefined)[] = NAMES.map(() => undefined)
  hints: Hints = NO_HINTS
  /** False: all are undefined. */
  any = false
  readonly #list = new Cursor(EMPTY)
  readonly #entry = new KeyValueRange()

  /** Reads field `field` of the message `bytes[start, stop)`. */
  read(bytes: Uint8Array, start: number, stop: number, field: number): this {
    if (this.any) this.clear()
    const list = this.#list.reset(bytes, start, stop)
    while (list.next()) {
      if (list.field !== field || list.wire !== LEN) continue
      // The key comes first and is short in all but hand-made messages: then it is looked at where it lies.
      const length = bytes[list.start + 1]!
      const plain = bytes[list.start] === KEY_TAG && length < 0x80 && list.start < list.stop
      if (plain && specialSlot(bytes, list.start + 2, list.start + 2 + length) === -1) continue
      const { keyStart, keyStop, valueStart, valueStop } = this.#entry.find(bytes, list.start, list.stop)
      const slot = specialSlot(bytes, keyStart, keyStop)
      if (slot === -1 || this.values[slot] !== undefined) continue
      this.any = true
      this.values[slot] = valueText(bytes, valueStart, valueStop)
      if (slot === HINTS) this.hints = readHints(bytes, valueStart, valueStop)
    }
    return this
  }

  clear(): void {
    this.values.fill(undefined)
    this.hints = NO_HINTS
    this.any = false
  }
}

function readHints(bytes: Uint8Array, start: number, stop: number): Hints {
  if (readKind(bytes, start, stop) !== AnyValue.arrayValue) return NO_HINTS
  const words = new Set<string>()
  const list = new Cursor(bytes, valueStart, valueStop)
  while (list.next()) {
    if (list.field === ArrayValue.values && readKind(bytes, list.start, list.stop) === AnyValue.stringValue)
      words.add(valueText(bytes, list.start, list.stop))
  }
  return {
    aggregateMetricDouble: words.has('aggregate_metric_double'),
    docCount: words.has('_doc_count'),
    histogramRaw: words.has('histogram:raw'),
  }
}

const EMPTY = new Uint8Array()
