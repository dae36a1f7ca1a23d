/** What an endpoint names, and where it leads: grpc/doc/naming.md as far as the Collector's clients use it. */

import { promises as dns, type LookupAddress, Resolver } from 'node:dns'
import { isIP } from 'node:net'

/** One place to connect to. */
export type Address =
  | { readonly host: string; readonly port: number; readonly path?: undefined }
  | { readonly path: string; readonly host?: undefined; readonly port?: undefined }

export interface Target {
  /** `host:port`, or `localhost` for a Unix socket: what `:authority` says unless the config does. */
  readonly authority: string
  /** The name a certificate has to have, unless the config says otherwise. */
  readonly host: string
  /** Asks for the addresses; undefined when they are known and never change. */
  readonly resolve: (() => Promise<readonly Address[]>) | undefined
  /** The addresses where nothing is to be resolved. Behind a proxy that is the name itself. */
  readonly fixed: readonly Address[]
}

/** Looks all addresses of a name up. */
export type Lookup = (host: string) => Promise<readonly string[]>

const systemLookup: Lookup = async host => {
  const found: LookupAddress[] = await dns.lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/** `dns://server/name` asks that server. */
function lookupAt(server: string): Lookup {
  const resolver = new Resolver({ timeout: 5_000, tries: 2 })
  resolver.setServers([server])
  const ask = (method: 'resolve4' | 'resolve6', host: string) =>
    new Promise<string[]>((resolve, reject) =>
      resolver[method](host, (error, found) => (error === null ? resolve(found) : reject(error))),
    )
  return async host => {
    const answers = await Promise.allSettled([ask('resolve4', host), ask('resolve6', host)])
    const found = answers.flatMap(one => (one.status === 'fulfilled' ? one.value : []))
    const [first] = answers
    if (found.length === 0 && first!.status === 'rejected') throw first!.reason
    return found
  }
}

/** Endpoints are checked with the config; `lookup` stands in for DNS in tests. */
export function targetOf(endpoint: string, lookup?: Lookup): Target {
  if (endpoint.startsWith('unix:')) {
    const path = endpoint
      .slice(5)
      .replace(/^\/\/(?=\/)/, '')
      .replace(/^\/\//, '')
    return { authority: 'localhost', host: 'localhost', resolve: undefined, fixed: [{ path }] }
  }
  const [, scheme = 'dns', rest = endpoint] = /^([a-z0-9+.-]+):\/\/(.*)$/i.exec(endpoint) ?? []
  const [, server = '', authority = rest] = /^([^/]*)\/(.+)$/.exec(rest) ?? []
  const colon = authority.lastIndexOf(':')
  const host = authority.slice(0, colon).replace(/^\[|\]$/g, '')
  const port = Number(authority.slice(colon + 1))
  const fixed = [{ host, port }]
  // What passes through is left to the one connection that is made.
  if (scheme.toLowerCase() === 'passthrough' || isIP(host) !== 0) {
    return { authority, host, resolve: undefined, fixed }
  }
  const find = lookup ?? (server === '' ? systemLookup : lookupAt(server))
  return {
    authority,
    host,
    fixed,
    resolve: async () => (await find(host)).map(address => ({ host: address, port })),
  }
}

/** For comparing and for messages: `127.0.0.1:4317`, `/run/a.sock`. */
export function addressText(address: Address): string {
  if (address.path !== undefined) return address.path
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
