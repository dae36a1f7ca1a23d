/**
 * `probabilistic_sampler`: keeps a share of spans or log records, whole traces at a time (contrib
 * probabilisticsamplerprocessor 0.155). Works on the bytes: what is kept is copied once, with its sampling
 * information written into it.
 */

import type { ValueOf } from '../../config/schema.ts'
import type { ProcessorFactory } from '../../core/component/contract.ts'
import { rewriteBatch, transforming } from '../../core/component/transform.ts'
import { Rewriter } from '../../core/otlp/rewrite.ts'
import { config, modeOf } from './config.ts'
import { LogEditor } from './logs.ts'
import { Sampler } from './sampler.ts'
import { SpanEditor } from './spans.ts'
import { METRICS, SAMPLED_OUT, Tally } from './tally.ts'

export const factory: ProcessorFactory<ValueOf<typeof config>> = {
  kind: 'processor',
  type: 'probabilistic_sampler',
  doc: 'Keeps a share of all traces or log records.',
  stability: 'beta',
  signals: ['traces', 'logs'],
  config,
  metrics: Object.values(METRICS),
  create(written, settings, next) {
    const signal = settings.signal!
    const sampler = new Sampler(written)
    const tally = new Tally(settings, written.from_attribute)
    const editor = signal === 'logs' ? new LogEditor(written, sampler, tally) : new SpanEditor(sampler, tally)
    const rewriter = new Rewriter(signal, editor)
    return transforming(
      next,
      settings,
      batch => {
        tally.begin()
        const transformed = rewriteBatch(batch, rewriter, SAMPLED_OUT)
        tally.publish()
        return tally.split(transformed)
      },
      {
        start: () =>
          settings.log.info('samples', {
            mode: modeOf(written),
            percentage: Math.min(written.sampling_percentage, 100),
            fail_closed: written.fail_closed,
          }),
      },
    )
  },
}
