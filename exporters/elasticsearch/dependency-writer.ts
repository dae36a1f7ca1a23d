/**
 * Writes which service calls which: from time to time a document of the calls since the last one, each once. A document that
 * the cluster does not take is kept and sent again under the same id, so that it is there once.
 */

import { randomUUID } from 'node:crypto'
import { type Clock, SYSTEM_CLOCK } from '../../core/component/clock.ts'
import type { Settings } from '../../core/component/contract.ts'
import { Dependencies, dependencyDocument } from '../../core/formats/jaeger-es/dependencies.ts'
import { IndexNames } from '../../core/formats/jaeger-es/index-names.ts'
import type { MetricDeclaration } from '../../core/telemetry/instruments.ts'
import { wordsOf } from './answers.ts'
import type { Cluster } from './client.ts'
import { type JaegerConfig, rotationOf } from './jaeger-config.ts'
import type { Setup } from './setup.ts'

export const DEPENDENCY_DOCUMENTS: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_elasticsearch_dependency_documents',
  unit: '{documents}',
  help: 'Documents of which service calls which, by outcome: written, refused (for ever), dropped (too many waited).',
  labels: ['exporter', 'outcome'],
  level: 'normal',
}

export const DEPENDENCY_LOSSES: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_elasticsearch_dependency_losses',
  unit: '{spans}',
  help: 'Spans that may lack in the documents of which service calls which: forgotten (before their time, raise max_spans), uncounted (too many links).',
  labels: ['exporter', 'reason'],
  level: 'normal',
}

/** So many documents wait for the cluster at most, and so many bytes of them; 24 are two hours at the default interval. */
const WAITING_MAX = 24
const WAITING_BYTES_MAX = 64 * 1024 * 1024
const EXPIRE_MS = 1000
const REQUEST_MS = 30_000
/** What may be put right: these are sent again. */
const AGAIN = new Set([401, 403, 404, 408, 429])
const THERE_ALREADY = 409

interface Waiting {
  readonly path: string
  readonly body: Uint8Array
}

export class DependencyWriter {
  readonly #settings: Settings
  readonly #cluster: Cluster
  readonly #setup: Setup
  readonly #clock: Clock
  readonly #wallMs: () => number
  readonly #interval: number
  readonly #index: IndexNames
  readonly #needsAlias: boolean
  readonly #isStream: boolean
  readonly #dependencies: Dependencies
  readonly #waiting: Waiting[] = []
  readonly #timers = new Set<() => void>()
  #sending: Promise<void> | undefined
  #toldForgotten = 0
  #toldUncounted = 0

  constructor(
    config: JaegerConfig & { readonly dependencies: NonNullable<JaegerConfig['dependencies']> },
    settings: Settings,
    cluster: Cluster,
    setup: Setup,
    clock: Clock = SYSTEM_CLOCK,
    wallMs: () => number = Date.now,
  ) {
    const { indices, dependencies } = config
    const rotation = rotationOf(config)
    this.#settings = settings
    this.#cluster = cluster
    this.#setup = setup
    this.#clock = clock
    this.#wallMs = wallMs
    this.#interval = dependencies.interval
    this.#needsAlias = rotation === 'manual_rollover' || rotation === 'auto_rollover'
    this.#isStream = rotation === 'data_stream'
    const layout = indices.dependencies.date_layout
    this.#index = new IndexNames('dependencies', { prefix: indices.index_prefix, rotation, layout })
    this.#dependencies = new Dependencies(dependencies)
  }

  start(): void {
    if ((this.#settings.host.workers ?? 1) > 1)
      this.#settings.log.warn(
        'jaeger.dependencies: each worker sees a part of the spans, so calls will be missing. Write service.workers: 1.',
      )
    this.#every(EXPIRE_MS, () => this.#dependencies.expire(this.#clock.now()))
    this.#every(this.#interval, () => void this.#write())
  }

  #every(ms: number, act: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel)
      this.#every(ms, act)
      act()
    })
    this.#timers.add(cancel)
  }

  /** The spans of a batch that is done with, which is told once. */
  observe(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#dependencies.observe(chunk, this.#clock.now())
  }

  /** Writes what there is, until `deadline` (ms on the clock). */
  async stop(deadline: number): Promise<void> {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    this.#dependencies.end()
    // Before anything is waited for: what is lost then is counted.
    this.#collect()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(deadline - this.#clock.now(), resolve)
    await Promise.race([this.#finish(), late])
    cancel()
    const documents = this.#waiting.splice(0).length
    if (documents === 0) return
    const lost = 'Documents of which service calls which are lost: the cluster did not take them.'
    this.#settings.log.warn(lost, { documents })
    this.#count('dropped', documents)
  }

  async #finish(): Promise<void> {
    await this.#sending
    await this.#sendAll()
  }

  #write(): Promise<void> {
    this.#collect()
    return this.#sendAll()
  }

  /** Makes a document of the calls since the last one. */
  #collect(): void {
    this.#tellLosses()
    const links = this.#dependencies.take()
    if (links.length === 0) return
    const now = this.#wallMs()
    const alias = this.#needsAlias ? '?require_alias=true' : ''
    this.#waiting.push({
      path: `/${encodeURIComponent(this.#index.at(now).name)}/_create/${randomUUID()}${alias}`,
      body: dependencyDocument(links, now, this.#isStream),
    })
    while (this.#isCrowded()) {
      this.#waiting.shift()
      this.#count('dropped', 1)
    }
  }

  #isCrowded(): boolean {
    const { length } = this.#waiting
    const bytes = this.#waiting.reduce((sum, { body }) => sum + body.length, 0)
    return length > WAITING_MAX || (length > 1 && bytes > WAITING_BYTES_MAX)
  }

  #sendAll(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #send(): Promise<void> {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const problem = await this.#put(next)
      if (problem !== undefined) {
        const detail = { detail: problem, waiting: this.#waiting.length }
        this.#settings.log.warn('A document of which service calls which is not written yet.', detail)
        return
      }
      // The oldest may have been dropped in the meantime.
      if (this.#waiting[0] === next) this.#waiting.shift()
    }
  }

  /** Undefined when it needs not be sent again; else what is wrong. */
  async #put({ path, body }: Waiting): Promise<string | undefined> {
    try {
      await this.#setup.run()
      const signal = AbortSignal.timeout(REQUEST_MS)
      const answer = await this.#cluster.request({ method: 'PUT', path, body, signal })
      const { status } = answer
      if (AGAIN.has(status) || status >= 500) return wordsOf(answer)
      const isThere = status < 300 || status === THERE_ALREADY
      this.#count(isThere ? 'written' : 'refused', 1)
      if (!isThere)
        this.#settings.log.error('Elasticsearch does not take a document of which service calls which.', {
          detail: wordsOf(answer),
        })
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  #count(outcome: string, documents: number): void {
    if (documents === 0) return
    const { id: exporter, metrics } = this.#settings
    metrics.counter(DEPENDENCY_DOCUMENTS).add(documents, { exporter, outcome })
  }

  #tellLosses(): void {
    const { forgotten, uncounted } = this.#dependencies
    const { id: exporter, metrics } = this.#settings
    const losses = metrics.counter(DEPENDENCY_LOSSES)
    if (forgotten > this.#toldForgotten)
      losses.add(forgotten - this.#toldForgotten, { exporter, reason: 'forgotten' })
    if (uncounted > this.#toldUncounted)
      losses.add(uncounted - this.#toldUncounted, { exporter, reason: 'uncounted' })
    this.#toldForgotten = forgotten
    this.#toldUncounted = uncounted
  }
}
