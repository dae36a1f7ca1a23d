/**
 * Letting web pages send (Fetch standard, "CORS protocol"), with the meaning the Collector gives the keys through
 * rs/cors 1.11: credentials are allowed, methods are GET, POST and HEAD, an origin may have one wildcard.
 */

import type { IncomingMessage } from 'node:http'
import type { CorsConfig } from './config.ts'

const ALWAYS_ALLOWED = ['accept', 'accept-language', 'content-type', 'content-language', 'origin']

/** What rs/cors allows unless it is told otherwise; OPTIONS is always allowed to ask. */
const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS']

type Headers = Record<string, string>

/** A browser's question before it sends. Other OPTIONS are requests like any other. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && (headers['access-control-request-method'] ?? '') !== ''
}

export class Cors {
  readonly #origins: readonly RegExp[]
  readonly #anyOrigin: boolean
  readonly #headers: ReadonlySet<string>
  readonly #exposed: string
  readonly #maxAge: number

  constructor(config: CorsConfig) {
    const origins = config.allowed_origins.map(origin => origin.toLowerCase())
    // Without a list, what jQuery and its kin add is allowed too.
    const headers = config.allowed_headers.length === 0 ? ['X-Requested-With'] : config.allowed_headers
    this.#anyOrigin = origins.includes('*')
    this.#origins = origins.map(originPattern)
    this.#headers = new Set([...ALWAYS_ALLOWED, ...headers.map(name => name.toLowerCase())])
    this.#exposed = config.exposed_headers.map(canonical).join(', ')
    this.#maxAge = config.max_age
  }

  /** Headers for the answer to a request that a page sent. */
  actual(origin: string | undefined, method: string): Headers {
    const headers: Headers = { vary: 'Origin' }
    if (origin === undefined || !this.#allows(origin) || !METHODS.includes(method)) return headers
    this.#grant(headers, origin)
    if (this.#exposed !== '') headers['access-control-expose-headers'] = this.#exposed
    return headers
  }

  /** Headers for the answer to the browser's question before that. Without a grant the browser does not send. */
  preflight(origin: string | undefined, method: string, wanted: string): Headers {
    const headers: Headers = {
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    }
    const known = METHODS.includes(method)
    if (origin === undefined || !this.#allows(origin) || !known || !this.#allowsAll(wanted)) return headers
    this.#grant(headers, origin)
    headers['access-control-allow-methods'] = method
    if (wanted !== '') headers['access-control-allow-headers'] = wanted
    if (this.#maxAge > 0) headers['access-control-max-age'] = String(this.#maxAge)
    return headers
  }

  #grant(headers: Headers, origin: string): void {
    headers['access-control-allow-origin'] = this.#anyOrigin ? '*' : origin
    headers['access-control-allow-credentials'] = 'true'
  }

  #allows(origin: string): boolean {
    return this.#anyOrigin || this.#origins.some(pattern => pattern.test(origin.toLowerCase()))
  }

  #allowsAll(wanted: string): boolean {
    if (this.#headers.has('*')) return true
    return wanted.split(',').every(name => name.trim() === '' || this.#headers.has(name.trim().toLowerCase()))
  }
}

/** `http://*.example.com`: the first star is any characters, the rest is itself. */
function originPattern(origin: string): RegExp {
  const escaped = (part: string): string => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const star = origin.indexOf('*')
  if (star < 0) return new RegExp(`^${escaped(origin)}$`)
  return new RegExp(`^${escaped(origin.slice(0, star))}.*${escaped(origin.slice(star + 1))}$`, 's')
}

/** As Go writes header names: `x-request-id` is `X-Request-Id`. */
function canonical(name: string): string {
  return name.toLowerCase().replaceAll(/(?<=^|-)[a-z]/g, letter => letter.toUpperCase())
}
