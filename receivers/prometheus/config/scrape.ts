/** `global` and one entry of `scrape_configs`: Prometheus' keys (config.go of v0.312, which the Collector 0.155 has). */

import {
  choice,
  flag,
  integer,
  list,
  map,
  number,
  optional,
  section,
  type ValueOf,
} from '../../../config/schema.ts'
import { ESCAPINGS } from '../../../core/formats/prometheus/escape.ts'
import { SCRAPE_PROTOCOLS, type ScrapeProtocol } from '../../../core/formats/prometheus/parse/index.ts'
import { discoveryFields } from './discovery.ts'
import { checkHttp, httpFields } from './http.ts'
import { relabelRules } from './relabel.ts'
import { parsePromDuration, promDuration, size, words } from './words.ts'

const PROTOCOLS = Object.keys(SCRAPE_PROTOCOLS) as ScrapeProtocol[]

const limit = (doc: string) => integer({ default: 0, min: 0, doc: `${doc} 0 means no limit.` })

/** Keys that global and a job both have; a job that does not write one has that of global. */
const shared = {
  scrape_protocols: optional(
    list(choice(PROTOCOLS, { doc: 'A format.' }), {
      doc: 'Formats to ask for, the most wanted first. Not written: OpenMetrics, then text; with scrape_native_histograms protobuf before them.',
    }),
  ),
  body_size_limit: size(
    'A page that is larger, decompressed, fails: 10MB. Empty: no limit in Prometheus; 256MB in Sluice.',
  ),
  sample_limit: limit('More samples than this, after metric_relabel_configs, fail the scrape.'),
  target_limit: limit('More targets than this fail all of them.'),
  label_limit: limit('A sample with more labels than this fails the scrape.'),
  label_name_length_limit: limit('A longer name of a label fails the scrape.'),
  label_value_length_limit: limit('A longer value of a label fails the scrape.'),
  keep_dropped_targets: integer({ default: 0, min: 0, doc: 'Taken; dropped targets are not kept.' }),
  metric_name_validation_scheme: choice(['', 'utf8', 'legacy'], {
    default: '',
    doc: 'Which names are good: any, or those of Prometheus 2 only. Empty: utf8.',
  }),
  metric_name_escaping_scheme: choice(['', ...ESCAPINGS], {
    default: '',
    doc: 'Which escaping of names targets are asked for. Empty: allow-utf-8, or underscores with legacy.',
  }),
  scrape_native_histograms: optional(flag({ doc: 'Read native histograms from protobuf pages.' })),
  convert_classic_histograms_to_nhcb: optional(
    flag({ doc: 'Take each classic histogram as one, with its buckets.' }),
  ),
  always_scrape_classic_histograms: optional(
    flag({ doc: 'The classic buckets of a histogram as well, when it has been taken as one.' }),
  ),
  extra_scrape_metrics: optional(
    flag({ doc: 'Also scrape_timeout_seconds, scrape_sample_limit and scrape_body_size_bytes.' }),
  ),
} as const

function checkProtocols(
  protocols: readonly string[] | undefined,
  report: { error(key: 'scrape_protocols', wrong: string, fix: string): void },
): void {
  if (protocols?.length === 0)
    report.error('scrape_protocols', 'is empty', 'write at least one, or remove it')
  if (new Set(protocols).size < (protocols?.length ?? 0))
    report.error('scrape_protocols', 'names one twice', 'remove one')
}

export const globalConfig = section(
  {
    scrape_interval: promDuration('How often to scrape. Empty: 1m.'),
    scrape_timeout: promDuration(
      'How long a scrape may take. Empty: 10s, or the interval if that is shorter.',
    ),
    external_labels: map(words({ doc: 'A value.' }), { doc: 'Labels of every series.' }),
    ...shared,
  },
  {
    doc: 'What jobs have that do not say it themselves.',
    ignored: {
      evaluation_interval: 'there are no rules here',
      rule_query_offset: 'there are no rules here',
      query_log_file: 'there are no queries here',
      scrape_failure_log_file: "failures are in the gateway's own log",
    },
    check(value, report) {
      checkProtocols(value.scrape_protocols, report)
      const interval = parsePromDuration(value.scrape_interval) || 60_000
      if ((parsePromDuration(value.scrape_timeout) ?? 0) > interval)
        report.error('scrape_timeout', 'is longer than scrape_interval', 'shorten it')
    },
  },
)
export type GlobalSettings = ValueOf<typeof globalConfig>

export const scrapeConfig = section(
  {
    job_name: words({ required: true, doc: 'Its name: the label job, and service.name.' }),
    scrape_interval: promDuration('How often to scrape.'),
    scrape_timeout: promDuration('How long a scrape may take.'),
    metrics_path: words({ default: '/metrics', doc: 'Where the page is.' }),
    scheme: choice(['http', 'https'], { default: 'http', doc: 'How to ask.' }),
    params: map(list(words({ doc: 'A value.' }), { doc: 'Values.' }), { doc: 'Query parameters.' }),
    honor_labels: flag({
      default: false,
      doc: 'Labels of the page win over those of the target; otherwise they are renamed to exported_.',
    }),
    honor_timestamps: flag({ default: true, doc: 'Times on the page count; otherwise that of the scrape.' }),
    track_timestamps_staleness: flag({
      default: false,
      doc: 'Mark series with times of their own as stale too when they vanish.',
    }),
    fallback_scrape_protocol: choice(['', ...PROTOCOLS], {
      default: '',
      doc: 'What a page is taken for whose Content-Type says nothing. Empty: PrometheusText0.0.4.',
    }),
    enable_compression: flag({ default: true, doc: 'Ask for gzip.' }),
    native_histogram_bucket_limit: limit('Native histograms with more buckets are made coarser.'),
    native_histogram_min_bucket_factor: number({
      default: 0,
      min: 0,
      doc: 'Native histograms whose buckets grow by less are made coarser. 0: as they are.',
    }),
    ...shared,
    ...httpFields,
    ...discoveryFields,
    relabel_configs: relabelRules('Rules for the labels of targets, before they are scraped.'),
    metric_relabel_configs: relabelRules('Rules for the labels of samples.'),
  },
  {
    doc: 'A job: targets that are scraped alike.',
    ignored: { scrape_failure_log_file: "failures are in the gateway's own log" },
    check(value, report) {
      checkHttp(value, report)
      checkProtocols(value.scrape_protocols, report)
      if (value.relabel_configs.length > 0) return
      for (const { targets } of value.static_configs) {
        const wrong = targets.find(target => target.includes('/'))
        if (wrong !== undefined)
          report.error(
            'static_configs',
            `"${wrong}" is not a host and port`,
            'write host:port; the path goes into metrics_path, http or https into scheme',
          )
      }
    },
  },
)
export type ScrapeSettings = ValueOf<typeof scrapeConfig>
