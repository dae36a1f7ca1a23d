/**
 * Feature gates (`--feature-gates a,-b`). The Collector refuses gates it does not know; its gates come and go with
 * every version, so an unknown one is only warned of here: the command line of a Collector must keep working.
 */

export interface Gate {
  readonly id: string
  readonly enabled: boolean
  readonly stage: 'alpha' | 'beta' | 'stable'
  readonly doc: string
}

/** Those that mean something here, with the Collector's ids and defaults. */
export const GATES: readonly Gate[] = [
  {
    id: 'confmap.enableMergeAppendOption',
    enabled: false,
    stage: 'alpha',
    doc: 'Lists of components in a later --config are joined with those before, instead of replacing them.',
  },
  {
    id: 'connector.spanmetrics.excludeResourceMetrics',
    enabled: false,
    stage: 'alpha',
    doc: 'Metrics of span_metrics have no attributes of the resource, unless add_resource_attributes is set.',
  },
  {
    id: 'connector.spanmetrics.includeCollectorInstanceID',
    enabled: true,
    stage: 'beta',
    doc: 'Metrics of span_metrics have the dimension collector.instance.id.',
  },
  {
    id: 'connector.spanmetrics.legacyMetricNames',
    enabled: false,
    stage: 'alpha',
    doc: 'Metrics of span_metrics have no namespace when it is the default: calls, duration.',
  },
  {
    id: 'connector.spanmetrics.useSecondAsDefaultMetricsUnit',
    enabled: false,
    stage: 'alpha',
    doc: 'Durations of span_metrics are in seconds unless histogram.unit is written.',
  },
  {
    id: 'service.AllowNoPipelines',
    enabled: false,
    stage: 'alpha',
    doc: 'A config without pipelines is allowed: only its extensions run.',
  },
  {
    id: 'service.profilesSupport',
    enabled: true,
    stage: 'stable',
    doc: 'Pipelines of profiles are allowed. Always on.',
  },
  {
    id: 'spanmetrics.statusCodeConvention.useOtelPrefix',
    enabled: false,
    stage: 'alpha',
    doc: 'Metrics of span_metrics have otel.status_code (ERROR, OK or nothing) instead of status.code.',
  },
]

export interface ReadGates {
  readonly enabled: (id: string) => boolean
  /** For the log: what was asked for and cannot be. */
  readonly warnings: readonly string[]
}

/** `gates` as parseCommandLine gives them: `id` turns on, `-id` off; the last word counts. */
export function readGates(gates: readonly string[]): ReadGates {
  const on = new Map(GATES.map(gate => [gate.id, gate.enabled]))
  const warnings: string[] = []
  for (const written of gates) {
    const id = written.replace(/^-/, '')
    const gate = GATES.find(one => one.id === id)
    if (gate === undefined) warnings.push(`--feature-gates: ${id} has no meaning here and is ignored`)
    else if (gate.stage === 'stable' && written.startsWith('-'))
      warnings.push(`--feature-gates: ${id} can no longer be turned off`)
    else on.set(id, !written.startsWith('-'))
  }
  return { enabled: id => on.get(id) ?? false, warnings }
}
