/** What a side wrote into its files, decoded and brought into one form. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonToRequest } from '../../core/otlp/json.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { normalize } from '../kit/normalize.ts'
import type { Side } from './pair.ts'

/** An exporter that writes protobuf: it can say everything exactly. */
export function protoFile(name: string): string {
  return `{path: "@folder@/${name}.proto", format: proto, flush_interval: 50ms}`
}

/** The requests in a file of `format: proto`, in order. An absent file has none. */
export function readProto(side: Side, name: string): Buffer[] {
  return lengthPrefixed(side, `${name}.proto`)
}

export function lengthPrefixed(side: Side, file: string): Buffer[] {
  const path = join(side.folder, file)
  if (!existsSync(path)) return []
  const bytes = readFileSync(path)
  const requests: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    requests.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return requests
}

/** The requests in a file of OTLP/JSON lines, in order. */
export function readJsonLines(side: Side, file: string, signal: Signal): Uint8Array[] {
  const path = join(side.folder, file)
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => jsonToRequest(Buffer.from(line), signal))
}

type Plain = Record<string, unknown>

/** Doubles that are encoded even when they are zero. */
const WITH_PRESENCE = ['asDouble', 'doubleValue']

/**
 * What requests say, with attributes sorted by key: their order says nothing. Two differences that would be seen
 * everywhere are evened out here; the table `passing` has cases of their own for them: the order in which attributes
 * stand, and -0, which the Collector forgets where 0 is not encoded.
 */
export function saying(signal: Signal, requests: readonly Uint8Array[]): Plain[] {
  return requests.map(bytes => even(normalize(signal, bytes)) as Plain)
}

function even(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(even)
  if (typeof value !== 'object' || value === null) return value
  const evened: Plain = {}
  for (const [name, one] of Object.entries(value)) {
    if (Object.is(one, -0) && !WITH_PRESENCE.includes(name)) continue
    const inner = even(one)
    evened[name] = /ttributes$/.test(name) ? (inner as Plain[]).toSorted(byKey) : inner
  }
  return evened
}

function byKey(a: Plain, b: Plain): number {
  const [left, right] = [String(a['key'] ?? ''), String(b['key'] ?? '')]
  if (left === right) return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
  return left < right ? -1 : 1
}
