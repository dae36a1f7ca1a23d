/**
 * `service_graph`, also called `servicegraph`: metrics of the requests between services, which Grafana draws as a graph.
 *
 *     connectors:
 *       service_graph:
 *         dimensions: [deployment.environment.name]
 *         store: {ttl: 10s, max_items: 50000}
 *
 * Contrib's servicegraphconnector 0.155: a request is a client's span and the server's span that has it as its parent, a
 * producer's and a consumer's, or a client's that asks a database. docs/service-graph.md has what users should know.
 */

import type { ConnectorFactory } from '../../core/component/contract.ts'
import { config, DROPPED_SPANS, EXPIRED_EDGES, type ServiceGraphConfig, TOTAL_EDGES } from './config.ts'
import { ServiceGraph } from './connector.ts'

export const factory: ConnectorFactory<ServiceGraphConfig> = {
  kind: 'connector',
  type: 'service_graph',
  aliases: ['servicegraph'],
  doc: 'Makes metrics of the requests between services, which Grafana draws as a graph.',
  stability: 'beta',
  workers: {
    impossible: 'each worker would see one side of a request only',
    fix: 'write service.workers: 1, or send the spans to a gateway with one worker that has this connector',
  },
  config,
  metrics: [DROPPED_SPANS, EXPIRED_EDGES, TOTAL_EDGES],
  routes: [['traces', 'metrics']],
  create: (config, settings, next) => new ServiceGraph(config, settings, next),
}
