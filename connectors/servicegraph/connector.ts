/** Takes spans, pairs them, counts; hands metrics on from time to time. index.ts says what it is for. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Batch } from '../../core/component/batch.ts'
import { type Clock, SYSTEM_CLOCK } from '../../core/component/clock.ts'
import type { Connector, Consumer, Settings } from '../../core/component/contract.ts'
import type { DropReason } from '../../core/component/ledger.ts'
import { ACCEPTED, type Receipt, Refused } from '../../core/component/outcome.ts'
import { MADE_INTO_METRICS, Outlet } from '../../core/component/outlet.ts'
import { SpanSpanKind } from '../../core/otlp/fields.ts'
import { MetricsWriter } from '../../core/otlp/metrics-writer.ts'
import { ItemWalker } from '../../core/otlp/walk.ts'
import type { BoundCounter } from '../../core/telemetry/instruments.ts'
import { DROPPED_SPANS, EXPIRED_EDGES, type ServiceGraphConfig, TOTAL_EDGES } from './config.ts'
import type { Edge } from './edge.ts'
import { SpanReader } from './reader.ts'
import { GraphSeries } from './series.ts'
import { type EdgeListener, EdgeStore } from './store.ts'

/** What becomes of spans that are not made into metrics. */
const NOT_AN_EDGE: DropReason = { name: 'not_an_edge', intended: true }
const NO_SERVICE_NAME: DropReason = { name: 'no_service_name', intended: false }
const UNPAIRED: DropReason = { name: 'unpaired', intended: false }
const STORE_FULL: DropReason = { name: 'store_full', intended: false }
const SHUTDOWN: DropReason = { name: 'shutdown', intended: false }

const SERIES_LIFE_MS = 15 * 60_000
const CACHE_LOOP_MS = 60_000
const EXPIRATION_LOOP_MS = 2000
const NO_PEER = 'unknown'
const USER = 'user'
const EMPTY = new Uint8Array()

export class ServiceGraph implements Connector, EdgeListener {
  readonly #config: ServiceGraphConfig
  readonly #settings: Settings
  readonly #outlet: Outlet
  readonly #clock: Clock
  readonly #wallMs: () => number
  readonly #reader: SpanReader
  readonly #store: EdgeStore
  readonly #series: GraphSeries
  readonly #walker = new ItemWalker(EMPTY, 'traces')
  readonly #writer = new MetricsWriter()
  readonly #droppedSpans: BoundCounter
  readonly #expiredEdges: BoundCounter
  readonly #totalEdges: BoundCounter
  readonly #timers = new Set<() => void>()
  #flushing: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  #toldOverflow = false
  /** Of spans, since `#enter` last told the ledger. */
  #counted = 0
  #unpaired = 0
  #dropped = 0
  #heldSpans = 0
  #edges = 0

  constructor(
    config: ServiceGraphConfig,
    settings: Settings,
    next: Consumer,
    clock: Clock = SYSTEM_CLOCK,
    wallMs: () => number = Date.now,
  ) {
    const { latency_histogram_buckets: buckets, exponential_histogram_max_size: exponentialSize } = config
    this.#config = config
    this.#settings = settings
    this.#outlet = new Outlet(settings, next, 'metrics', clock)
    this.#clock = clock
    this.#wallMs = wallMs
    this.#reader = new SpanReader(config)
    this.#store = new EdgeStore(config.store, config.dimensions.length, this)
    this.#series = new GraphSeries({
      bounds: buckets.map(seconds),
      exponentialSize,
      dimensionLabels: this.#reader.dimensionLabels,
      virtualNodeLabel: config.virtual_node_extra_label,
      max: config.max_series,
    })
    this.#droppedSpans = settings.metrics.counter(DROPPED_SPANS).bind({})
    this.#expiredEdges = settings.metrics.counter(EXPIRED_EDGES).bind({})
    this.#totalEdges = settings.metrics.counter(TOTAL_EDGES).bind({})
  }

  async start(): Promise<void> {
    const { cache_loop, store_expiration_loop, metrics_flush_interval } = this.#config
    this.#every(store_expiration_loop || EXPIRATION_LOOP_MS, () => {
      this.#store.expire(this.#clock.now())
      this.#enter()
    })
    this.#every(cache_loop || CACHE_LOOP_MS, () => this.#series.expire(this.#clock.now() - SERIES_LIFE_MS))
    if (metrics_flush_interval > 0)
      this.#every(metrics_flush_interval, () => void this.#flush(metrics_flush_interval))
    else
      this.#settings.log.warn(
        'metrics_flush_interval is 0: all metrics are handed on after every batch of spans, which costs much.',
      )
  }

  #every(ms: number, act: () => void): void {
    const again = (): void => {
      this.#timers.delete(cancel)
      this.#every(ms, act)
      act()
    }
    const cancel = this.#clock.after(ms, again)
    this.#timers.add(cancel)
  }

  stop(deadline: number): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  async #stop(deadline: number): Promise<void> {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    this.#store.expire(this.#clock.now())
    this.#enter()
    // The others will not be paired any more, and nobody knows whether the other side sent nothing or is late.
    this.#settings.account.drop('traces', this.#store.clear(), SHUTDOWN)
    this.#enter()
    const end = this.#outlet.close(deadline)
    await this.#flushing
    await this.#flush(deadline - this.#clock.now())
    end()
  }

  /** Spans are not refused before the end: there is room for them, or they are dropped and counted. */
  async consume(batch: Batch): Promise<Receipt> {
    if (this.#stopped !== undefined) throw new Refused('the gateway is stopping', { status: 'UNAVAILABLE' })
    const reader = this.#reader
    const walker = this.#walker
    const now = this.#clock.now()
    let others = 0
    let nameless = 0
    for (const chunk of batch.chunks) {
      reader.begin()
      walker.reset(chunk, 'traces')
      while (walker.next()) {
        reader.read(walker)
        if (reader.service === undefined) nameless++
        else if (isClient(reader.kind)) {
          const edge = this.#store.open(chunk, reader.traceId, reader.spanId)
          reader.enterClient(edge)
          this.#store.done(now)
        } else if (isServer(reader.kind)) {
          const edge = this.#store.open(chunk, reader.traceId, reader.parentSpanId)
          reader.enterServer(edge)
          this.#store.done(now)
        } else others++
      }
    }
    reader.release()
    walker.reset(EMPTY, 'traces')
    this.#settings.account.drop('traces', nameless, NO_SERVICE_NAME)
    this.#settings.account.drop('traces', others, NOT_AN_EDGE)
    this.#enter()
    if (this.#config.metrics_flush_interval === 0) {
      // One that has begun does not have all of this batch.
      await this.#flushing
      await this.#flush(0)
    }
    return ACCEPTED
  }

  /** Tells the ledger and the metrics what happened since it was last called. */
  #enter(): void {
    const { account } = this.#settings
    account.drop('traces', this.#counted, MADE_INTO_METRICS)
    account.drop('traces', this.#unpaired, UNPAIRED)
    account.drop('traces', this.#dropped, STORE_FULL)
    account.hold('traces', this.#store.spans - this.#heldSpans)
    this.#heldSpans = this.#store.spans
    if (this.#dropped > 0) {
      this.#droppedSpans.add(this.#dropped)
      this.#settings.log.warn('The store is full, so spans are not paired. Make store.max_items larger.', {
        dropped: this.#dropped,
        max_items: this.#config.store.max_items,
        max_bytes: this.#config.store.max_bytes,
      })
    }
    this.#counted = this.#unpaired = this.#dropped = 0
    this.#totalEdges.add(this.#store.created - this.#edges)
    this.#edges = this.#store.created
  }

  onComplete(edge: Edge): void {
    this.#counted += edge.spans
    this.#count(edge)
  }

  onDrop(edge: Edge): void {
    this.#dropped += edge.spans
  }

  /** One side is not known, so it gets a name: a user for who called, an attribute of the client for who was called. */
  onExpire(edge: Edge, isRoot: boolean): void {
    this.#expiredEdges.add(1)
    const isUsers = edge.clientService === '' && isRoot
    const isPeers = edge.serverService === ''
    if (this.#config.virtual_node_peer_attributes.length === 0 || !(isUsers || isPeers)) {
      this.#unpaired += edge.spans
      return
    }
    this.#counted += edge.spans
    edge.connectionType = 'virtual_node'
    if (isUsers) edge.clientService = USER
    else edge.serverService = edge.peer ?? NO_PEER
    edge.virtualNode = isUsers ? 'client' : 'server'
    this.#count(edge)
  }

  /** Of points: both their ends are as much earlier as the config says, so that none begins after it ends. */
  #pointTime(): bigint {
    return nanoseconds(this.#wallMs() - this.#config.metrics_timestamp_offset)
  }

  #count(edge: Edge): void {
    this.#series.add(edge, this.#clock.now(), this.#pointTime())
    if (this.#series.hasOverflow === this.#toldOverflow) return
    this.#toldOverflow = this.#series.hasOverflow
    if (this.#toldOverflow)
      this.#settings.log.warn(
        'There are too many series. Further ones become one, with the label otel_metric_overflow.',
        { max_series: this.#config.max_series },
      )
  }

  /**
   * Hands all metrics on, and tries for so many ms. They are cumulative: what is not taken now is in what is handed on next.
   * While that goes on it is not begun again.
   */
  #flush(patienceMs: number): Promise<void> {
    this.#flushing ??= this.#handOn(this.#clock.now() + patienceMs).finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #handOn(giveUpAt: number): Promise<void> {
    let isFirst = true
    for (const { bytes, points } of this.#series.requests(this.#writer, this.#pointTime())) {
      // Other work goes on between requests: all series together can take a quarter of a second.
      if (!isFirst) await nextTurn()
      isFirst = false
      await this.#outlet.send(bytes, points, giveUpAt)
    }
  }
}

function isClient(kind: number): boolean {
  return kind === SpanSpanKind.SPAN_KIND_CLIENT || kind === SpanSpanKind.SPAN_KIND_PRODUCER
}

function isServer(kind: number): boolean {
  return kind === SpanSpanKind.SPAN_KIND_SERVER || kind === SpanSpanKind.SPAN_KIND_CONSUMER
}

/** As Go's Duration.Seconds, to the last bit: bounds are labels, and these name the same series. */
function seconds(ms: number): number {
  const ns = Math.round(ms * 1e6)
  return Math.floor(ns / 1e9) + (ns % 1e9) / 1e9
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n
}
