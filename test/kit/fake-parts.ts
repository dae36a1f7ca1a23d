/** Parts that do what a test tells them, and a catalog of them, for gateways whose real parts are not the point. */

import { section, text, type ValueOf } from '../../config/schema.ts'
import { factory as forward } from '../../connectors/forward.ts'
import type { Batch } from '../../core/component/batch.ts'
import type {
  ConsumeContext,
  Consumer,
  ExporterFactory,
  ExtensionFactory,
  Factory,
  ProcessorFactory,
  ReceiverFactory,
  SendResult,
  Settings,
} from '../../core/component/contract.ts'
import { SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import type { CatalogEntry } from '../../gateway/catalog.ts'

const config = section({ fail: text({ doc: 'start or stop: where it fails.' }) }, { doc: 'A part of tests.' })
type Config = ValueOf<typeof config>

/** Everything the fake parts of one gateway did, and the handles to drive them. */
export class Stage {
  /** `start exporter/fake`, `stop receiver/fake`, in order. */
  readonly events: string[] = []
  /** What the receiver was given to hand batches to, by its id. */
  readonly inlets = new Map<string, Readonly<Partial<Record<Signal, Consumer>>>>()
  /** What arrived at each exporter, by its id. */
  readonly sent = new Map<string, Batch[]>()
  readonly settings = new Map<string, Settings>()
  /** How an exporter answers, by its id; it may throw. Without one it takes everything. */
  readonly answers = new Map<string, (batch: Batch) => SendResult | Promise<SendResult>>()
  /** How a processor treats a batch, by its id; without one it hands it on. */
  readonly treatments = new Map<
    string,
    (batch: Batch, context: ConsumeContext, next: Consumer) => ReturnType<Consumer['consume']>
  >()

  inlet(id: string, signal: Signal): Consumer {
    return this.inlets.get(id)![signal]!
  }

  #part({ fail }: Config, settings: Settings) {
    this.settings.set(settings.name, settings)
    const step = (name: 'start' | 'stop') => async () => {
      this.events.push(`${name} ${settings.name}`)
      if (fail === name) throw new Error(`told to fail at ${name}`)
    }
    return { start: step('start'), stop: step('stop') }
  }

  catalog(): readonly CatalogEntry[] {
    const about = { doc: 'A part of tests.', stability: 'alpha', config } as const
    const receiver: ReceiverFactory<Config> = {
      ...about,
      kind: 'receiver',
      type: 'fake',
      signals: SIGNALS,
      create: (own, settings, next) => {
        this.inlets.set(settings.id, next)
        return this.#part(own, settings)
      },
    }
    const processor: ProcessorFactory<Config> = {
      ...about,
      kind: 'processor',
      type: 'fake',
      signals: SIGNALS,
      create: (own, settings, next) => ({
        ...this.#part(own, settings),
        consume: (batch, context) =>
          (this.treatments.get(settings.id) ?? ((one, within, to) => to.consume(one, within)))(
            batch,
            context,
            next,
          ),
        admit: signal => next.admit?.(signal),
      }),
    }
    const exporter: ExporterFactory<Config> = {
      ...about,
      kind: 'exporter',
      type: 'fake',
      signals: SIGNALS,
      create: (own, settings) => {
        const sent: Batch[] = []
        this.sent.set(settings.id, sent)
        return {
          ...this.#part(own, settings),
          send: async batch => {
            const result = await (this.answers.get(settings.id)?.(batch) ?? { sent: batch.items })
            sent.push(batch)
            return result
          },
        }
      },
    }
    const extension: ExtensionFactory<Config> = {
      ...about,
      kind: 'extension',
      type: 'fake',
      create: (own, settings) => this.#part(own, settings),
    }
    return [receiver, processor, exporter, extension, forward].map(catalogEntry)
  }
}

export function catalogEntry(factory: unknown): CatalogEntry {
  const known = factory as Factory
  return { kind: known.kind, type: known.type, aliases: [], load: async () => known }
}
