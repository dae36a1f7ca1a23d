/**
 * Exporters whose authenticator reads something of a batch's sender, behind something that merges the requests of many.
 * What it would read is gone by then, silently, and data of two senders leaves in one request.
 */

import type { Check } from '../config/node.ts'
import type { ExporterFactory, ProcessorFactory } from '../core/component/contract.ts'
import { ALL_KEYS } from '../core/component/meta.ts'
import type { ComponentConfig, PipelineConfig } from './gateway-config.ts'
import type { AllComponents } from './read-pipelines.ts'

/** Warns, because the Collector runs such a config too. */
export function checkSenders(
  components: AllComponents,
  pipelines: readonly PipelineConfig[],
  check: Check,
): void {
  for (const pipeline of pipelines) {
    for (const { id, at } of pipeline.exporters) {
      const exporter = components.exporter.read.get(id)
      const read = exporter === undefined ? [] : readOfSender(exporter.references, components)
      if (read.length === 0) continue
      for (const reference of pipeline.processors) {
        const kept = keptBy(components.processor.read.get(reference.id))
        const path = `service::pipelines::${pipeline.id}::processors`
        warn(check, reference.at, path, reference.id, kept, read, id)
      }
      const queue = keptByQueue(exporter as ComponentConfig<ExporterFactory>)
      warn(
        check,
        at,
        `service::pipelines::${pipeline.id}::exporters`,
        `sending_queue::batch of ${id}`,
        queue,
        read,
        id,
      )
    }
  }
}

/** What the extensions that these references lead to read of a sender. */
function readOfSender(
  references: ComponentConfig<ExporterFactory>['references'],
  { extension }: AllComponents,
): string[] {
  const ids = new Set(references.map(({ id }) => id.trim()))
  return [...ids].flatMap(id => {
    const found = extension.read.get(id)
    if (found?.factory.kind !== 'extension') return []
    return [...(found.factory.readsOfSender?.(found.config) ?? [])]
  })
}

/** The keys that requests are kept apart by; undefined when they are not merged at all. */
function keptBy(processor: { factory: object; config: unknown } | undefined): readonly string[] | undefined {
  return (processor?.factory as ProcessorFactory | undefined)?.mergesBy?.(processor!.config)
}

function keptByQueue({ factory, config }: ComponentConfig<ExporterFactory>): readonly string[] | undefined {
  const queue = factory.sending?.(config).sending_queue
  return queue?.enabled ? queue.batch?.partition.metadata_keys : undefined
}

function warn(
  check: Check,
  at: PipelineConfig['at'],
  path: string,
  merger: string,
  kept: readonly string[] | undefined,
  read: readonly string[],
  exporter: string,
): void {
  if (kept === undefined || kept.includes(ALL_KEYS)) return
  const known = kept.map(key => key.toLowerCase())
  const lost = [...new Set(read)].filter(key => !known.includes(key.toLowerCase()))
  if (lost.length === 0) return
  check.warn(
    at,
    path,
    `${merger} merges requests of different senders, and ${exporter} puts ${lost.join(', ')} of each into a header`,
    `add ${lost.join(', ')} to its metadata_keys`,
  )
}
