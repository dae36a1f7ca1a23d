/**
 * Spans: by trace id and tracestate, or as their attribute sampling.priority asks. A kept span gets a new tracestate
 * (field 3), the rest of it is copied as it is.
 */

import { readKind, valueStart, valueStop } from '../../core/formats/any-value.ts'
import { parseGoFloat } from '../../core/formats/go-numbers.ts'
import { Memo } from '../../core/formats/re2.ts'
import { ALWAYS, type Bits56, formatRandomness, NEVER } from '../../core/formats/sampling.ts'
import {
  EMPTY_TRACESTATE,
  formatTracestate,
  parseTracestate,
  type Tracestate,
} from '../../core/formats/tracestate.ts'
import { AttributeTable } from '../../core/otlp/attributes.ts'
import { Cursor, high, LEN, low, readDouble, readString, readVarint64 } from '../../core/otlp/cursor.ts'
import { AnyValue, Span } from '../../core/otlp/fields.ts'
import { KeySet } from '../../core/otlp/keys.ts'
import type { Patch } from '../../core/otlp/patch.ts'
import { CHANGE, DROP, type Editor, KEEP, type Verdict } from '../../core/otlp/rewrite.ts'
import { type Sampler, TRACE_ID_HASH } from './sampler.ts'
import type { Tally } from './tally.ts'

const encoder = new TextEncoder()
/** Where the 14 digits stand in `ot=rv:` and what follows. */
const DIGITS_AT = 6

export class SpanEditor implements Editor {
  readonly dropsEmpty = true
  readonly #sampler: Sampler
  readonly #tally: Tally
  readonly #table: AttributeTable
  readonly #cursor: Cursor
  readonly #states: Memo<Tracestate>
  /** `ot=rv:..............;th:<th>`, or without rv, by th: so that the usual tracestate is written without a string. */
  readonly #templates: Memo<Uint8Array>
  #state: Tracestate
  #text: string

  constructor(sampler: Sampler, tally: Tally) {
    this.#sampler = sampler
    this.#tally = tally
    this.#table = new AttributeTable(new KeySet(['sampling.priority']))
    this.#cursor = new Cursor(new Uint8Array())
    this.#states = new Memo(parseTracestate)
    const rv = sampler.mode === 'hash_seed' ? '0'.repeat(14) : ''
    this.#templates = new Memo(th => encoder.encode(formatTracestate(EMPTY_TRACESTATE, rv, th)))
    this.#state = EMPTY_TRACESTATE
    this.#text = ''
  }

  item(bytes: Uint8Array, start: number, stop: number): Verdict {
    const sampler = this.#sampler
    let id = -1
    let stateStart = 0
    let stateStop = 0
    const c = this.#cursor.reset(bytes, start, stop)
    while (c.next()) {
      if (c.wire !== LEN) continue
      if (c.field === Span.traceId) id = isTraceId(bytes, c.start, c.stop) ? c.start : -1
      else if (c.field === Span.traceState) {
        stateStart = c.start
        stateStop = c.stop
      }
    }
    const before = stateStart === stateStop ? '' : readString(bytes, stateStart, stateStop)
    const state = before === '' ? EMPTY_TRACESTATE : this.#states.get(before)
    sampler.begin()
    if (id >= 0) {
      if (sampler.mode === 'hash_seed') sampler.useHash(bytes, id, id + 16, TRACE_ID_HASH)
      else sampler.useTraceId(bytes, id)
    }
    this.#table.read(bytes, start, stop, Span.attributes)
    sampler.judge(state, priorityOf(this.#table))
    this.#tally.add(sampler)
    if (!sampler.sampled) return DROP
    if (!sampler.writes) return KEEP
    this.#state = state
    if (state === EMPTY_TRACESTATE) return CHANGE
    const rv = sampler.mode === 'hash_seed' ? formatRandomness(sampler.random) : state.rv
    this.#text = formatTracestate(state, rv, sampler.th)
    return this.#text === before ? KEEP : CHANGE
  }

  /** In the place of the tracestate, or where it belongs: before the first field with a higher number. */
  write(patch: Patch, start: number, stop: number): void {
    const c = this.#cursor.reset(patch.bytes, start, stop)
    let at = stop
    let until = stop
    while (c.next()) {
      if (c.field === Span.traceState) {
        // Of several the last counts; the others go.
        if (until > at) patch.cut(at, until)
        at = c.tagStart
        until = c.stop
      } else if (c.field > Span.traceState && at === stop) at = until = c.tagStart
    }
    const out = patch.cut(at, until)
    if (this.#state !== EMPTY_TRACESTATE) {
      out.string(Span.traceState, this.#text)
      return
    }
    const template = this.#templates.get(this.#sampler.th)
    if (this.#sampler.mode === 'hash_seed') writeDigits(template, DIGITS_AT, this.#sampler.random)
    out.lengthDelimited(Span.traceState, template)
  }
}

/** The Collector takes an id of zeros as none. */
function isTraceId(bytes: Uint8Array, start: number, stop: number): boolean {
  if (stop - start !== 16) return false
  for (let i = start; i < stop; i++) if (bytes[i] !== 0) return true
  return false
}

const HEX = encoder.encode('0123456789abcdef')

/** 56 bits as 14 hex digits at `pos`. */
function writeDigits(target: Uint8Array, pos: number, { high, low }: Bits56): void {
  for (let i = 0; i < 7; i++) {
    target[pos + i] = HEX[(high >>> (24 - 4 * i)) & 15]!
    target[pos + 7 + i] = HEX[(low >>> (24 - 4 * i)) & 15]!
  }
}

/** `sampling.priority` of OpenTracing: 0 drops, more keeps, in any type that can hold a number. */
function priorityOf(table: AttributeTable): Bits56 | undefined {
  const row = table.find(0)
  if (row < 0) return undefined
  const { bytes } = table
  switch (readKind(bytes, table.valueStart(row), table.valueStop(row))) {
    case AnyValue.intValue:
      readVarint64(bytes, valueStart)
      if (high >= 0x8000_0000) return undefined
      return low === 0 && high === 0 ? NEVER : ALWAYS
    case AnyValue.doubleValue:
      return byNumber(readDouble(bytes, valueStart))
    case AnyValue.stringValue:
      return byNumber(parseGoFloat(readString(bytes, valueStart, valueStop)) ?? NaN)
    default:
      return undefined
  }
}

function byNumber(priority: number): Bits56 | undefined {
  if (priority === 0) return NEVER
  return priority > 0 ? ALWAYS : undefined
}
