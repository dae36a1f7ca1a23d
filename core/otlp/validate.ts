/**
 * The one walk at the door. What it accepted, everything behind it may trust: every length lies inside its parent,
 * every known field has its wire type, nesting is bounded.
 *
 * It accepts what the Collector's unmarshaller accepts (pdata/internal/proto 0.155), invalid UTF-8 and non-minimal
 * varints included, and is stricter in four points, because parsers disagree about such requests and no encoder writes
 * them: groups, a second `resource` or `scope` in one entry, a second data field in one metric, and AnyValues nested
 * deeper than NESTING_MAX. `docs/differences.md` has them.
 */

import { I32, I64, LEN, VARINT } from './cursor.ts'
import { locate } from './locate.ts'
import { MESSAGES } from './messages.ts'
import { REQUESTS, type Signal } from './signals.ts'

/** An AnyValue in an attribute or a body is level 1, one in its array or kvlist level 2, ... */
export const NESTING_MAX = 64

/** Bytes that are not an OTLP request. The message is for the sender: where, what, and at which byte. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  /** Of the field that is wrong, from the beginning of the request. */
  readonly offset: number
  /** `resourceSpans[0].scopeSpans[0].spans[3].attributes[2].value`; '' for the request itself. */
  readonly path: string

  constructor(reason: string, offset: number, path = '') {
    super(`${path === '' ? 'request' : path}: ${reason} (offset ${offset})`)
    this.offset = offset
    this.path = path
  }
}

/** Thrown inside the walk, which knows no names; `validate` adds the path. */
class Fault {
  readonly reason: string
  readonly offset: number

  constructor(reason: string, offset: number) {
    this.reason = reason
    this.offset = offset
  }
}

// What to do with a field, by message and tag. From MESSAGE on: walk the message with this number.
const UNKNOWN = 0
const WRONG_WIRE_TYPE = 1
const SKIP_VARINT = 2
const SKIP_8 = 3
const SKIP_4 = 4
const SKIP_LEN = 5
const ID_8 = 6
const ID_16 = 7
const PACKED_VARINT = 8
const PACKED_8 = 9
const MESSAGE = 16

/** An entry has at most one of these, and a metric at most one of its data fields. Their numbers come first. */
const AT_MOST_ONE = [
  'Resource',
  'InstrumentationScope',
  'Gauge',
  'Sum',
  'Histogram',
  'ExponentialHistogram',
  'Summary',
]
const AT_MOST_ONE_STOP = AT_MOST_ONE.length
/** Their numbers come last. */
const ITEMS = [
  'Span',
  'LogRecord',
  'Sample',
  'NumberDataPoint',
  'HistogramDataPoint',
  'ExponentialHistogramDataPoint',
  'SummaryDataPoint',
]
const OTHERS = Object.keys(MESSAGES).filter(name => !AT_MOST_ONE.includes(name) && !ITEMS.includes(name))
const NUMBERED = [...AT_MOST_ONE, ...OTHERS, ...ITEMS]
const ITEMS_START = NUMBERED.length - ITEMS.length
const KEY_VALUE = NUMBERED.indexOf('KeyValue')
const ANY_VALUE = NUMBERED.indexOf('AnyValue')

const WIRE_TYPES: Readonly<Record<string, number>> = {
  string: LEN,
  bytes: LEN,
  double: I64,
  fixed64: I64,
  sfixed64: I64,
  fixed32: I32,
}
const SKIPS: Readonly<Record<number, number>> = {
  [VARINT]: SKIP_VARINT,
  [I64]: SKIP_8,
  [I32]: SKIP_4,
  [LEN]: SKIP_LEN,
}
const ID_FIELDS: Readonly<Record<string, number>> = {
  traceId: ID_16,
  profileId: ID_16,
  spanId: ID_8,
  parentSpanId: ID_8,
}

/** Action by `message << 8 | tag`: tags below 256 are all that OTLP has (field numbers up to 31). */
const ACTIONS = new Uint8Array(NUMBERED.length << 8)
for (const [message, name] of NUMBERED.entries()) {
  for (const [field, [number, type, repeated]] of Object.entries(MESSAGES[name]!)) {
    const at = (message << 8) | (number << 3)
    ACTIONS.fill(WRONG_WIRE_TYPE, at, at + 8)
    const inner = NUMBERED.indexOf(type)
    if (inner !== -1) {
      ACTIONS[at | LEN] = MESSAGE + inner
      continue
    }
    const wire = WIRE_TYPES[type] ?? VARINT
    ACTIONS[at | wire] = (type === 'bytes' ? ID_FIELDS[field] : undefined) ?? SKIPS[wire]!
    // Repeated numbers come packed or one by one, whatever the .proto says; parsers must take both.
    if (repeated && wire !== LEN) ACTIONS[at | LEN] = wire === I64 ? PACKED_8 : PACKED_VARINT
  }
}

const ROOTS: Readonly<Record<Signal, number>> = {
  traces: NUMBERED.indexOf(REQUESTS.traces),
  metrics: NUMBERED.indexOf(REQUESTS.metrics),
  logs: NUMBERED.indexOf(REQUESTS.logs),
  profiles: NUMBERED.indexOf(REQUESTS.profiles),
}

let items = 0

/**
 * Checks that `bytes` are an Export<Signal>ServiceRequest and counts its items: spans, data points, log records, or
 * profile samples. Throws Malformed.
 */
export function validate(bytes: Uint8Array, signal: Signal): number {
  items = 0
  try {
    walk(bytes, ROOTS[signal], 0, bytes.length, 0)
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    throw new Malformed(fault.reason, fault.offset, locate(bytes, signal, fault.offset))
  }
  return items
}

/** `nesting`: how many AnyValues are around `[pos, end)`, itself included. Recursion is bounded by it and the schema. */
function walk(bytes: Uint8Array, message: number, pos: number, end: number, nesting: number): void {
  let hadOne = false
  let attribute = -1
  while (pos < end) {
    const at = pos
    let tag = bytes[pos++]!
    if (tag === attribute) {
      // Attributes come in rows; most need neither the table nor a call.
      const length = bytes[pos]!
      const stop = pos + 1 + length
      if (length < 0x80 && stop <= end && isPlainAttribute(bytes, pos + 1, stop)) {
        pos = stop
        continue
      }
    }
    if (tag >= 0x80) {
      tag = readLength(bytes, at, end)
      pos = lengthEnd
    }
    const action = tag < 256 ? ACTIONS[(message << 8) | tag]! : UNKNOWN
    if (action <= SKIP_4) {
      pos = skipNumber(bytes, pos, end, at, tag, action)
      continue
    }
    if (pos >= end) throw new Fault('the bytes end before the length', at)
    let length = bytes[pos++]!
    if (length >= 0x80) {
      length = readLength(bytes, pos - 1, end)
      pos = lengthEnd
    }
    const stop = pos + length
    if (stop > end) throw new Fault(`length ${length} runs past the end of its parent`, at)
    if (action >= MESSAGE) {
      const inner = action - MESSAGE
      if (inner === KEY_VALUE) {
        // A plain attribute has a value too, which may be one level too deep.
        const mayHaveValue = nesting < NESTING_MAX
        if (mayHaveValue) attribute = tag
        if (!(mayHaveValue && isPlainAttribute(bytes, pos, stop))) walk(bytes, inner, pos, stop, nesting)
      } else if (inner === ANY_VALUE) {
        if (nesting === NESTING_MAX) throw new Fault(`values nested deeper than ${NESTING_MAX} levels`, at)
        walk(bytes, inner, pos, stop, nesting + 1)
      } else {
        if (inner < AT_MOST_ONE_STOP) {
          if (hadOne) throw new Fault('the entry has a second one', at)
          hadOne = true
        } else if (inner >= ITEMS_START) items++
        walk(bytes, inner, pos, stop, nesting)
      }
    } else if (action !== SKIP_LEN) checkContent(bytes, pos, stop, at, action)
    pos = stop
  }
}

/** Skips a field that is no known LEN field; `at` is where it begins, `pos` is after its tag. */
function skipNumber(
  bytes: Uint8Array,
  pos: number,
  end: number,
  at: number,
  tag: number,
  action: number,
): number {
  if (action === SKIP_8) pos += 8
  else if (action === SKIP_4) pos += 4
  else if (action === SKIP_VARINT) return skipVarint(bytes, pos, end, at)
  else if (action === UNKNOWN) return skipUnknown(bytes, pos, end, at, tag)
  else throw new Fault(`wire type ${tag & 7} is wrong for this field`, at)
  if (pos > end) throw new Fault('the number runs past the end of its parent', at)
  return pos
}

function skipUnknown(bytes: Uint8Array, pos: number, end: number, at: number, tag: number): number {
  if (tag > 0xffff_ffff) throw new Fault('the field number is out of range', at)
  if (tag >>> 3 === 0) throw new Fault('field number 0 does not exist', at)
  const wire = tag & 7
  if (wire === LEN) {
    const length = readLength(bytes, pos, end)
    if (length > end - lengthEnd) throw new Fault(`length ${length} runs past the end of its parent`, at)
    return lengthEnd + length
  }
  const action = SKIPS[wire]
  if (action === undefined) {
    const kind = wire < I32 ? `${wire} (a group)` : wire
    throw new Fault(`wire type ${kind} is not supported`, at)
  }
  return skipNumber(bytes, pos, end, at, tag, action)
}

function skipVarint(bytes: Uint8Array, pos: number, end: number, at: number): number {
  const stop = Math.min(pos + 10, end)
  while (pos < stop) if (bytes[pos++]! < 0x80) return pos
  throw new Fault(stop === end ? 'the number runs past the end of its parent' : VARINT_TOO_LONG, at)
}

/** What is inside a known LEN field that is neither text nor a message. */
function checkContent(bytes: Uint8Array, pos: number, stop: number, at: number, action: number): void {
  const length = stop - pos
  if (action === PACKED_VARINT) while (pos < stop) pos = skipVarint(bytes, pos, stop, at)
  else if (action === PACKED_8) {
    if (length % 8 !== 0) throw new Fault(`${length} bytes of packed 8-byte numbers`, at)
  } else {
    const size = action === ID_16 ? 16 : 8
    if (length !== size && length !== 0) throw new Fault(`an id of ${length} bytes instead of ${size}`, at)
  }
}

/**
 * True for what nearly every attribute is: a key, then a scalar value, both shorter than 128 bytes and nothing else.
 * False says nothing: `walk` decides. Halves the time of a request of spans.
 *
 *     0a <length> key  12 <length> ( 0a <length> string | 10 bool | 18 int | 21 double | 3a <length> bytes )
 */
function isPlainAttribute(bytes: Uint8Array, pos: number, stop: number): boolean {
  if (stop - pos < 4 || bytes[pos] !== 0x0a) return false
  const keyLength = bytes[pos + 1]!
  const value = pos + keyLength + 4
  if (keyLength >= 0x80 || value + 1 >= stop || bytes[value - 2] !== 0x12) return false
  if (value + bytes[value - 1]! !== stop || stop - value >= 0x80) return false
  const tag = bytes[value]
  if (tag === 0x0a || tag === 0x3a) return value + 2 + bytes[value + 1]! === stop
  if (tag === 0x21) return value + 9 === stop
  if (tag !== 0x18 && tag !== 0x10) return false
  if (stop - value > 11) return false
  let last = value + 1
  while (last < stop && bytes[last]! >= 0x80) last++
  return last + 1 === stop
}

const VARINT_TOO_LONG = 'a varint of more than 10 bytes'

/** Where the length ended that `readLength` read last. */
let lengthEnd = 0

/** A tag or length of any size. Above 2^53 it is not exact, but as a length it is past every end all the same. */
function readLength(bytes: Uint8Array, pos: number, end: number): number {
  const at = pos
  let value = 0
  let scale = 1
  for (let i = 0; i < 10; i++) {
    if (pos >= end) throw new Fault('the bytes end inside a tag or length', at)
    const b = bytes[pos++]!
    value += (b & 0x7f) * scale
    if (b < 0x80) {
      lengthEnd = pos
      return value
    }
    scale *= 128
  }
  throw new Fault(VARINT_TOO_LONG, at)
}
