/**
 * The W3C tracestate of a span, and OpenTelemetry's entry `ot` in it: `ot=rv:..;th:..;other:..,vendor=value`
 * (w3.org/TR/trace-context-2, opentelemetry.io/docs/specs/otel/trace/tracestate-handling; what is accepted and how it
 * is written back are contrib pkg/sampling's, 0.155).
 */

import { type Bits56, parseRandomness, parseThreshold } from './sampling.ts'

export interface Tracestate {
  /** True when it cannot be read; what was understood is there all the same. */
  readonly broken: boolean
  /** `rv` and `th` of the `ot` entry. */
  readonly randomness: Bits56 | undefined
  readonly threshold: Bits56 | undefined
  /** As they were written. */
  readonly rv: string
  readonly th: string
  /** The other keys of the `ot` entry, `key:value` joined by `;`. */
  readonly otherOt: string
  /** The other entries, `key=value` joined by `,`. */
  readonly others: string
}

const LENGTH_MAX = 1024
/** One less than W3C allows, as the Collector counts. */
const ENTRIES_MAX = 31
const OT_LENGTH_MAX = 256
const KEY_LENGTH_MAX = 256
const TENANT_LENGTH_MAX = 241
const SYSTEM_LENGTH_MAX = 14

const KEY = /^(?:[a-z][a-z0-9_\-*/]*|([a-z0-9][a-z0-9_\-*/]*)@([a-z][a-z0-9_\-*/]*))$/
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const OT_ENTRY = /^([a-z][a-z0-9]*):([a-zA-Z0-9._-]*)$/

interface Ot {
  readonly broken: boolean
  readonly rv: string
  readonly th: string
  readonly other: string
}

const NO_OT: Ot = { broken: false, rv: '', th: '', other: '' }

export const EMPTY_TRACESTATE: Tracestate = assemble(false, NO_OT, [])
const BROKEN = assemble(true, NO_OT, [])

export function parseTracestate(text: string): Tracestate {
  if (text === '') return EMPTY_TRACESTATE
  if (text.length > LENGTH_MAX) return BROKEN
  const entries = text.split(',').map(entry => entry.replace(/^[ \t]+|[ \t]+$/g, ''))
  if (entries.at(-1) === '' && text.endsWith(',')) entries.pop()
  if (!entries.every(isEntry)) return BROKEN
  let ot = NO_OT
  let broken = false
  const others: string[] = []
  for (const [i, entry] of entries.entries()) {
    if (i >= ENTRIES_MAX) return assemble(true, ot, others)
    if (entry === '') continue
    const cut = entry.indexOf('=')
    const key = entry.slice(0, cut)
    if (isLongKey(key)) broken = true
    else if (key !== 'ot') others.push(entry)
    else {
      ot = parseOt(entry.slice(cut + 1))
      broken ||= ot.broken
    }
  }
  return assemble(broken, ot, others)
}

function assemble(broken: boolean, ot: Ot, others: readonly string[]): Tracestate {
  return Object.freeze({
    broken,
    randomness: parseRandomness(ot.rv),
    threshold: parseThreshold(ot.th),
    rv: ot.rv,
    th: ot.th,
    otherOt: ot.other,
    others: others.join(','),
  })
}

/** Empty entries are allowed. */
function isEntry(entry: string): boolean {
  if (entry === '') return true
  const cut = entry.indexOf('=')
  return cut > 0 && KEY.test(entry.slice(0, cut)) && VALUE.test(entry.slice(cut + 1))
}

function isLongKey(key: string): boolean {
  const at = key.indexOf('@')
  if (key.length > KEY_LENGTH_MAX) return true
  return at >= 0 && (at > TENANT_LENGTH_MAX || key.length - at - 1 > SYSTEM_LENGTH_MAX)
}

function parseOt(text: string): Ot {
  const broken: Ot = { ...NO_OT, broken: true }
  if (text.length > OT_LENGTH_MAX) return broken
  const other: string[] = []
  let [rv, th, bad] = ['', '', false]
  const entries = text.split(';').map(entry => OT_ENTRY.exec(entry))
  for (const found of entries) {
    if (found === null) return broken
    const [entry, key = '', value = ''] = found
    if (key === 'rv') {
      rv = parseRandomness(value) === undefined ? '' : value
      bad ||= rv === ''
    } else if (key === 'th') {
      th = parseThreshold(value) === undefined ? '' : value
      bad ||= th === ''
    } else other.push(entry)
  }
  return { broken: bad, rv, th, other: other.join(';') }
}

/** Writes it back with this `rv` and `th` ('' leaves one out): `ot` first, then the others as they were. */
export function formatTracestate(state: Tracestate, rv: string, th: string): string {
  const ot = [rv && `rv:${rv}`, th && `th:${th}`, state.otherOt].filter(part => part !== '').join(';')
  return [ot && `ot=${ot}`, state.others].filter(part => part !== '').join(',')
}
