/**
 * `oauth2client`: exporters show a token that an OAuth 2.0 server gives out, contrib 0.155.
 *
 *     extensions:
 *       oauth2client:
 *         client_id: sluice
 *         client_secret_file: /run/secrets/oauth2
 *         token_url: https://login.example.com/oauth2/token
 *         scopes: [telemetry.write]
 *
 * One token serves all exporters until it is renewed, in time and in the background. Without one, requests are refused:
 * they wait in their queues and are tried again.
 */

import type { Extension, ExtensionFactory, Settings } from '../../core/component/contract.ts'
import type { ClientAuthenticator } from '../../core/component/extensions.ts'
import type { Meta } from '../../core/component/meta.ts'
import { Refused } from '../../core/component/outcome.ts'
import { config, type OAuth2Config } from './config.ts'
import { type Token, TokenServer } from './token-server.ts'

/** After a failure the server is left alone for this long. */
const PAUSE_MS = 1000
/** A token that is refused although it is younger than this is not the problem. */
const YOUNG_MS = 10_000
/** Clocks differ and requests take time: a token is not used up to its last moment. */
const MARGIN_MS = 10_000

interface Held extends Token {
  readonly since: number
  /** When it is to be renewed, and when it ends: `performance.now()` clock. */
  readonly renewAt: number
  readonly endsAt: number
}

class OAuth2Client implements Extension, ClientAuthenticator {
  readonly plainTextAllowed = false
  readonly #config: OAuth2Config
  readonly #settings: Settings
  readonly #server: TokenServer
  #held: Held | undefined
  #asking: Promise<Held> | undefined
  #failure: { readonly error: Refused; readonly until: number } | undefined
  #stopped = false

  constructor(config: OAuth2Config, settings: Settings) {
    const { name, version } = settings.host.build
    this.#config = config
    this.#settings = settings
    this.#server = new TokenServer(config, `${name}/${version} (${process.platform}/${process.arch})`)
  }

  async start(): Promise<void> {
    this.#server.open()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#server.close()
  }

  authorize(
    headers: Record<string, string>,
    _meta: Meta,
    signal: AbortSignal | undefined,
  ): void | Promise<void> {
    const now = performance.now()
    const held = this.#held
    if (held === undefined || now >= held.endsAt) {
      return unlessAborted(this.#ask(now), signal).then(({ authorization }) => {
        headers['authorization'] = authorization
      })
    }
    // What goes wrong is told by #ask; the token is good for a while.
    if (now >= held.renewAt) this.#ask(now).catch(() => {})
    headers['authorization'] = held.authorization
  }

  renew({ authorization }: Readonly<Record<string, string>>): boolean {
    const held = this.#held
    if (held === undefined || held.authorization !== authorization) return true
    if (performance.now() - held.since < YOUNG_MS) return false
    this.#held = undefined
    return true
  }

  /** One request at a time, however many wait for it. */
  #ask(now: number): Promise<Held> {
    if (this.#failure !== undefined && now < this.#failure.until) return Promise.reject(this.#failure.error)
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #fetch(): Promise<Held> {
    const { host, name } = this.#settings
    try {
      const token = await this.#server.token()
      const since = performance.now()
      const early = Math.min(this.#config.expiry_buffer, token.lifeMs / 2)
      const held = {
        ...token,
        since,
        renewAt: since + token.lifeMs - early,
        endsAt: since + Math.max(token.lifeMs - MARGIN_MS, token.lifeMs / 2),
      }
      this.#held = held
      this.#failure = undefined
      host.report(name, { state: 'ok' })
      return held
    } catch (cause) {
      const url = new URL(this.#config.token_url)
      const message = `no token from ${url.origin}${url.pathname}: ${(cause as Error).message}`
      const error = new Refused(`${this.#settings.id}: ${message}`, { status: 'UNAVAILABLE', cause })
      this.#failure = { error, until: performance.now() + PAUSE_MS }
      if (!this.#stopped) host.report(name, { state: 'recoverable_error', message })
      throw error
    }
  }
}

/** The wait ends with `signal`; what is waited for goes on for others. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () =>
    reject(new Refused('no token was had in time', { status: 'DEADLINE_EXCEEDED', cause: signal.reason }))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

export const factory: ExtensionFactory<OAuth2Config> = {
  kind: 'extension',
  type: 'oauth2client',
  doc: 'Tokens of an OAuth 2.0 server, shown by exporters and renewed in time.',
  stability: 'beta',
  config,
  offers: () => ['client_auth'],
  create: (own, settings) => new OAuth2Client(own, settings),
}
