/** The resource of a target (receiver/prometheusreceiver 0.155, internal/prom_to_otlp.go). */

import { parseIp } from '../../ip.ts'
import type { LabelSet } from '../labels.ts'
import { labelValue } from './series.ts'

/** What Kubernetes' discovery says, under the names of the semantic conventions. */
const KUBERNETES: readonly (readonly [meta: string, key: string])[] = [
  ['__meta_kubernetes_pod_name', 'k8s.pod.name'],
  ['__meta_kubernetes_pod_uid', 'k8s.pod.uid'],
  ['__meta_kubernetes_pod_container_name', 'k8s.container.name'],
  ['__meta_kubernetes_namespace', 'k8s.namespace.name'],
  ['__meta_kubernetes_pod_node_name', 'k8s.node.name'],
  ['__meta_kubernetes_node_name', 'k8s.node.name'],
  ['__meta_kubernetes_endpoint_node_name', 'k8s.node.name'],
]

const CONTROLLERS: Readonly<Record<string, string>> = {
  ReplicaSet: 'k8s.replicaset.name',
  DaemonSet: 'k8s.daemonset.name',
  StatefulSet: 'k8s.statefulset.name',
  Job: 'k8s.job.name',
  CronJob: 'k8s.cronjob.name',
}

/** `discovered`: the labels of the target before any rule. */
export function resourceOf(job: string, instance: string, discovered: LabelSet): Map<string, string> {
  const [host, port] = hostPort(instance)
  const attributes = new Map<string, string>([['service.name', job]])
  if (isTelling(host)) attributes.set('server.address', host)
  attributes.set('service.instance.id', instance)
  attributes.set('server.port', port)
  attributes.set('url.scheme', labelValue(discovered, '__scheme__'))
  for (const [meta, key] of KUBERNETES) {
    const value = labelValue(discovered, meta)
    if (value !== '') attributes.set(key, value)
  }
  const controller = CONTROLLERS[labelValue(discovered, '__meta_kubernetes_pod_controller_kind')]
  const name = labelValue(discovered, '__meta_kubernetes_pod_controller_name')
  if (controller !== undefined && name !== '') attributes.set(controller, name)
  return attributes
}

/** Go's net.SplitHostPort; all of it and no port where that fails. */
function hostPort(address: string): readonly [host: string, port: string] {
  const parts = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(address)
  return parts === null ? [address, ''] : [parts[1] ?? parts[2] ?? '', parts[3]!]
}

/** Localhost is another machine to everybody. */
function isTelling(host: string): boolean {
  const bytes = parseIp(host)
  if (bytes === undefined) return host !== 'localhost'
  if (bytes.length === 4) return bytes[0] !== 127 && bytes.some(byte => byte !== 0)
  return bytes.some((byte, i) => byte !== 0 && !(i === 15 && byte === 1))
}
