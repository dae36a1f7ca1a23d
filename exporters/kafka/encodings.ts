/**
 * What the value of a record can be. One table: a name, the signals it can express, and the encoder. The exporter does
 * the rest for all of them alike: keys, topics, splitting what is too large, dead letters.
 */

import { requestToJsonBytes } from '../../core/otlp/json.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'

/** The content of one record. */
export interface Encoded {
  /** The key that the format gives its records; undefined where it gives none. */
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array
  /** Items of the batch that are in it. */
  readonly items: number
}

export interface Encoder {
  readonly signals: readonly Signal[]
  /**
   * Records for a whole request, in the order of its items. `reject` is called for items that the format cannot
   * express: those are in no record.
   */
  encode(
    request: Uint8Array,
    signal: Signal,
    items: number,
    reject: (items: number, reason: string) => void,
  ): Iterable<Encoded>
}

const ENCODERS: Readonly<Record<string, Encoder>> = {
  otlp_proto: {
    signals: SIGNALS,
    encode: (request, _signal, items) => [{ key: undefined, value: request, items }],
  },
  otlp_json: {
    signals: SIGNALS,
    encode: (request, signal, items) => [
      { key: undefined, value: requestToJsonBytes(request, signal), items },
    ],
  },
}

export function encodingNames(signal: Signal): string[] {
  return Object.keys(ENCODERS).filter(name => ENCODERS[name]!.signals.includes(signal))
}

/** `name` must be one of `encodingNames`. */
export function encoderOf(name: string): Encoder {
  return ENCODERS[name]!
}
