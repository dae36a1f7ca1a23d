/** The authenticators that servers and clients name in their configs, and what servers ask them with. */

import type { IncomingMessage } from 'node:http'
import type { Host } from '../component/contract.ts'
import {
  type AuthRequest,
  type ClientAuthenticator,
  isClientAuthenticator,
  isServerAuthenticator,
  type ServerAuthenticator,
} from '../component/extensions.ts'

/** What is looked up in: `settings.host`. */
export type Extensions = Pick<Host, 'extension'>

export interface AuthConfig {
  readonly authenticator: string
}

/** Of an HTTP server. */
export interface HttpServerAuthConfig extends AuthConfig {
  /** Names of URL parameters that stand for headers. */
  readonly request_params: readonly string[]
}

/** Undefined without `auth`. Throws a sentence when there is no such extension, so that nobody starts without it. */
export function serverAuthenticator(
  auth: AuthConfig | undefined,
  host: Extensions,
): ServerAuthenticator | undefined {
  if (auth === undefined) return undefined
  const found = host.extension(auth.authenticator)
  if (isServerAuthenticator(found)) return found
  throw missing(auth, found, 'says who may send')
}

/** As for servers. */
export function clientAuthenticator(
  auth: AuthConfig | undefined,
  host: Extensions,
): ClientAuthenticator | undefined {
  if (auth === undefined) return undefined
  const found = host.extension(auth.authenticator)
  if (isClientAuthenticator(found)) return found
  throw missing(auth, found, 'adds credentials')
}

/** A config that was read has no such mistake; parts that are made by hand may. */
function missing({ authenticator }: AuthConfig, found: unknown, what: string): Error {
  return new Error(
    found === undefined
      ? `auth: no extension ${authenticator} runs`
      : `auth: ${authenticator} is no extension that ${what}`,
  )
}

/** `params` are the names of URL parameters that stand for headers; those win, as in the Collector's documentation. */
export function httpAuthRequest(request: IncomingMessage, params: readonly string[]): AuthRequest {
  const { rawHeaders } = request
  if (params.length === 0) return { values: name => valuesOf(rawHeaders, name) }
  const instead = new Map<string, readonly string[]>()
  const url = request.url ?? ''
  const start = url.indexOf('?')
  const query = new URLSearchParams(start === -1 ? '' : url.slice(start + 1))
  for (const name of params) if (query.has(name)) instead.set(name.toLowerCase(), query.getAll(name))
  return { values: name => instead.get(name) ?? valuesOf(rawHeaders, name) }
}

/** `raw` is [name, value, ...] as node:http and node:http2 give it: one look costs less than a map of all. */
export function valuesOf(raw: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const one = raw[i]!
    if (one.length === name.length && one.toLowerCase() === name) values.push(raw[i + 1]!)
  }
  return values
}
