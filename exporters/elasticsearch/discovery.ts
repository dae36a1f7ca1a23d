/** The nodes of a cluster, as one of them tells (`GET /_nodes/_all/http`). */

export interface FoundNode {
  readonly id: string
  readonly url: URL
}

/**
 * Those that take requests: not those that are masters and nothing else, and none whose address cannot be read.
 * `protocol`: of the node that was asked, with its colon.
 */
export function nodesIn(body: unknown, protocol: string): FoundNode[] {
  const { nodes } = (body ?? {}) as { nodes?: unknown }
  if (typeof nodes !== 'object' || nodes === null) return []
  return Object.entries(nodes).flatMap(([id, node]) => {
    const { roles, http } = (node ?? {}) as { roles?: unknown; http?: { publish_address?: unknown } }
    if (Array.isArray(roles) && roles.length === 1 && roles[0] === 'master') return []
    const url = urlOf(http?.publish_address, protocol)
    return url === undefined ? [] : [{ id, url }]
  })
}

/** `10.0.0.1:9200`, `[::1]:9200` or `name/10.0.0.1:9200`: a name is what certificates are for. */
function urlOf(address: unknown, protocol: string): URL | undefined {
  if (typeof address !== 'string') return undefined
  const slash = address.indexOf('/')
  const host = slash === -1 ? address : address.slice(0, slash) + address.slice(address.lastIndexOf(':'))
  const url = `${protocol}//${host}`
  return host !== '' && URL.canParse(url) ? new URL(url) : undefined
}
