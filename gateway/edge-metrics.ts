/**
 * The counters edges keep, with the Collector's names (receiverhelper and processorhelper 0.155):
 * https://opentelemetry.io/docs/collector/internal-telemetry/
 */

import { SIGNAL_WORDS, type Signal } from '../core/otlp/signals.ts'
import type { BoundCounter, MetricDeclaration, MetricsRegistry } from '../core/telemetry/metrics.ts'
import type { EdgeEnd } from './edge.ts'

const RECEIVER_HELP = {
  accepted: 'Items successfully pushed into the pipeline.',
  refused: 'Items that could not be pushed into the pipeline: the sender was told.',
  failed: 'Items that failed to be processed because of an internal error.',
} as const

type ReceiverVerb = keyof typeof RECEIVER_HELP

function receiverMetric(verb: ReceiverVerb, signal: Signal): MetricDeclaration {
  const { items } = SIGNAL_WORDS[signal]
  return {
    kind: 'counter',
    name: `otelcol_receiver_${verb}_${items}`,
    unit: `{${items}}`,
    help: RECEIVER_HELP[verb],
    labels: ['receiver', 'transport'],
    level: 'basic',
  }
}

const TURNED_AWAY: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_receiver_turned_away_requests',
  unit: '{requests}',
  help: 'Requests refused before their body was read, because memory is short: the sender was told.',
  labels: ['receiver', 'otel_signal'],
  level: 'basic',
}

function processorMetric(verb: 'incoming' | 'outgoing', help: string): MetricDeclaration {
  return {
    kind: 'counter',
    name: `otelcol_processor_${verb}_items`,
    unit: '{items}',
    help,
    labels: ['processor', 'otel_signal'],
    level: 'basic',
  }
}

const INCOMING = processorMetric('incoming', 'Items passed to the processor.')
const OUTGOING = processorMetric('outgoing', 'Items emitted from the processor.')
const DURATION: MetricDeclaration = {
  kind: 'histogram',
  name: 'otelcol_processor_internal_duration',
  unit: 's',
  help: 'Time a processor takes for a batch before it hands it on.',
  labels: ['processor', 'otel_signal'],
  buckets: [0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10],
  level: 'basic',
}

/** Every metric edges add, for the reference page. */
export const EDGE_METRICS: readonly MetricDeclaration[] = [
  ...(['traces', 'metrics', 'logs', 'profiles'] as const).flatMap(signal =>
    (['accepted', 'refused', 'failed'] as const).map(verb => receiverMetric(verb, signal)),
  ),
  TURNED_AWAY,
  INCOMING,
  OUTGOING,
  DURATION,
]

type Verbs = Readonly<Record<ReceiverVerb, BoundCounter>>

/** Counts for one signal of one receiver; the transport is known only by the batch. */
export function receiverCounts(metrics: MetricsRegistry, receiver: string, signal: Signal): EdgeEnd {
  const counters = {
    accepted: metrics.counter(receiverMetric('accepted', signal)),
    refused: metrics.counter(receiverMetric('refused', signal)),
    failed: metrics.counter(receiverMetric('failed', signal)),
  }
  const turnedAway = metrics.counter(TURNED_AWAY).bind({ receiver, otel_signal: signal })
  const byTransport = new Map<string, Verbs>()
  let lastTransport = ''
  let last: Verbs | undefined
  const verbs = (transport = ''): Verbs => {
    if (last !== undefined && transport === lastTransport) return last
    let found = byTransport.get(transport)
    if (found === undefined) {
      const labels = { receiver, transport }
      found = {
        accepted: counters.accepted.bind(labels),
        refused: counters.refused.bind(labels),
        failed: counters.failed.bind(labels),
      }
      byTransport.set(transport, found)
    }
    last = found
    lastTransport = transport
    return found
  }
  return {
    taken: (items, rejected, { transport }) => {
      const counts = verbs(transport)
      counts.accepted.add(items)
      if (rejected > 0) counts.refused.add(rejected)
    },
    refused: (items, { transport }) => verbs(transport).refused.add(items),
    failed: (items, { transport }) => verbs(transport).failed.add(items),
    turnedAway: () => turnedAway.add(1),
  }
}

/** The two ends of one processor: what goes in, what comes out, and the time between. */
export function processorCounts(
  metrics: MetricsRegistry,
  processor: string,
  signal: Signal,
): { readonly into: EdgeEnd; readonly outOf: EdgeEnd } {
  const labels = { processor, otel_signal: signal }
  const incoming = metrics.counter(INCOMING).bind(labels)
  const outgoing = metrics.counter(OUTGOING).bind(labels)
  const duration = metrics.histogram(DURATION).bind(labels)
  // A batch is worked on without an interruption until it is handed on or put away, so one clock reading is enough.
  let since = -1
  const stopClock = (): void => {
    if (since < 0) return
    duration.record((performance.now() - since) / 1000)
    since = -1
  }
  return {
    into: {
      offered: items => {
        incoming.add(items)
        since = performance.now()
      },
      called: stopClock,
    },
    outOf: {
      offered: items => {
        stopClock()
        outgoing.add(items)
      },
    },
  }
}
