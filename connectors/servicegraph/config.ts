/** Keys of the servicegraph connector (contrib servicegraphconnector 0.155) and what it counts of itself. */

import { duration, flag, integer, list, section, text, type ValueOf } from '../../config/schema.ts'
import type { MetricDeclaration } from '../../core/telemetry/metrics.ts'

/** In ms. */
const BUCKETS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000]

const attribute = text({ doc: 'Key of an attribute.' })

export const config = section(
  {
    latency_histogram_buckets: list(duration({ doc: 'Upper bound of a bucket.' }), {
      default: BUCKETS,
      doc: 'Upper bounds of the buckets of both histograms, rising.',
    }),
    exponential_histogram_max_size: integer({
      default: 0,
      min: 0,
      doc: 'Exponential histograms with at most so many buckets instead. 0: explicit ones.',
    }),
    dimensions: list(attribute, {
      doc: 'Attributes of resources and spans that become labels, with client_ or server_ before their key.',
    }),
    store: section(
      {
        ttl: duration({ default: '2s', doc: 'How long a span waits for the other side of its request.' }),
        max_items: integer({
          default: 1000,
          min: 1,
          doc: 'How many requests may wait for their other side at once. What comes then is dropped and counted.',
        }),
        max_bytes: integer({
          default: 64 * 1024 * 1024,
          min: 1024,
          doc: 'Sluice only: how much memory these may take, in bytes.',
        }),
      },
      { doc: 'Where one side of a request waits for the other.' },
    ),
    cache_loop: duration({
      default: '1m',
      doc: 'How often series are looked for that had no request for 15 minutes, which end then. 0 means 1m.',
    }),
    store_expiration_loop: duration({
      default: '2s',
      doc: 'How often requests are looked for that waited too long. 0 means 2s.',
    }),
    virtual_node_peer_attributes: list(attribute, {
      default: ['peer.service', 'db.name', 'db.namespace', 'db.system', 'db.system.name'],
      doc: 'The first of these attributes that a client span has names its server when that sent no span. []: such requests are not counted.',
    }),
    virtual_node_extra_label: flag({
      default: false,
      doc: 'A label virtual_node says which side sent no span: client or server.',
    }),
    metrics_flush_interval: duration({
      default: '60s',
      doc: 'How often metrics are handed on. 0: after every batch of spans.',
    }),
    metrics_timestamp_offset: duration({
      default: '0s',
      doc: 'Points are dated so much earlier.',
    }),
    database_name_attributes: list(attribute, {
      default: ['db.name', 'db.namespace'],
      doc: 'The first of these attributes that a client span or its resource has names the database that was asked. It sends no span.',
    }),
    max_series: integer({
      default: 50_000,
      min: 0,
      doc: 'Sluice only: how many edges, with all their labels, are told apart. Further ones become one with the label otel_metric_overflow. 0 means no limit.',
    }),
  },
  {
    doc: 'Makes metrics of the requests between services, which Grafana draws as a graph.',
    renamed: { database_name_attribute: 'database_name_attributes' },
    ignored: { metrics_exporter: 'the pipeline that receives from the connector says where metrics go' },
    check({ latency_histogram_buckets: bounds, exponential_histogram_max_size: size, dimensions }, report) {
      const twice = dimensions.find((key, i) => dimensions.indexOf(key) < i)
      if (twice !== undefined) report.error('dimensions', `have "${twice}" twice`, 'write it once')
      if (size > 0 && report.written('latency_histogram_buckets'))
        report.error(
          'exponential_histogram_max_size',
          'cannot be had together with latency_histogram_buckets',
          'write one of the two',
        )
      if (bounds.some((bound, i) => i > 0 && bound <= bounds[i - 1]!))
        report.error('latency_histogram_buckets', 'do not rise', 'write each bound once, the smallest first')
    },
  },
)

export type ServiceGraphConfig = ValueOf<typeof config>

function counted(name: string, help: string): MetricDeclaration {
  const full = `otelcol_connector_servicegraph_${name}`
  return { kind: 'counter', name: full, unit: '1', help, labels: [], level: 'basic' }
}

export const DROPPED_SPANS = counted('dropped_spans', 'Number of spans dropped when trying to add edges')
export const EXPIRED_EDGES = counted(
  'expired_edges',
  'Number of edges that expired before finding its matching span',
)
export const TOTAL_EDGES = counted('total_edges', 'Total number of unique edges')
