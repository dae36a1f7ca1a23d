/** The keys of the prometheus exporter, those of the Collector's exporter/prometheusexporter 0.155. */

import {
  choice,
  duration,
  flag,
  integer,
  map,
  optional,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { sendingFields } from '../../core/component/sending-config.ts'
import { type NameRules, rulesOf, STRATEGIES } from '../../core/formats/prometheus/names.ts'
import { ADMIN_IGNORED, adminFields } from '../../core/transport/admin-config.ts'
import { endpointProblem } from '../../core/transport/endpoint.ts'

const resourceToTelemetry = section(
  {
    enabled: flag({ default: false, doc: 'Every attribute of the resource becomes a label of its series.' }),
    exclude_service_attributes: flag({
      default: false,
      doc: 'But not service.name, service.namespace and service.instance.id, which are in job and instance already.',
    }),
  },
  { doc: 'Attributes of the resource as labels, besides target_info.' },
)

export const config = section(
  {
    ...adminFields(''),
    endpoint: text({
      required: true,
      doc: 'Where to listen, as host:port; the page is /metrics. 0.0.0.0 is every address of the machine: containers need that.',
      check: endpoint => endpointProblem(endpoint.trim()),
    }),
    sending_queue: optional(sendingFields().sending_queue, { empty: 'off' }),
    namespace: text({ default: '', doc: 'Stands in front of every name, with an underscore between.' }),
    const_labels: map(text({ doc: 'A value.' }), {
      doc: 'Labels of every series but target_info.',
    }),
    send_timestamps: flag({
      default: false,
      doc: "Write each point's own time beside its value. Off: Prometheus takes the time of the scrape.",
    }),
    metric_expiration: duration({
      default: '5m',
      doc: 'A series without a new point for this long is no longer shown.',
    }),
    resource_to_telemetry_conversion: resourceToTelemetry,
    enable_open_metrics: flag({
      default: false,
      doc: 'Answer in OpenMetrics, with exemplars, when the scraper asks for it. The protobuf page has exemplars in any case.',
    }),
    without_scope_info: flag({
      default: false,
      doc: 'No otel_scope_ labels.',
    }),
    add_metric_suffixes: flag({
      default: true,
      doc: 'Deprecated and without effect, as in the Collector 0.155: translation_strategy says it.',
    }),
    translation_strategy: choice(['', ...STRATEGIES], {
      default: '',
      doc: 'How names are made: whether characters are replaced that only quoted names may have, and whether units and types are appended. Empty: UnderscoreEscapingWithSuffixes.',
    }),
    max_series: integer({
      default: 500_000,
      min: 0,
      doc: 'Sluice only: points that would make more series than this are dropped and counted. 0 means no limit, as in the Collector.',
    }),
  },
  {
    doc: 'Shows the latest value of every series on a page that Prometheus scrapes.',
    ignored: ADMIN_IGNORED,
    check: ({ add_metric_suffixes, translation_strategy }, report) => {
      if (!add_metric_suffixes && translation_strategy === '')
        report.warn(
          'add_metric_suffixes',
          'has no effect, as in the Collector 0.155',
          'write translation_strategy: UnderscoreEscapingWithoutSuffixes',
        )
    },
  },
)

export type PrometheusConfig = ValueOf<typeof config>

export function nameRules({ translation_strategy: strategy, namespace }: PrometheusConfig): NameRules {
  return rulesOf(strategy === '' ? 'UnderscoreEscapingWithSuffixes' : strategy, namespace)
}
