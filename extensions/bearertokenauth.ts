/**
 * `bearertokenauth`: tokens that senders must show, or that exporters show (RFC 6750), contrib 0.155.
 *
 *     extensions:
 *       bearertokenauth:
 *         filename: /run/secrets/tokens     # the first word of each line is a token
 *
 * As a server it takes any of its tokens; as a client it shows the first. It says nothing of who a sender is.
 */

import { list, secret, section, text, type ValueOf } from '../config/schema.ts'
import type { Extension, ExtensionFactory, Settings } from '../core/component/contract.ts'
import type {
  AuthRequest,
  ClientAuthenticator,
  Identity,
  ServerAuthenticator,
} from '../core/component/extensions.ts'
import { Refused, Rejected } from '../core/component/outcome.ts'
import { SecretFile } from '../core/component/secret-file.ts'
import { SecretMap } from '../core/component/secret-map.ts'
import { headerNameProblem, headerValueProblem } from '../core/transport/headers.ts'

const config = section(
  {
    header: text({
      default: 'Authorization',
      doc: 'The header, or the gRPC metadata, that has the token.',
      check: headerNameProblem,
    }),
    scheme: text({
      default: 'Bearer',
      doc: 'The word in front of the token. Empty: none.',
      check: headerValueProblem,
    }),
    token: secret({ doc: 'The token.' }),
    tokens: list(secret({ doc: 'A token.' }), { doc: 'Several, to change them without a gap.' }),
    filename: text({
      default: '',
      doc: 'File with the tokens, the first word of each line; instead of token. Read again when it changes.',
    }),
  },
  {
    doc: 'Tokens that senders must show, or that exporters show.',
    check: ({ token, tokens, filename }, report) => {
      const one = token.reveal()
      if (one === '' && tokens.length === 0 && filename === '')
        report.error('', 'has no token', 'write token:, tokens: or filename:')
      if (one !== '' && tokens.length > 0)
        report.error('tokens', 'stands beside token', 'keep one of the two')
      if (filename !== '' && one !== '') report.warn('token', 'has no effect beside filename', 'remove it')
      if (filename !== '' && tokens.length > 0)
        report.warn('filename', 'has no effect beside tokens', 'remove it')
      // Its value would be quoted by nobody, but no request could carry it.
      if (tokens.some(token => headerValueProblem(token.reveal()) !== undefined))
        report.error('tokens', 'has one with a line break', 'write each on one line')
      if (/\s/.test(one))
        report.warn(
          'token',
          'is more than one word, of which the first of each line counts',
          'write one word',
        )
    },
  },
)

type Config = ValueOf<typeof config>

/** The first word of each line; the rest is comment. */
function tokensOf(text: string): string[] {
  return text.split('\n').flatMap(line => line.trim().split(/\s+/, 1).filter(Boolean))
}

const NOBODY: Identity = new Map()

class BearerTokenAuth implements Extension, ServerAuthenticator, ClientAuthenticator {
  readonly challenge: string | undefined
  readonly plainTextAllowed = false
  readonly #header: string
  readonly #name: string
  readonly #prefix: string
  readonly #file: SecretFile | undefined
  #accepted = new SecretMap<true>()
  /** What a client shows. */
  #shown: string | undefined

  constructor({ header, scheme, token, tokens, filename: path }: Config, { log }: Settings) {
    this.#header = header
    this.#name = header.toLowerCase()
    this.#prefix = scheme === '' ? '' : `${scheme} `
    // A challenge is about Authorization, and names a scheme; with another header there is none that would help.
    this.challenge =
      this.#name === 'authorization' && /^[\w.~+-]+$/.test(scheme) ? `${scheme} realm="sluice"` : undefined
    if (tokens.length > 0) this.#use(tokens.map(one => one.reveal()))
    else if (path === '') this.#use(tokensOf(token.reveal()))
    else {
      const use = (text: string): void => this.#use(tokensOf(text))
      this.#file = new SecretFile({ key: 'filename', path, log, use })
    }
  }

  async start(): Promise<void> {
    await this.#file?.start()
  }

  async stop(): Promise<void> {
    this.#file?.stop()
  }

  #use(tokens: readonly string[]): void {
    const accepted = new SecretMap<true>()
    for (const token of tokens) accepted.set(this.#prefix + token, true)
    this.#accepted = accepted
    this.#shown = tokens[0] === undefined ? undefined : this.#prefix + tokens[0]
  }

  authenticate(request: AuthRequest): Identity {
    const [shown] = request.values(this.#name)
    if (shown === undefined) throw unauthenticated(`missing or empty authorization header: ${this.#header}`)
    if (this.#accepted.get(shown) === undefined)
      throw unauthenticated('provided authorization does not match expected scheme or token')
    return NOBODY
  }

  authorize(headers: Record<string, string>): void {
    if (this.#shown === undefined) throw new Refused('bearertokenauth has no token to show')
    headers[this.#name] = this.#shown
  }
}

function unauthenticated(why: string): Rejected {
  return new Rejected(why, { status: 'UNAUTHENTICATED' })
}

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'bearertokenauth',
  doc: 'Tokens: lets in senders that show one, or shows one to servers.',
  stability: 'beta',
  config,
  offers: () => ['server_auth', 'client_auth'],
  create: (own, settings) => new BearerTokenAuth(own, settings),
}
