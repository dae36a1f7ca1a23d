/** A job with everything decided: what it says itself, what global says, and the defaults. */

import type { ParseOptions, ScrapeProtocol } from '../../core/formats/prometheus/parse/index.ts'
import { SCRAPE_PROTOCOLS } from '../../core/formats/prometheus/parse/index.ts'
import { anchored, type RelabelRule } from '../../core/formats/prometheus/relabel.ts'
import type { FileSettings, StaticSettings } from './config/discovery.ts'
import type { HttpSettings } from './config/http.ts'
import type { RelabelSettings } from './config/relabel.ts'
import type { GlobalSettings, ScrapeSettings } from './config/scrape.ts'
import { parsePromDuration, parseSize } from './config/words.ts'

/** Where Prometheus has no limit: one target's page must not take the gateway's memory. */
export const PAGE_BYTES_MAX = 256 * 1024 * 1024

const MINUTE = 60_000
const TIMEOUT_MS = 10_000

const OPEN_FIRST: readonly ScrapeProtocol[] = [
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
]

export interface LabelLimits {
  readonly count: number
  readonly nameBytes: number
  readonly valueBytes: number
}

export interface Job {
  readonly name: string
  /** Times in ms. */
  readonly interval: number
  readonly timeout: number
  readonly path: string
  readonly scheme: string
  readonly params: ReadonlyMap<string, readonly string[]>
  readonly honorLabels: boolean
  readonly honorTimestamps: boolean
  readonly trackTimestamps: boolean
  /** 0: no limit, except for `pageBytes`. */
  readonly pageBytes: number
  readonly sampleLimit: number
  readonly targetLimit: number
  readonly labelLimits: LabelLimits
  readonly bucketLimit: number
  /** Native histograms of a finer scale than this are made coarser. */
  readonly scaleMax: number
  readonly extraMetrics: boolean
  /** Names may have any characters. */
  readonly utf8: boolean
  readonly parse: ParseOptions
  readonly accept: string
  readonly compression: boolean
  readonly rules: readonly RelabelRule[]
  readonly metricRules: readonly RelabelRule[]
  readonly statics: readonly StaticSettings[]
  readonly files: readonly FileSettings[]
  readonly http: HttpSettings
  readonly externalLabels: ReadonlyMap<string, string>
}

export function jobOf(job: ScrapeSettings, global: GlobalSettings): Job {
  const interval = parsePromDuration(job.scrape_interval || global.scrape_interval) || MINUTE
  const usual = parsePromDuration(global.scrape_timeout) || TIMEOUT_MS
  const timeout = parsePromDuration(job.scrape_timeout) || Math.min(usual, interval)
  const scheme = job.metric_name_validation_scheme || global.metric_name_validation_scheme || 'utf8'
  const utf8 = scheme === 'utf8'
  const native = job.scrape_native_histograms ?? global.scrape_native_histograms ?? false
  const protocols = job.scrape_protocols ?? global.scrape_protocols
  return {
    name: job.job_name,
    interval,
    timeout,
    path: job.metrics_path,
    scheme: job.scheme,
    params: job.params,
    honorLabels: job.honor_labels,
    honorTimestamps: job.honor_timestamps,
    trackTimestamps: job.track_timestamps_staleness,
    pageBytes: parseSize(job.body_size_limit) || parseSize(global.body_size_limit) || PAGE_BYTES_MAX,
    sampleLimit: job.sample_limit || global.sample_limit,
    targetLimit: job.target_limit || global.target_limit,
    labelLimits: {
      count: job.label_limit || global.label_limit,
      nameBytes: job.label_name_length_limit || global.label_name_length_limit,
      valueBytes: job.label_value_length_limit || global.label_value_length_limit,
    },
    bucketLimit: job.native_histogram_bucket_limit,
    scaleMax: scaleFor(job.native_histogram_min_bucket_factor),
    extraMetrics: job.extra_scrape_metrics ?? global.extra_scrape_metrics ?? false,
    utf8,
    parse: {
      native,
      custom: job.convert_classic_histograms_to_nhcb ?? global.convert_classic_histograms_to_nhcb ?? false,
      classic: job.always_scrape_classic_histograms ?? global.always_scrape_classic_histograms ?? false,
      fallback: job.fallback_scrape_protocol || 'PrometheusText0.0.4',
    },
    accept: acceptHeader(
      protocols ?? (native ? ['PrometheusProto', ...OPEN_FIRST] : OPEN_FIRST),
      escapingOf(job, global, utf8),
    ),
    compression: job.enable_compression,
    rules: job.relabel_configs.map(rule => ruleOf(rule, utf8)),
    metricRules: job.metric_relabel_configs.map(rule => ruleOf(rule, utf8)),
    statics: job.static_configs,
    files: job.file_sd_configs,
    http: job,
    externalLabels: global.external_labels,
  }
}

function escapingOf(job: ScrapeSettings, global: GlobalSettings, utf8: boolean): string {
  if (job.metric_name_escaping_scheme !== '') return job.metric_name_escaping_scheme
  const inherited = job.metric_name_validation_scheme === '' ? global.metric_name_escaping_scheme : ''
  return inherited || (utf8 ? 'allow-utf-8' : 'underscores')
}

/** Weights as Prometheus gives them: the number of formats and one for "anything", from the top. */
function acceptHeader(protocols: readonly ScrapeProtocol[], escaping: string): string {
  let weight = Object.keys(SCRAPE_PROTOCOLS).length + 1
  const parts = protocols.map(name => {
    const newer = name.endsWith('1.0.0') ? `;escaping=${escaping}` : ''
    return `${SCRAPE_PROTOCOLS[name]}${newer};q=0.${weight--}`
  })
  return [...parts, `*/*;q=0.${weight}`].join(',')
}

function ruleOf(rule: RelabelSettings, utf8: boolean): RelabelRule {
  return {
    action: rule.action,
    sourceLabels: rule.source_labels,
    separator: rule.separator,
    pattern: anchored(rule.regex),
    modulus: rule.modulus,
    targetLabel: rule.target_label,
    replacement: rule.replacement,
    utf8,
  }
}

/** The finest scale whose buckets grow by at least this factor. */
function scaleFor(factor: number): number {
  if (factor <= 1) return 8
  // Plus 0: of -0 there is no need.
  const scale = Math.floor(-Math.log2(Math.log2(factor))) + 0
  return Math.min(8, Math.max(-4, scale))
}
