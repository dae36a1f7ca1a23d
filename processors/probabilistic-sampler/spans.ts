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
  /** Where the trace id is, or -1. */
  #id: number
  /** The tracestate with its tag, or the place where one belongs; and how many there are: of several the last counts. */
  #fieldStart: number
  #fieldStop: number
  #copies: number

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
    this.#id = -1
    this.#fieldStart = 0
    this.#fieldStop = 0
    this.#copies = 0
  }

  item(bytes: Uint8Array, start: number, stop: number): Verdict {
    const sampler = this.#sampler
    this.#table.read(bytes, start, stop, Span.attributes)
    const before = this.#readHead(bytes, start, stop)
    const state = before === '' ? EMPTY_TRACESTATE : this.#states.get(before)
    sampler.begin()
    const id = this.#id
    if (id >= 0) {
      if (sampler.mode === 'hash_seed') sampler.useHash(bytes, id, id + 16, TRACE_ID_HASH)
      else sampler.useTraceId(bytes, id)
    }
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

  /** Finds the trace id and the tracestate, which it returns; they stand at the front of nearly every span. */
  #readHead(bytes: Uint8Array, start: number, stop: number): string {
    this.#id = -1
    this.#copies = 0
    this.#fieldStart = this.#fieldStop = stop
    let state = ''
    const { inOrder } = this.#table
    const c = this.#cursor.reset(bytes, start, stop)
    while (c.next()) {
      if (c.field > Span.traceState) {
        if (this.#copies === 0 && this.#fieldStart === stop) this.#fieldStart = this.#fieldStop = c.tagStart
        if (inOrder) break
      } else if (c.field === Span.traceId && c.wire === LEN) {
        this.#id = isTraceId(bytes, c.start, c.stop) ? c.start : -1
      } else if (c.field === Span.traceState && c.wire === LEN) {
        this.#copies++
        this.#fieldStart = c.tagStart
        this.#fieldStop = c.stop
        state = c.stop === c.start ? '' : readString(bytes, c.start, c.stop)
      }
    }
    return state
  }

  write(patch: Patch, start: number): void {
    if (this.#copies > 1) this.#cutOthers(patch, start)
    const out = patch.cut(this.#fieldStart, this.#fieldStop)
    if (this.#state !== EMPTY_TRACESTATE) {
      out.string(Span.traceState, this.#text)
      return
    }
    const template = this.#templates.get(this.#sampler.th)
    if (this.#sampler.mode === 'hash_seed') writeDigits(template, DIGITS_AT, this.#sampler.random)
    out.lengthDelimited(Span.traceState, template)
  }

  /** Takes every tracestate before the last one away. */
  #cutOthers(patch: Patch, start: number): void {
    const c = this.#cursor.reset(patch.bytes, start, this.#fieldStart)
    while (c.next()) if (c.field === Span.traceState && c.wire === LEN) patch.cut(c.tagStart, c.stop)
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
