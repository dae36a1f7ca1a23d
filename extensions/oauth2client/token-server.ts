/** Asks a token server: RFC 6749 5, with the leniency of golang.org/x/oauth2, which the Collector uses. */

import { section } from '../../config/schema.ts'
import { type HttpAnswer, HttpClient, httpClientFields } from '../../core/transport/http-client.ts'
import { oneLine } from '../../core/transport/otlp-outcome.ts'
import { JWT_BEARER, type OAuth2Config } from './config.ts'
import { clientOf, tokenForm } from './grants.ts'

export interface Token {
  /** The value of Authorization. */
  readonly authorization: string
  /** How long it lives, in ms; infinite when the server does not say. */
  readonly lifeMs: number
}

const TIMEOUT_MS = 60_000
const plainClient = section(httpClientFields({ compression: '', writeBufferSize: 0 }), { doc: '' })

export class TokenServer {
  readonly #config: OAuth2Config
  readonly #url: URL
  readonly #client: HttpClient
  /** How it wants to be shown id and secret; tried in this order until one works (RFC 6749 2.3.1). */
  #styles: readonly ('header' | 'form')[] = ['header', 'form']

  constructor(config: OAuth2Config, userAgent: string) {
    this.#config = config
    this.#url = new URL(config.token_url)
    this.#client = new HttpClient({ ...plainClient.absent(), tls: config.tls }, userAgent)
  }

  /** Throws an Error that names the key of `tls` at fault. */
  open(): void {
    this.#client.open({ extension: () => undefined })
  }

  close(): Promise<void> {
    return this.#client.close(performance.now())
  }

  /** Throws an Error whose message has no secret. */
  async token(): Promise<Token> {
    const form = await tokenForm(this.#config)
    if (this.#config.grant_type === JWT_BEARER) return readToken(await this.#post(form, {}), [])
    const client = await clientOf(this.#config)
    let problem: unknown
    for (const style of this.#styles) {
      try {
        const token = readToken(await this.#post(...shown(style, form, client)), [client.secret])
        this.#styles = [style]
        return token
      } catch (error) {
        problem ??= error
        if (!(error instanceof Denied)) break
      }
    }
    // It may be another server by the next time.
    this.#styles = ['header', 'form']
    throw problem
  }

  #post(form: URLSearchParams, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const body = Buffer.from(form.toString())
    return this.#client.send({
      method: 'POST',
      url: this.#url,
      headers: {
        ...headers,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      chunks: [body],
      byteLength: body.length,
      signal: AbortSignal.timeout(this.#config.timeout || TIMEOUT_MS),
    })
  }
}

/** The server answered, and the answer is no. */
class Denied extends Error {}

const encoded = (value: string): string => new URLSearchParams([['', value]]).toString().slice(1)

function shown(
  style: 'header' | 'form',
  form: URLSearchParams,
  { id, secret }: { readonly id: string; readonly secret: string },
): [URLSearchParams, Record<string, string>] {
  if (style === 'header') {
    const pair = Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')
    return [form, { authorization: `Basic ${pair}` }]
  }
  const whole = new URLSearchParams(form)
  whole.set('client_id', id)
  if (secret !== '') whole.set('client_secret', secret)
  return [whole, {}]
}

function readToken({ status, body, header }: HttpAnswer, secrets: readonly string[]): Token {
  const fields = readFields(Buffer.from(body).toString(), header('content-type'))
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '')
  if (status < 200 || status > 299 || text('error') !== '') {
    const said = [text('error'), text('error_description')].filter(Boolean).join(': ')
    let line = said === '' ? '' : `, ${oneLine(said, 200)}`
    for (const secret of secrets) if (secret !== '') line = line.replaceAll(secret, '[REDACTED]')
    throw new Denied(`it answered ${status}${line}`)
  }
  const token = text('access_token')
  if (token === '') throw new Denied(`it answered ${status} without an access_token`)
  if (/[^\x20-\x7e]/.test(token)) throw new Denied('its access_token cannot be put into a header')
  const seconds = Number(fields['expires_in'] ?? 0)
  return {
    authorization: `${schemeOf(text('token_type'))} ${token}`,
    lifeMs: seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY,
  }
}

/** JSON, or what servers before the standard sent: a form. */
function readFields(body: string, type: string): Readonly<Record<string, unknown>> {
  if (/^(application\/x-www-form-urlencoded|text\/plain)/i.test(type) && !body.trimStart().startsWith('{'))
    return Object.fromEntries(new URLSearchParams(body))
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** `bearer` is written Bearer, because some servers insist. */
function schemeOf(type: string): string {
  const known: Record<string, string> = { '': 'Bearer', bearer: 'Bearer', mac: 'MAC', basic: 'Basic' }
  const lower = type.toLowerCase()
  return Object.hasOwn(known, lower) ? known[lower]! : type.replace(/[^\x21-\x7e]/g, '')
}
