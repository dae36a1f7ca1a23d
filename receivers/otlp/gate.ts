/**
 * `auth` at both doors: who is asked who a sender is, and what becomes of those nobody knows. Asked as soon as the
 * headers are there; of a stranger's body nothing is read.
 */

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
