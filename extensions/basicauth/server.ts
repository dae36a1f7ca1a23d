/** basicauth as a server: lets in who is in the htpasswd file. RFC 7617. */

import type { Extension, Settings } from '../../core/component/contract.ts'
import type { AuthRequest, Identity, ServerAuthenticator } from '../../core/component/extensions.ts'
import { Rejected } from '../../core/component/outcome.ts'
import { SecretFile } from '../../core/component/secret-file.ts'
import { SecretMap } from '../../core/component/secret-map.ts'
import { SlowChecker } from './checker.ts'
import { decodeBase64, parseHtpasswd, type StoredPassword } from './htpasswd.ts'

/** So many senders are known without checking their password again. */
const KNOWN_MAX = 10_000

export interface HtpasswdSource {
  /** Read now and when it changes; '' for none. */
  readonly file: string
  /** Names in it count more than those of the file. */
  readonly inline: string
}

export class BasicAuthServer implements Extension, ServerAuthenticator {
  readonly challenge = 'Basic realm="sluice", charset="UTF-8"'
  readonly #source: HtpasswdSource
  readonly #settings: Settings
  readonly #file: SecretFile | undefined
  readonly #checker = new SlowChecker()
  /** By the value of their header. Checking a hash anew for each request would cost more than all the rest. */
  readonly #known = new SecretMap<Identity>(KNOWN_MAX)
  #users: ReadonlyMap<string, StoredPassword> = new Map()

  constructor(source: HtpasswdSource, settings: Settings) {
    const { file: path } = source
    const { log } = settings
    this.#source = source
    this.#settings = settings
    const use = (text: string): void => this.#use(text)
    this.#file = path === '' ? undefined : new SecretFile({ key: 'htpasswd: file', path, log, use })
  }

  async start(): Promise<void> {
    if (this.#file === undefined) this.#use('')
    else await this.#file.start()
  }

  async stop(): Promise<void> {
    this.#file?.stop()
    await this.#checker.stop()
  }

  /** Everybody is checked anew after a change. */
  #use(text: string): void {
    const { users, badLines } = parseHtpasswd(`${text}\n${this.#source.inline}`)
    const { log } = this.#settings
    if (badLines.length > 0)
      log.warn('Some lines of the htpasswd are no entries and let nobody in', { lines: badLines })
    if (users.size === 0) log.warn('The htpasswd has no entries, so nobody gets in')
    this.#users = users
    this.#known.clear()
  }

  authenticate(request: AuthRequest): Identity | Promise<Identity> {
    const [header = ''] = request.values('authorization')
    if (header === '') throw unauthenticated('no basic auth provided')
    const known = this.#known.get(header)
    if (known !== undefined) return known
    const raw = /^Basic (.*)$/is.exec(header)?.[1]
    if (raw === undefined) throw unauthenticated('invalid authorization scheme prefix')
    const pair = decodeBase64(raw)?.toString()
    const colon = pair?.indexOf(':') ?? -1
    if (pair === undefined || colon === -1) throw unauthenticated('invalid authorization format')
    return this.#check(header, pair.slice(0, colon), pair.slice(colon + 1), raw)
  }

  #check(header: string, name: string, password: string, raw: string): Identity | Promise<Identity> {
    const users = this.#users
    const identity = new Map([
      ['username', name],
      ['raw', raw],
    ])
    const conclude = (matches: boolean): Identity => {
      if (!matches) throw unauthenticated('invalid credentials')
      // Not when the file has changed while a thread was at work.
      if (this.#users === users) this.#known.set(header, identity)
      return identity
    }
    const mine = users.get(name)
    // A name that nobody has takes as long as one that somebody has, so that names cannot be guessed one by one.
    const stored = mine ?? users.values().next().value
    if (stored === undefined) return conclude(false)
    if (!stored.slow) return conclude(stored.matches(password) && mine !== undefined)
    return this.#checker.matches(stored.encoded, password).then(ok => conclude(ok && mine !== undefined))
  }
}

function unauthenticated(why: string): Rejected {
  return new Rejected(why, { status: 'UNAUTHENTICATED' })
}
