/** The keys of `probabilistic_sampler` (contrib probabilisticsamplerprocessor 0.155). */

import { choice, flag, integer, number, section, text, type ValueOf } from '../../config/schema.ts'
import { LEAST_PROBABILITY } from '../../core/formats/sampling.ts'

export const config = section(
  {
    mode: choice(['hash_seed', 'proportional', 'equalizing', ''], {
      default: '',
      doc: 'hash_seed (also when not written): by a hash of the trace id. proportional: each item keeps its share times this one. equalizing: no item keeps more than this share. The last two are consistent with other samplers of OpenTelemetry.',
    }),
    sampling_percentage: number({
      default: 0,
      min: 0,
      doc: 'Share of items that is kept, in percent; 100 and more keeps all.',
      check: percent => {
        if (percent === Number.POSITIVE_INFINITY) return ['is infinite', 'write 100 to keep all']
        if (percent > 0 && percent / 100 < LEAST_PROBABILITY)
          return [`${percent} is too small`, 'write 0 to keep nothing']
        return undefined
      },
    }),
    hash_seed: integer({
      default: 0,
      min: 0,
      max: 0xffff_ffff,
      doc: 'Samplers behind one another choose independently when their seeds differ, all collectors of one layer alike when they are the same.',
    }),
    fail_closed: flag({
      default: true,
      doc: 'Drop what cannot be sampled (no trace id, bad or unexpected tracestate). Off: keep it.',
    }),
    sampling_precision: integer({
      default: 4,
      min: 1,
      max: 14,
      doc: 'Hex digits of the threshold that is written into items.',
    }),
    attribute_source: choice(['traceID', 'record', ''], {
      default: 'traceID',
      doc: 'Logs: what is hashed, the trace id (from_attribute where there is none) or from_attribute alone.',
    }),
    from_attribute: text({ default: '', doc: 'Logs: an attribute that is hashed.' }),
    sampling_priority: text({
      default: '',
      doc: "Logs: an attribute that holds the record's own percentage, which counts instead of sampling_percentage.",
    }),
  },
  { doc: 'Keeps a share of all traces or log records.' },
)

export type SamplerConfig = ValueOf<typeof config>

/** In the order in which makeSampler of the Collector decides. */
export type Mode = 'never' | 'hash_seed' | 'proportional' | 'equalizing'

/** Not written means hash_seed, whatever the Collector's README says. */
export function modeOf({ mode }: SamplerConfig): Exclude<Mode, 'never'> {
  return mode === '' ? 'hash_seed' : mode
}
