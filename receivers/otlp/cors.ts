/**
 * Letting web pages send (Fetch standard, "CORS protocol"), with the meaning the Collector gives the keys through
 * rs/cors: credentials are allowed, methods are POST, an origin may have wildcards.
 */

import type { CorsConfig } from './config.ts'

const ALWAYS_ALLOWED = ['accept', 'accept-language', 'content-type', 'content-language', 'origin']

type Headers = Record<string, string>

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
    this.#exposed = config.exposed_headers.join(', ')
    this.#maxAge = config.max_age
  }

  /** Headers for the answer to a request that a page sent. */
  actual(origin: string | undefined): Headers {
    const headers: Headers = { vary: 'Origin' }
    if (origin === undefined || !this.#allows(origin)) return headers
    this.#grant(headers, origin)
    if (this.#exposed !== '') headers['access-control-expose-headers'] = this.#exposed
    return headers
  }

  /** Headers for the answer to the browser's question before that. Without a grant the browser does not send. */
  preflight(origin: string | undefined, method: string, wanted: string): Headers {
    const headers: Headers = {
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    }
    if (origin === undefined || !this.#allows(origin) || method !== 'POST' || !this.#allowsAll(wanted))
      return headers
    this.#grant(headers, origin)
    headers['access-control-allow-methods'] = 'POST'
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

/** `http://*.example.com`: the stars are any characters, the rest is itself. */
function originPattern(origin: string): RegExp {
  const parts = origin.split('*').map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
