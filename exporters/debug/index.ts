/**
 * `debug`: shows what goes through, on the log or on a stream of its own.
 *
 *     exporters:
 *       debug:
 *         verbosity: detailed          # basic: counts; normal: a line an item; detailed: every field
 *         use_internal_logger: false   # print to output_paths, coloured on a terminal, instead of the log
 *
 * Keys, defaults and texts are those of the Collector's exporter/debugexporter 0.155. Sampling counts batches: of one
 * that is left out neither the counts nor the text are shown.
 */

import { choice, flag, integer, list, optional, section, text, type ValueOf } from '../../config/schema.ts'
import type { Batch } from '../../core/component/batch.ts'
import type { Exporter, ExporterFactory, SendResult, Settings } from '../../core/component/contract.ts'
import { Rejected } from '../../core/component/outcome.ts'
import { type SendingConfig, sendingFields } from '../../core/component/sending-config.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { detailedText } from './detailed.ts'
import { normalText } from './normal.ts'
import { Output } from './output.ts'
import { Sampler } from './sampler.ts'
import { summaryOf } from './summary.ts'

const { retry_on_failure: retry, sending_queue: queue } = sendingFields()

const config = section(
  {
    verbosity: choice(['basic', 'normal', 'detailed'], {
      default: 'basic',
      aliases: { Basic: 'basic', Normal: 'normal', Detailed: 'detailed' },
      doc: 'basic: one line a batch, with counts. normal: also one line an item. detailed: also every field.',
    }),
    sampling_initial: integer({ default: 2, min: 0, doc: 'Batches of a signal shown first in each second.' }),
    sampling_thereafter: integer({
      default: 1,
      min: 0,
      doc: 'After those, every how many-th batch of that second is shown. 1 means all, 0 none.',
    }),
    use_internal_logger: flag({
      default: true,
      doc: "Write to the gateway's own log. Off: to output_paths, without time and level.",
    }),
    output_paths: list(text({ doc: 'stdout, stderr or a file, which is appended to.' }), {
      default: ['stdout'],
      doc: 'Where the text goes when use_internal_logger is false.',
    }),
    sending_queue: optional(queue),
  },
  {
    doc: 'Shows what goes through the pipeline.',
    check: (value, check) => {
      // The default may be written out, as print-config does.
      const usual = value.output_paths.join() === 'stdout'
      if (value.use_internal_logger && check.written('output_paths') && !usual) {
        check.error(
          'output_paths',
          'has no effect with use_internal_logger',
          'set use_internal_logger: false',
        )
      }
      if (value.output_paths.length === 0)
        check.error('output_paths', 'is empty', 'write [stdout], or leave it out')
    },
  },
)

export type DebugConfig = ValueOf<typeof config>

class DebugExporter implements Exporter {
  readonly returnsBytes = true
  readonly #config: DebugConfig
  readonly #settings: Settings
  readonly #sampler: Sampler
  #outputs: Output[] = []

  constructor(config: DebugConfig, settings: Settings) {
    this.#config = config
    this.#settings = settings
    this.#sampler = new Sampler(config.sampling_initial, config.sampling_thereafter)
  }

  async start(): Promise<void> {
    if (this.#config.use_internal_logger) return
    for (const path of this.#config.output_paths) this.#outputs.push(await Output.open(path))
  }

  async stop(): Promise<void> {
    for (const output of this.#outputs.splice(0)) await output.close()
  }

  async send(batch: Batch): Promise<SendResult> {
    if (this.#sampler.allows(batch.signal)) await this.#show(batch)
    return { sent: batch.items }
  }

  async #show(batch: Batch): Promise<void> {
    const { verbosity, use_internal_logger } = this.#config
    const { message, fields } = summaryOf(batch)
    const text = verbosity === 'basic' ? '' : verbosity === 'normal' ? normalText(batch) : detailedText(batch)
    if (use_internal_logger) {
      this.#settings.log.info(message, fields)
      if (text !== '') this.#settings.log.info(text)
      return
    }
    const counts = Object.entries(fields).map(([name, count]) => `"${name}": ${count}`)
    const head = `${message}\t{${counts.join(', ')}}\n`
    for (const output of this.#outputs) {
      await output.write(head, text).catch((cause: Error) => {
        throw new Rejected(`cannot write to ${output.path}: ${cause.message}`, { cause })
      })
    }
  }
}

export const factory: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  doc: 'Shows what goes through the pipeline, on the log or on the terminal.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  // No queue unless it is written, never a retry and no time limit, as in the Collector.
  sending: ({ sending_queue }): SendingConfig => ({
    timeout: 0,
    retry_on_failure: { ...retry.absent(), enabled: false },
    sending_queue: sending_queue ?? { ...queue.absent(), enabled: false },
  }),
  liveSignals: true,
  create: (config, settings) => new DebugExporter(config, settings),
}
