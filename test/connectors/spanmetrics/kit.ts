/** A span_metrics connector with a sink behind it, a clock that is turned by hand, and spans to give it. */

import { config } from '../../../connectors/spanmetrics/config.ts'
import { SpanMetrics } from '../../../connectors/spanmetrics/connector.ts'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { ManualClock, settled } from '../../kit/clock.ts'
import { Sink, testSettings } from '../../kit/parts.ts'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'
import { readConfig } from '../../kit/read-config.ts'

type Plain = Record<string, unknown>

export function text(key: string, stringValue: string): Plain {
  return { key, value: { stringValue } }
}

/** 10 ms long, of a server, unless `more` says otherwise. */
export function span(name: string, more: Plain = {}): Plain {
  return { name, kind: 2, startTimeUnixNano: '1000000000', endTimeUnixNano: '1010000000', ...more }
}

export function request(
  spans: readonly Plain[],
  resource: readonly Plain[] = [text('service.name', 'shop')],
) {
  return encodeRequest('traces', {
    resourceSpans: [{ resource: { attributes: resource }, scopeSpans: [{ spans }] }],
  })
}

export interface Point {
  /** `calls{span.name=a,...}`, without what is the same in all. */
  readonly name: string
  readonly labels: Readonly<Record<string, unknown>>
  readonly resource: Readonly<Record<string, unknown>>
  readonly point: Plain
  readonly start: number
  readonly time: number
}

function plainAttributes(attributes: unknown): Record<string, unknown> {
  const entries = ((attributes ?? []) as Plain[]).map(({ key, value }) => [
    key,
    Object.values(value as Plain)[0],
  ])
  return Object.fromEntries(entries)
}

/** Every data point of a request. Times are ms since 1970. */
export function pointsOf(bytes: Uint8Array): Point[] {
  const found: Point[] = []
  const list = (value: unknown): Plain[] => (value ?? []) as Plain[]
  for (const { resource, scopeMetrics } of list(decodeRequest('metrics', bytes)['resourceMetrics'])) {
    for (const { metrics } of list(scopeMetrics)) {
      for (const { name, sum, histogram, exponentialHistogram } of list(metrics)) {
        const { dataPoints } = (sum ?? histogram ?? exponentialHistogram) as Plain
        for (const { attributes, startTimeUnixNano, timeUnixNano, ...point } of list(dataPoints)) {
          found.push({
            name: String(name).replace('traces.span.metrics.', ''),
            labels: plainAttributes(attributes),
            resource: plainAttributes((resource as Plain)['attributes']),
            point,
            start: Number(BigInt(startTimeUnixNano as string) / 1_000_000n),
            time: Number(BigInt(timeUnixNano as string) / 1_000_000n),
          })
        }
      }
    }
  }
  return found
}

export const WALL = 1_700_000_000_000

/** Lets each flush end before time goes on: other work comes between its requests, one turn of the loop each. */
class FlushClock extends ManualClock {
  readonly #sink: Sink

  constructor(sink: Sink) {
    super()
    this.#sink = sink
  }

  override async advance(ms: number): Promise<void> {
    const until = this.now() + ms
    for (;;) {
      await super.advance(Math.min(this.next ?? ms, until - this.now()))
      for (let before = -1; before !== this.#sink.batches.length; ) {
        before = this.#sink.batches.length
        await settled()
        await settled()
      }
      if (this.now() >= until) return
    }
  }
}

export async function begin(written: Plain = {}, worker?: number, gates?: ReadonlySet<string>) {
  const settings = testSettings('connector', 'span_metrics', 'traces')
  const gate = gates === undefined ? {} : { gate: (id: string) => gates.has(id) }
  Object.assign(settings.host, { instanceId: 'me', worker, ...gate })
  const sink = new Sink()
  const clock = new FlushClock(sink)
  const zero = clock.now()
  const connector = new SpanMetrics(
    readConfig(config, written),
    settings,
    sink,
    clock,
    () => WALL + clock.now() - zero,
  )
  await connector.start()
  const send = (bytes: Uint8Array): Promise<unknown> =>
    connector.consume(batchOf('traces', [bytes], countItems(bytes, 'traces')), NO_CONTEXT)
  return {
    settings,
    clock,
    sink,
    connector,
    send,
    /** Sends spans of the service `shop`. */
    spans: (...spans: readonly Plain[]) => send(request(spans)),
    /** Points of what has come out since the last call. */
    taken: (): Point[] => sink.batches.splice(0).flatMap(({ chunks }) => chunks.flatMap(pointsOf)),
    /** Of these nobody wants to know. */
    skip: () => void (sink.batches.length = 0),
    stop: () => clock.until(connector.stop(clock.now() + 1000)),
  }
}

/** What the calls say, by the names of spans. */
export function callsOf(points: readonly Point[]): Record<string, number> {
  const calls = points.filter(({ name }) => name === 'calls')
  return Object.fromEntries(
    calls.map(({ labels, point }) => [String(labels['span.name'] ?? 'overflow'), Number(point['asInt'])]),
  )
}
