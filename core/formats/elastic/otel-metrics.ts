/** Documents of mode otel for metrics: all points of one group, each a field of `metrics`. */

import { high, low, readFixed64 } from '../../otlp/cursor.ts'
import { writeJsonString } from '../../otlp/json-values.ts'
import { MessageView } from '../../otlp/message.ts'
import type { Writer } from '../../otlp/writer.ts'
import { type CacheBudget, TEXT_BYTES } from '../cache-budget.ts'
import { writeAscii } from '../jaeger-es/letters.ts'
import { xxh64 } from '../xxhash.ts'
import { type Group, POINT_ATTRIBUTES } from './metric-groups.ts'
import type { OtelDocuments } from './otel.ts'
import {
  bucketsOf,
  docCount,
  type PointRef,
  type PointValue,
  templateOf,
  writeCount,
  writeCounts,
  writeDoubles,
  writeNumberPoint,
} from './points.ts'
import { writeMillis } from './times.ts'
import { writeRadixDouble } from './values.ts'

const utf8 = (text: string): Uint8Array => Buffer.from(text)
const TIMESTAMP = utf8('{"@timestamp":')
const START_TIMESTAMP = utf8(',"start_timestamp":')
const UNIT = utf8(',"unit":')
const METRICS = utf8(',"metrics":{')
const COUNTS = utf8('{"counts":')
const VALUES = utf8(',"values":')
const SUM = utf8('{"sum":')
const VALUE_COUNT = utf8(',"value_count":')
const DOC_COUNT = utf8(',"_doc_count":')
const NAMES_HASH = utf8(',"_metric_names_hash":"')
const END = utf8('"}')
const DYNAMIC_TEMPLATES = utf8(',"dynamic_templates":{')
const COMMA = 0x2c
const COLON = 0x3a
const CLOSE = 0x7d
const START_TIME_FIELD = 2
const TIME_FIELD = 3
export class OtelMetricDocuments {
  readonly #documents: OtelDocuments
  readonly #point = new MessageView()
  readonly #budget: CacheBudget
  /** Sets of names come again with every batch. */
  readonly #hashes = new Map<string, string>()

  /** `documents` made with `stringify`. */
  constructor(documents: OtelDocuments, budget: CacheBudget) {
    this.#documents = documents
    this.#budget = budget
    budget.join(() => this.#hashes.clear())
  }

  /** `,"dynamic_templates":{...}` for the line in front of the document: how each field is mapped. */
  writeTemplates(out: Writer, { points, values }: Group<unknown>): void {
    out.raw(DYNAMIC_TEMPLATES)
    for (const [i, point] of points.entries()) {
      if (i > 0) out.byte(COMMA)
      writeName(out, `metrics.${point.metric.name}`)
      out.byte(COLON)
      writeAscii(out, `"${templateOf(point, values[i]!)}"`)
    }
    out.byte(CLOSE)
  }

  /** `stream`, `resource`, `scope`: JSON text behind a comma. */
  write(
    out: Writer,
    { points, values, names }: Group<unknown>,
    stream: Uint8Array,
    resource: Uint8Array,
    scope: Uint8Array,
  ): void {
    const { bytes, start, stop, metric } = points[0]!
    const first = this.#point.reset(bytes, start, stop)
    out.raw(TIMESTAMP)
    readTime(first, TIME_FIELD)
    writeMillis(out, timeLow, timeHigh)
    readTime(first, START_TIME_FIELD)
    if (timeLow !== 0 || timeHigh !== 0) {
      out.raw(START_TIMESTAMP)
      writeMillis(out, timeLow, timeHigh)
    }
    if (metric.unit !== '') {
      out.raw(UNIT)
      writeName(out, metric.unit)
    }
    out.raw(stream)
    this.#documents.pointAttributes(out, bytes, start, stop, POINT_ATTRIBUTES[metric.kind]!)
    out.raw(resource)
    out.raw(scope)
    out.raw(METRICS)
    let measurements = 0n
    for (const [i, point] of points.entries()) {
      if (i > 0) out.byte(COMMA)
      writeName(out, point.metric.name)
      out.byte(COLON)
      writeValue(out, point, values[i]!)
      if (point.hints.docCount) measurements = docCount(point)
    }
    out.byte(CLOSE)
    if (measurements !== 0n) {
      out.raw(DOC_COUNT)
      writeCount(out, measurements)
    }
    out.raw(NAMES_HASH)
    writeAscii(out, this.#hashOf(names))
    out.raw(END)
  }

  /** Lets go of the request that was read last. */
  release(): void {
    this.#point.reset(new Uint8Array())
  }

  /**
   * Documents with the same dimensions and time but other metrics are not the same document
   * (elastic/elasticsearch#99123), so a hash of the names is a dimension too: XXH64, as there.
   */
  #hashOf(names: ReadonlySet<string>): string {
    const sorted = [...names].map(name => Buffer.from(name)).sort(Buffer.compare)
    const all = Buffer.concat(sorted)
    const key = all.toString('latin1')
    let hash = this.#hashes.get(key)
    if (hash === undefined) {
      hash = xxh64(all).toString(16)
      if (this.#budget.take(key.length + 2 * TEXT_BYTES)) this.#hashes.set(key, hash)
    }
    return hash
  }
}

function writeValue(out: Writer, point: PointRef, value: PointValue): void {
  switch (value.type) {
    case 'histogram': {
      const { counts, values } = bucketsOf(point, value.buckets)
      out.raw(COUNTS)
      writeCounts(out, counts)
      out.raw(VALUES)
      writeDoubles(out, values)
      out.byte(CLOSE)
      break
    }
    case 'aggregate':
      out.raw(SUM)
      writeRadixDouble(out, value.sum)
      out.raw(VALUE_COUNT)
      writeCount(out, value.count)
      out.byte(CLOSE)
      break
    default:
      writeNumberPoint(out, point, value.type)
  }
}

function writeName(out: Writer, name: string): void {
  const bytes = Buffer.from(name)
  writeJsonString(out, bytes, 0, bytes.length)
}

let timeLow = 0
let timeHigh = 0

function readTime(point: MessageView, field: number): void {
  timeLow = timeHigh = 0
  const start = point.startOf(field)
  if (start === -1) return
  readFixed64(point.bytes, start)
  timeLow = low
  timeHigh = high
}
