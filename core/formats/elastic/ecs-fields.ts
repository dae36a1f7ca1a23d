/**
 * What OpenTelemetry's attributes are called in the Elastic Common Schema (contrib elasticsearchexporter 0.155, model.go,
 * with the semantic conventions 1.40). Those with no name here keep their own.
 */

export interface Conversion {
  /** Undefined: the attribute is left out. */
  readonly to: string | undefined
  /** It stands under its own name as well. */
  readonly keepsOriginal?: boolean
  /** Only when there is no attribute of that name already. */
  readonly unlessThere?: boolean
}

export type Conversions = ReadonlyMap<string, Conversion>

const KUBERNETES = [
  'deployment',
  'node',
  'pod',
  'job',
  'cronjob',
  'statefulset',
  'replicaset',
  'daemonset',
  'container',
]

function conversions(
  plain: Readonly<Record<string, string>>,
  special: Readonly<Record<string, Conversion>> = {},
): Conversions {
  const all = new Map<string, Conversion>(Object.entries(special))
  for (const [from, to] of Object.entries(plain)) all.set(from, { to })
  return all
}

export const NO_FIELDS: Conversions = new Map()

export const RESOURCE_FIELDS = conversions(
  {
    'service.instance.id': 'service.node.name',
    'deployment.environment': 'service.environment',
    'deployment.environment.name': 'service.environment',
    'telemetry.sdk.language': 'service.language.name',
    'telemetry.sdk.version': 'service.language.version',
    'cloud.platform': 'cloud.service.name',
    'container.image.tags': 'container.image.tag',
    'host.arch': 'host.architecture',
    'process.parent_pid': 'process.parent.pid',
    'process.executable.name': 'process.title',
    'process.executable.path': 'process.executable',
    'process.command_line': 'process.args',
    'process.runtime.name': 'service.runtime.name',
    'process.runtime.version': 'service.runtime.version',
    'os.name': 'host.os.name',
    'os.type': 'host.os.platform',
    'os.description': 'host.os.full',
    'os.version': 'host.os.version',
    'client.address': 'client.ip',
    'source.address': 'source.ip',
    'k8s.namespace.name': 'kubernetes.namespace',
    'k8s.pod.uid': 'kubernetes.pod.uid',
    'k8s.cluster.name': 'orchestrator.cluster.name',
    'faas.instance': 'faas.id',
    'faas.trigger': 'faas.trigger.type',
    ...Object.fromEntries(KUBERNETES.map(kind => [`k8s.${kind}.name`, `kubernetes.${kind}.name`])),
  },
  {
    'telemetry.sdk.name': { to: undefined },
    'telemetry.distro.name': { to: undefined },
    'telemetry.distro.version': { to: undefined },
    'host.name': { to: 'host.hostname', keepsOriginal: true, unlessThere: true },
  },
)

export const LOG_FIELDS = conversions({
  'event.name': 'event.action',
  'exception.message': 'error.message',
  'exception.stacktrace': 'error.stacktrace',
  'exception.type': 'error.type',
  'exception.escaped': 'event.error.exception.handled',
  'http.response.body.size': 'http.response.encoded_body_size',
})

export const SPAN_FIELDS = conversions({
  'db.system': 'span.db.type',
  'db.namespace': 'span.db.instance',
  'db.query.text': 'span.db.statement',
  'http.response.body.size': 'http.response.encoded_body_size',
})

/** Fields that the schema has as values: an object must not take their place. */
function valuesOf(...all: readonly Conversions[]): ReadonlySet<string> {
  return new Set(all.flatMap(one => [...one.values()].flatMap(({ to }) => (to === undefined ? [] : [to]))))
}

export const KEPT_OF_LOGS = valuesOf(RESOURCE_FIELDS, LOG_FIELDS)
export const KEPT_OF_SPANS = valuesOf(RESOURCE_FIELDS, SPAN_FIELDS)
export const KEPT_OF_METRICS = valuesOf(RESOURCE_FIELDS)
