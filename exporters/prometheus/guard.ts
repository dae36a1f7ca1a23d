/** `auth` in front of the page: nobody reads it whom the authenticator does not know. */

import type { IncomingMessage } from 'node:http'
import type { Settings } from '../../core/component/contract.ts'
import type { ServerAuthenticator } from '../../core/component/extensions.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { httpAuthRequest, serverAuthenticator } from '../../core/transport/auth.ts'
import type { Page } from '../../core/transport/http-admin.ts'
import type { PrometheusConfig } from './config.ts'

export class Guard {
  readonly #auth: PrometheusConfig['auth']
  readonly #settings: Settings
  #authenticator: ServerAuthenticator | undefined

  constructor(auth: PrometheusConfig['auth'], settings: Settings) {
    this.#auth = auth
    this.#settings = settings
  }

  /** Throws a sentence when the authenticator does not run: the page must not be served without it. */
  start(): void {
    this.#authenticator = serverAuthenticator(this.#auth, this.#settings.host)
  }

  /** The answer for one who may not read; undefined for who may. */
  async turnAway(request: IncomingMessage): Promise<Page | undefined> {
    const authenticator = this.#authenticator
    if (authenticator === undefined) return undefined
    try {
      await authenticator.authenticate(httpAuthRequest(request, this.#auth!.request_params))
      return undefined
    } catch (error) {
      const { log } = this.#settings
      if (error instanceof Refused) return plain(503, error.message)
      if (!(error instanceof Rejected)) {
        log.error('An authenticator failed in a way it should not; this is a bug', { error })
        return plain(500, 'the authenticator failed')
      }
      log.warn('A scraper was turned away', { peer: request.socket.remoteAddress, reason: error.message })
      const { challenge } = authenticator
      return {
        ...plain(401, error.message),
        ...(challenge === undefined ? {} : { headers: { 'www-authenticate': challenge } }),
      }
    }
  }
}

const plain = (status: number, message: string): Page => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${message}\n`,
})
