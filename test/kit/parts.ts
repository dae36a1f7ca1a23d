/** Stand-ins for what a part is surrounded by: settings, a `next` that records, silent logs, metrics that can be read. */

import type { Batch } from '../../core/component/batch.ts'
import type {
  ConsumeContext,
  Consumer,
  Host,
  HostDescription,
  PartHealth,
  Settings,
} from '../../core/component/contract.ts'
import { Account } from '../../core/component/ledger.ts'
import { leave } from '../../core/component/memory.ts'
import { ACCEPTED, type Receipt } from '../../core/component/outcome.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import type { MetricDeclaration, MetricsRegistry } from '../../core/telemetry/metrics.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Keeps lines instead of printing them. */
export class RecordingLog implements Logger {
  readonly lines: LogLine[]
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(lines: LogLine[] = [], fields: Readonly<Record<string, unknown>> = {}) {
    this.lines = lines
    this.#fields = fields
  }

  #add(level: LogLine['level'], message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } })
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#add('debug', message, fields)
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#add('info', message, fields)
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#add('warn', message, fields)
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#add('error', message, fields)
  }

  with(fields: Readonly<Record<string, unknown>>): Logger {
    return new RecordingLog(this.lines, { ...this.#fields, ...fields })
  }
}

/** Sums what was recorded under `name{label="value"}`. */
export class RecordingMetrics implements MetricsRegistry {
  readonly values = new Map<string, number>()
  readonly #observed = new Map<string, () => number>()

  #key(declaration: MetricDeclaration, labels: Readonly<Record<string, string>> = {}): string {
    const inner = Object.entries(labels).map(([k, v]) => `${k}="${v}"`)
    return `${declaration.name}{${inner.sort().join(',')}}`
  }

  read(key: string): number {
    return this.#observed.get(key)?.() ?? this.values.get(key) ?? 0
  }

  counter(declaration: MetricDeclaration) {
    const add = (value: number, labels?: Readonly<Record<string, string>>): void => {
      const key = this.#key(declaration, labels)
      this.values.set(key, (this.values.get(key) ?? 0) + value)
    }
    return {
      add,
      bind: (labels: Readonly<Record<string, string>>) => ({ add: (value: number) => add(value, labels) }),
    }
  }

  gauge(declaration: MetricDeclaration) {
    const set = (value: number, labels?: Readonly<Record<string, string>>): void => {
      this.values.set(this.#key(declaration, labels), value)
    }
    return {
      set,
      bind: (labels: Readonly<Record<string, string>>) => ({ set: (value: number) => set(value, labels) }),
    }
  }

  /** `read` of a histogram gives the sum of what was recorded. */
  histogram(declaration: MetricDeclaration) {
    const { add } = this.counter(declaration)
    return {
      record: add,
      bind: (labels: Readonly<Record<string, string>>) => ({ record: (value: number) => add(value, labels) }),
    }
  }

  observe(
    declaration: MetricDeclaration,
    labels: Readonly<Record<string, string>>,
    read: () => number,
  ): () => void {
    const key = this.#key(declaration, labels)
    this.#observed.set(key, read)
    return () => this.#observed.delete(key)
  }
}

export class TestHost implements Host {
  readonly build = { name: 'sluice-test', version: '0.0.0', startedAt: 0 }
  readonly health = new Map<string, PartHealth>()
  readonly extensions = new Map<string, import('../../core/component/contract.ts').Extension>()
  ready = true
  worker: number | undefined

  extension(id: string) {
    return this.extensions.get(id)
  }

  report(part: string, health: PartHealth): void {
    this.health.set(part, health)
  }

  lastReload: HostDescription['lastReload']

  describe(): HostDescription {
    const { health, lastReload } = this
    return { pipelines: [], extensions: [], health, accounts: [], lastReload }
  }
}

export interface TestSettings extends Settings {
  readonly log: RecordingLog
  readonly metrics: RecordingMetrics
  readonly host: TestHost
}

export function testSettings(kind: string, id: string, signal: Settings['signal'] = undefined): TestSettings {
  const name = `${kind}/${id}${signal === undefined ? '' : `/${signal}`}`
  return {
    id,
    name,
    signal,
    log: new RecordingLog(),
    account: new Account(kind, id, name),
    metrics: new RecordingMetrics(),
    host: new TestHost(),
  }
}

/** A `next` that keeps what it is given. `answer` decides each outcome; it may throw Refused or Rejected, or wait. */
export class Sink implements Consumer {
  readonly batches: Batch[] = []
  answer: (batch: Batch, context: ConsumeContext, nth: number) => Receipt | Promise<Receipt> = () => ACCEPTED
  #calls = 0

  async consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    const receipt = await this.answer(batch, context, this.#calls++)
    leave(batch)
    this.batches.push(batch)
    return receipt
  }

  get items(): number {
    return this.batches.reduce((sum, batch) => sum + batch.items, 0)
  }
}
