/**
 * `auth` at both doors: who is asked who a sender is, and what becomes of those nobody knows. Asked as soon as the
 * headers are there; of a stranger's body nothing is read.
 */

import type { IncomingMessage } from 'node:http'
import type { AuthRequest, Identity, ServerAuthenticator } from '../../core/component/extensions.ts'
import type { Exports } from './export.ts'
import { type Answer, answer } from './status.ts'

/** Who may send is now another config's to say, and that one listens already. Retryable in both transports. */
const REPLACED = answer('UNAVAILABLE', 'the config has changed; send again over a new connection')

export class Gate {
  readonly challenge: string | undefined
  readonly #authenticator: ServerAuthenticator
  readonly #exports: Exports
  readonly #transport: string

  constructor(authenticator: ServerAuthenticator, exports: Exports, transport: string) {
    this.challenge = authenticator.challenge
    this.#authenticator = authenticator
    this.#exports = exports
    this.#transport = transport
  }

  /**
   * Who the sender is, or the answer for one who may not send. A promise only when the authenticator gives one. After a
   * reload nobody gets in any more: what this authenticator would say may be what the reload was to end.
   */
  ask(request: AuthRequest, peer: string): Identity | Answer | Promise<Identity | Answer> {
    if (this.#exports.stopping && this.#exports.patient) return REPLACED
    try {
      const identity = this.#authenticator.authenticate(request)
      return identity instanceof Promise ? identity.catch(error => this.#turnAway(error, peer)) : identity
    } catch (error) {
      return this.#turnAway(error, peer)
    }
  }

  #turnAway(error: unknown, peer: string): Answer {
    return this.#exports.unknownSender(error, this.#transport, peer)
  }
}

export function isIdentity(passed: Identity | Answer): passed is Identity {
  return passed instanceof Map
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
