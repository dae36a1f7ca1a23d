/**
 * Documents of a service and one of its operations, from which Jaeger's UI fills its menus. Their ids are Jaeger's:
 * FNV-1a of both names, 64 bits, in hex without leading zeros.
 */

import { sameBytes } from '../../otlp/cursor.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import type { Writer } from '../../otlp/writer.ts'

const TWO_32 = 0x1_0000_0000

/** What `fnv1a` came to, as two unsigned halves. */
export let hashLow = 0
export let hashHigh = 0

export function fnv1aBegin(): void {
  hashLow = 0x8422_2325
  hashHigh = 0xcbf2_9ce4
}

/** Goes on with `bytes[start, stop)`. */
export function fnv1a(bytes: Uint8Array, start: number, stop: number): void {
  let lo = hashLow
  let hi = hashHigh
  for (let i = start; i < stop; i++) {
    const mixed = (lo ^ bytes[i]!) >>> 0
    // The prime is 2^40 + 435.
    const product = mixed * 435
    lo = product >>> 0
    hi = (Math.imul(hi, 435) + (product - lo) / TWO_32 + (mixed << 8)) >>> 0
  }
  hashLow = lo
  hashHigh = hi
}

const SLOTS = 512
/** Longer names seldom come again. */
const KEPT_BYTES_MAX = 256

interface Known {
  readonly service: number
  readonly operation: Uint8Array
  readonly low: number
  readonly high: number
}

/** Hashes of services' operations seen last: a byte at a time is too slow for every span. */
export class OperationHashes {
  readonly #slots = new Array<Known | undefined>(SLOTS).fill(undefined)

  /**
   * Leaves in `hashLow`, `hashHigh` the hash of both names. `service` stands for the one whose name is `name`: the same
   * number, the same name.
   */
  find(service: number, name: Uint8Array, bytes: Uint8Array, start: number, stop: number): void {
    let mixed = stop - start
    if (stop > start) mixed += (bytes[start]! << 16) | (bytes[stop - 1]! << 8) | bytes[(start + stop) >> 1]!
    const slot = (Math.imul(mixed, 0x9e37_79b1) >>> 23) & (SLOTS - 1)
    const known = this.#slots[slot]
    if (known?.service === service && sameBytes(bytes, start, stop, known.operation)) {
      hashLow = known.low
      hashHigh = known.high
      return
    }
    fnv1aBegin()
    fnv1a(name, 0, name.length)
    fnv1a(bytes, start, stop)
    if (stop - start > KEPT_BYTES_MAX) return
    const operation = Uint8Array.prototype.slice.call(bytes, start, stop)
    this.#slots[slot] = { service, operation, low: hashLow, high: hashHigh }
  }
}

/** Without leading zeros, as Go's strconv.FormatUint. */
export function hashHex(): string {
  if (hashHigh === 0) return hashLow.toString(16)
  return hashHigh.toString(16) + hashLow.toString(16).padStart(8, '0')
}

const SERVICE_NAME = Buffer.from('{"serviceName":')
const OPERATION_NAME = Buffer.from(',"operationName":')
const CLOSE_OBJECT = 0x7d

/** Both names are UTF-8. */
export function writeServiceDocument(
  out: Writer,
  service: Uint8Array,
  bytes: Uint8Array,
  start: number,
  stop: number,
): void {
  out.raw(SERVICE_NAME)
  writeJsonString(out, service, 0, service.length)
  out.raw(OPERATION_NAME)
  writeJsonString(out, bytes, start, stop)
  out.byte(CLOSE_OBJECT)
}
