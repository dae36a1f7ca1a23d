/** Names and numbers of Zipkin's formats, and the attributes that have a place of their own in them. */

/** Field numbers of zipkin.proto. */
export const ZList = { spans: 1 } as const
export const ZSpan = {
  traceId: 1,
  parentId: 2,
  id: 3,
  kind: 4,
  name: 5,
  timestamp: 6,
  duration: 7,
  localEndpoint: 8,
  remoteEndpoint: 9,
  annotations: 10,
  tags: 11,
  debug: 12,
  shared: 13,
} as const
export const ZEndpoint = { serviceName: 1, ipv4: 2, ipv6: 3, port: 4 } as const
export const ZAnnotation = { timestamp: 1, value: 2 } as const
export const ZTag = { key: 1, value: 2 } as const

/** By OTLP's kind; the others have none in Zipkin. The number of a kind in zipkin.proto is its place in ZIPKIN_KINDS. */
export const KIND_NAMES = ['', '', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const
export const ZIPKIN_KINDS = ['', 'CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER'] as const

/** The service of a resource that has no name. */
export const NO_SERVICE_NAME = 'OTLPResourceNoServiceName'

export const SERVICE_NAME = 'service.name'
/** Where the service's name comes from when there is no `service.name`, in this order. */
export const OTHER_SERVICE_NAMES = ['faas.name', 'k8s.deployment.name', 'process.executable.name'] as const
export const SERVICE_NAME_SOURCE = 'otlp.service.name.source'
export const LIBRARY_NAME = 'otel.library.name'
export const LIBRARY_VERSION = 'otel.library.version'
export const SCOPE_NAME = 'otel.scope.name'
export const SCOPE_VERSION = 'otel.scope.version'
export const SPAN_KIND = 'span.kind'
export const ERROR = 'error'
export const STATUS_CODE = 'otel.status_code'
export const STATUS_DESCRIPTION = 'otel.status_description'
export const TRACE_STATE = 'w3c.tracestate'
export const HTTP_STATUS_CODE = 'http.status_code'
export const HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code'
export const CLOUD_RESOURCE_ID = 'cloud.resource_id'
export const FAAS_ID = 'faas.id'
export const LINK_PREFIX = 'otlp.link.'
export const LINKS_MAX = 128
/** Says that the span had no timestamp. */
export const START_TIME_ABSENT = 'otel.zipkin.absentField.startTime'

export const LOCAL_IP = 'network.local.address'
export const LOCAL_PORT = 'net.host.port'
export const REMOTE_SERVICE = 'service.peer.name'
export const OLD_REMOTE_SERVICE = 'peer.service'
export const REMOTE_IP = 'network.peer.address'
export const REMOTE_PORT = 'net.peer.port'

/** Tags that describe what a span ran on: attributes of its resource. */
export const RESOURCE_KEYS: ReadonlySet<string> = new Set(
  `
  cloud.provider cloud.account.id cloud.region cloud.availability_zone cloud.platform cloud.resource_id
  aws.ecs.container.arn aws.ecs.cluster.arn aws.ecs.launchtype aws.ecs.task.arn aws.ecs.task.family
  aws.ecs.task.revision aws.eks.cluster.arn aws.log.group.names aws.log.group.arns aws.log.stream.names
  aws.log.stream.arns
  container.name container.id container.runtime container.image.name container.image.tag
  deployment.environment device.id device.model.identifier device.model.name device.manufacturer
  faas.name faas.id faas.version faas.instance faas.max_memory
  host.id host.name host.type host.arch host.image.name host.image.id host.image.version
  k8s.cluster.name k8s.node.name k8s.node.uid k8s.namespace.name k8s.pod.uid k8s.pod.name k8s.container.name
  k8s.container.restart_count k8s.replicaset.uid k8s.replicaset.name k8s.deployment.uid k8s.deployment.name
  k8s.statefulset.uid k8s.statefulset.name k8s.daemonset.uid k8s.daemonset.name k8s.job.uid k8s.job.name
  k8s.cronjob.uid k8s.cronjob.name
  os.type os.description os.name os.version
  process.pid process.executable.name process.executable.path process.command process.command_line
  process.command_args process.owner process.runtime.name process.runtime.version process.runtime.description
  service.name service.namespace service.instance.id service.version
  telemetry.sdk.name telemetry.sdk.language telemetry.sdk.version telemetry.auto.version
  webengine.name webengine.version webengine.description
  opencensus.starttime opencensus.exporterversion opencensus.resourcetype
  `
    .trim()
    .split(/\s+/),
)
