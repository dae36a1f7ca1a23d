/** Reads pages of Prometheus metrics: protobuf with the official decoder, text as lines. */

import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = new protobuf.Root()
root.resolvePath = (_, target) => target
const proto = fileURLToPath(new URL('../core/formats/prometheus/metrics.proto', import.meta.url))
const MetricFamily = root.loadSync(proto, { keepCase: true }).lookupType('io.prometheus.client.MetricFamily')

export interface ProtoFamily {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly metric: readonly Readonly<Record<string, unknown>>[]
}

/** The families of a page of messages behind their lengths; 64-bit numbers as text. */
export function readProtoPage(page: Uint8Array): ProtoFamily[] {
  const reader = protobuf.Reader.create(page)
  const families: ProtoFamily[] = []
  while (reader.pos < reader.len) {
    const message = MetricFamily.decodeDelimited(reader)
    families.push(MetricFamily.toObject(message, { longs: String, enums: String }) as ProtoFamily)
  }
  return families
}

/** A protobuf page of these families, in protobufjs' form. */
export function writeProtoPage(families: readonly object[]): Buffer {
  return Buffer.concat(
    families.map(one => MetricFamily.encodeDelimited(MetricFamily.fromObject(one)).finish()),
  )
}

export const PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'
export const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0'
