/** What a batch costs on its way behind the door: queue, batching, and the exporter that drops it. */

import { section } from '../../config/schema.ts'
import { batchOf } from '../../core/component/batch.ts'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { direct, sendingChain } from '../../core/component/sending.ts'
import { sendingFields } from '../../core/component/sending-config.ts'
import { factory as nop } from '../../exporters/nop.ts'
import { factory as batching } from '../../processors/batch/index.ts'
import { testSettings } from '../../test/kit/parts.ts'
import { readConfig } from '../../test/kit/read-config.ts'
import { realisticTraces } from '../../test/kit/realistic.ts'
import type { Case } from './harness.ts'

const sending = section(sendingFields(), { doc: '' })

/** Many batches in flight at once, as a receiver has them; the cost is that of one. */
function perBatch(name: string, spans: number, make: () => ReturnType<typeof direct>): Case {
  const batch = batchOf('traces', [realisticTraces(spans, 1)], spans)
  return {
    name: `${name}, ${spans} spans`,
    items: spans,
    bytes: batch.byteLength,
    prepare() {
      const chain = make()
      void chain.start()
      return async () => (await chain.consume(batch, NO_CONTEXT)).rejected + batch.items
    },
  }
}

const settings = () => testSettings('exporter', 'nop')
const exporter = () => nop.create({}, settings(), ['traces'])

const straight = () => direct(exporter(), settings())

const queued = () =>
  sendingChain(exporter(), readConfig(sending, { sending_queue: { wait_for_result: true } }), settings())

const batched = () => {
  const next = straight()
  const processor = batching.create(
    readConfig(batching.config, {}),
    testSettings('processor', 'batch', 'traces'),
    next,
  )
  return {
    start: async () => {
      await next.start()
      await processor.start()
    },
    stop: (deadline: number) => processor.stop(deadline),
    consume: processor.consume.bind(processor),
  }
}

export const cases: readonly Case[] = [10, 512].flatMap(spans => [
  perBatch('direct to nop', spans, straight),
  perBatch('sending queue to nop', spans, queued),
  perBatch('batch processor to nop', spans, batched),
])
