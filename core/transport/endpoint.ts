/** `host:port`, as the Collector writes where something listens. */

export interface Endpoint {
  /** '' is every address of the machine. */
  readonly host: string
  readonly port: number
}

/** `localhost:13133`, `:13133` (all addresses), `[::1]:13133`; undefined when it is none of these. */
export function parseEndpoint(endpoint: string): Endpoint | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(endpoint)
  if (parts === null) return undefined
  const port = Number(parts[3])
  return port > 65_535 ? undefined : { host: parts[1] ?? parts[2]!, port }
}

/** For a schema's `check` of an endpoint key. */
export function endpointProblem(endpoint: string): readonly [wrong: string, fix: string] | undefined {
  if (parseEndpoint(endpoint) !== undefined) return undefined
  return [`"${endpoint}" is not host:port`, 'write it like localhost:8888']
}
