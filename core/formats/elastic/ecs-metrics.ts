/** Documents of mode ecs for metrics: attributes and values side by side, each metric under its name. */

import { high, low, readFixed64 } from '../../otlp/cursor.ts'
import { MessageView } from '../../otlp/message.ts'
import type { Writer } from '../../otlp/writer.ts'
import type { CacheBudget } from '../cache-budget.ts'
import { convertAttributes } from './convert.ts'
import { KEPT_OF_METRICS, NO_FIELDS } from './ecs-fields.ts'
import { FlatDocument, type Prepared } from './flat.ts'
import { type Group, POINT_ATTRIBUTES } from './metric-groups.ts'
import { bucketsOf, writeCount, writeCounts, writeDoubles, writeNumberPoint } from './points.ts'
import type { Route } from './route.ts'
import { writeTimeText } from './times.ts'
import { type ValueWriter, writeRadixDouble } from './values.ts'

const TIME_FIELD = 3

export class EcsMetricDocuments {
  readonly #document: FlatDocument
  readonly #point = new MessageView()

  constructor(values: ValueWriter, budget: CacheBudget) {
    this.#document = new FlatDocument(values, budget)
  }

  write(out: Writer, { points, values }: Group<unknown>, route: Route, resource: Prepared): void {
    const { bytes, start, stop, metric } = points[0]!
    const document = this.#document.begin()
    document.prepared(resource)
    this.#time(this.#point.reset(bytes, start, stop))
    convertAttributes(document, bytes, start, stop, POINT_ATTRIBUTES[metric.kind]!, NO_FIELDS)
    document.stream('', route)
    for (const [i, point] of points.entries()) {
      const value = values[i]!
      const { name } = point.metric
      if (value.type === 'histogram') {
        const buckets = bucketsOf(point, value.buckets)
        if (buckets.counts.length === 0) continue
        writeCounts(document.out, buckets.counts)
        document.end(`${name}.counts`)
        writeDoubles(document.out, buckets.values)
        document.end(`${name}.values`)
      } else if (value.type === 'aggregate') {
        writeRadixDouble(document.out, value.sum)
        document.end(`${name}.sum`)
        writeCount(document.out, value.count)
        document.end(`${name}.value_count`)
      } else {
        writeNumberPoint(document.out, point, value.type)
        document.end(name)
      }
    }
    document.write(out, true, KEPT_OF_METRICS)
  }

  /** Lets go of the request that was read last. */
  release(): void {
    this.#point.reset(new Uint8Array())
    this.#document.release()
  }

  #time(point: MessageView): void {
    const start = point.startOf(TIME_FIELD)
    if (start === -1) writeTimeText(this.#document.out, 0, 0)
    else {
      readFixed64(point.bytes, start)
      writeTimeText(this.#document.out, low, high)
    }
    this.#document.end('@timestamp')
  }
}
