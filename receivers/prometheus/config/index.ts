/** The keys of the prometheus receiver: the Collector's (receiver/prometheusreceiver 0.155) around Prometheus' own. */

import {
  duration,
  flag,
  list,
  type Schema,
  type SectionOptions,
  section,
  type ValueOf,
} from '../../../config/schema.ts'
import { unsupported } from '../../../core/transport/unsupported.ts'
import type { RelabelSettings } from './relabel.ts'
import { type GlobalSettings, globalConfig, type ScrapeSettings, scrapeConfig } from './scrape.ts'
import { parsePromDuration } from './words.ts'

/** Parts of a Prometheus config that the Collector refuses as well. */
const elsewhere = (what: string, fix: string) => unsupported({ doc: 'Of Prometheus.', what, fix })

const promFields = {
  global: globalConfig,
  scrape_configs: list(scrapeConfig, { doc: 'Jobs.' }),
  scrape_config_files: elsewhere(
    'jobs in files of their own are not available yet',
    'write scrape_configs: ${file:jobs.yaml}',
  ),
  remote_write: elsewhere('is no part of scraping', 'write an exporter prometheus_remote_write'),
  remote_read: elsewhere('is no part of scraping', 'remove it'),
  rule_files: elsewhere('is no part of scraping', 'remove it: rules are for Prometheus'),
  alerting: elsewhere('is no part of scraping', 'remove it: alerts are for Prometheus'),
} as const

const prometheusConfig = section(promFields, {
  doc: "Prometheus' own config. $$ in it is one $.",
  ignored: {
    runtime: 'it is for the process of Prometheus',
    storage: 'nothing is stored here',
    tracing: 'write service.telemetry.traces',
    otlp: 'it is for what Prometheus is sent',
  },
  check: checkJobs,
})

type PromReport = Parameters<NonNullable<SectionOptions<typeof promFields>['check']>>[1]

function checkJobs(
  value: { global: GlobalSettings; scrape_configs: readonly ScrapeSettings[] },
  report: PromReport,
): void {
  const names = new Set<string>()
  for (const job of value.scrape_configs) {
    const called = `job "${job.job_name}"`
    if (names.has(job.job_name)) report.error('scrape_configs', `${called} stands there twice`, 'rename one')
    names.add(job.job_name)
    const interval = parsePromDuration(job.scrape_interval || value.global.scrape_interval) || 60_000
    if ((parsePromDuration(job.scrape_timeout) ?? 0) > interval)
      report.error('scrape_configs', `${called}: scrape_timeout is longer than scrape_interval`, 'shorten it')
    const scheme = job.metric_name_validation_scheme || value.global.metric_name_validation_scheme
    if (scheme !== 'legacy') continue
    const rules = [...job.relabel_configs, ...job.metric_relabel_configs]
    const wrong = rules.map(writtenLabel).find(label => !LEGACY_TEMPLATE.test(label))
    if (wrong !== undefined)
      report.error(
        'scrape_configs',
        `${called}: a rule writes the label "${wrong}", which an old Prometheus does not know`,
        'write letters, digits and _, or metric_name_validation_scheme: utf8',
      )
    if (job.metric_name_escaping_scheme === 'allow-utf-8')
      report.error(
        'scrape_configs',
        `${called}: metric_name_escaping_scheme asks for names that its validation scheme refuses`,
        'write underscores, or metric_name_validation_scheme: utf8',
      )
  }
}

/** A name of a label, `$1` and `${1}` in it. */
const LEGACY_TEMPLATE = /^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)*$/

/** Where a rule writes to; '' for one that writes nothing. */
function writtenLabel({ action, target_label, replacement }: RelabelSettings): string {
  if (action === 'labelmap') return replacement
  return action === 'keep' || action === 'drop' ? '' : target_label
}

const noApi = unsupported({
  doc: "Pages of Prometheus' own API about targets.",
  what: 'the API of Prometheus is not served',
  fix: 'remove it; the zpages extension shows what runs, sluice_prometheus_receiver_* how targets are',
})

/** Off is fine. */
const apiServer: Schema<undefined> = {
  ...noApi,
  read(node, path, check) {
    const enabled = node.kind === 'map' ? node.entries.get('enabled')?.node : undefined
    const off = node.kind === 'map' && !(enabled?.kind === 'scalar' && enabled.value === true)
    return off ? undefined : noApi.read(node, path, check)
  },
}

export const config = section(
  {
    config: prometheusConfig,
    trim_metric_suffixes: flag({
      default: false,
      doc: 'Take _total and the unit off the names of metrics.',
    }),
    scrape_on_shutdown: flag({ default: false, doc: 'Scrape once more before the gateway stops.' }),
    discovery_reload_on_startup: flag({
      default: false,
      doc: 'Taken; targets are looked for at once in any case.',
    }),
    initial_scrape_offset: duration({ default: '0s', doc: 'Wait this long before the first scrape.' }),
    target_allocator: unsupported({
      doc: 'Jobs from the OpenTelemetry operator.',
      what: 'a target allocator cannot be asked yet',
      fix: 'write config.scrape_configs; file_sd_configs follow files that something else writes',
    }),
    api_server: apiServer,
  },
  {
    doc: 'Scrapes pages of Prometheus metrics.',
    ignored: {
      use_start_time_metric: 'the Collector has dropped it: its metricstarttime processor does that',
      start_time_metric_regex: 'the Collector has dropped it: its metricstarttime processor does that',
      report_extra_scrape_metrics:
        'the Collector has dropped it: write config.global.extra_scrape_metrics: true',
    },
    check({ config: { scrape_configs } }, report) {
      if (scrape_configs.length === 0)
        report.error(
          'config',
          'has no scrape_configs: there is nothing to scrape',
          'write config.scrape_configs',
        )
      for (const { job_name, metric_relabel_configs } of scrape_configs) {
        if (metric_relabel_configs.some(({ target_label }) => target_label === '__name__'))
          report.warn(
            'config',
            `job "${job_name}": metrics renamed by metric_relabel_configs have no type, unit or description`,
            'rename them later in the pipeline',
          )
      }
    },
  },
)

export type PrometheusReceiverConfig = ValueOf<typeof config>
