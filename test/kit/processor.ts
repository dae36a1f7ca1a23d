/** A processor made from YAML, with what surrounds it, for trying one on a request. */

import { type Batch, batchOf, contiguous } from '../../core/component/batch.ts'
import { NO_CONTEXT, type Processor, type ProcessorFactory } from '../../core/component/contract.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import { countItems } from '../../core/otlp/walk.ts'
import { readAs } from './config-text.ts'
import { Sink, type TestSettings, testSettings } from './parts.ts'

export interface Tried {
  readonly processor: Processor
  readonly settings: TestSettings
  readonly sink: Sink
  /** What reached `next` of one request: undefined when nothing did. Checks the batch's own counts. */
  send(request: Uint8Array, meta?: Meta): Promise<Uint8Array | undefined>
}

/** Throws what the config's mistakes are when it has any. */
export function tryProcessor<C>(factory: ProcessorFactory<C>, yaml: string, signal: Signal): Tried {
  const { value, said } = readAs(factory.config, yaml)
  if (said.length > 0) throw new Error(said.join('\n'))
  const misfit = factory.misfit?.(value, signal)
  if (misfit !== undefined) throw new Error(misfit)
  const settings = testSettings('processor', factory.type, signal)
  const sink = new Sink()
  const processor = factory.create(value, settings, sink)
  return {
    processor,
    settings,
    sink,
    async send(request, meta = NO_META) {
      const before = sink.batches.length
      const sent = batchOf(signal, [request], countItems(request, signal), meta)
      await processor.consume(sent, NO_CONTEXT)
      const batch = sink.batches[before]
      const dropped = settings.account.of(signal).dropped
      let gone = 0
      for (const { items } of dropped.values()) gone += items
      dropped.clear()
      const left = batch === undefined ? 0 : checkedItems(batch)
      if (left + gone !== sent.items) throw new Error(`${sent.items} in, ${left} out, ${gone} dropped`)
      return batch && contiguous(batch)
    },
  }
}

function checkedItems(batch: Batch): number {
  const items = countItems(contiguous(batch), batch.signal)
  if (items !== batch.items) throw new Error(`the batch says ${batch.items} items and has ${items}`)
  return items
}

/** What a config's mistakes are, without their places. */
export function mistakes<C>(factory: ProcessorFactory<C>, yaml: string): string[] {
  return readAs(factory.config, yaml).said.map(line => line.replace(/^v:\d+:\d+: v(::)?/, ''))
}
