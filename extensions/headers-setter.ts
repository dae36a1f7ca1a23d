/**
 * `headers_setter`: headers for what exporters send, fixed ones or those of the request that brought the data, contrib
 * 0.155. Behind a `batch` processor, or with `sending_queue.batch`, requests must be kept apart by what it reads:
 * list `from_context` as it is, and `from_attribute` as `auth.NAME`, under `metadata_keys`.
 *
 *     extensions:
 *       headers_setter:
 *         additional_auth: oauth2client
 *         headers:
 *           - {action: upsert, key: X-Scope-OrgID, from_context: x-tenant, default_value: nobody}
 */

import { choice, list, secret, section, text, type ValueOf } from '../config/schema.ts'
import { extensionId } from '../core/component/auth-config.ts'
import type { Extension, ExtensionFactory, Settings } from '../core/component/contract.ts'
import { type ClientAuthenticator, isClientAuthenticator } from '../core/component/extensions.ts'
import { type Meta, metadataValues } from '../core/component/meta.ts'
import { Refused, Rejected } from '../core/component/outcome.ts'
import { SecretFile } from '../core/component/secret-file.ts'
import { headerNameProblem, headerValueProblem } from '../core/transport/headers.ts'

const SOURCES = ['value', 'value_file', 'from_context', 'from_attribute'] as const

const header = section(
  {
    action: choice(['insert', 'update', 'upsert', 'delete'], {
      default: 'upsert',
      doc: 'insert: when it is not there; update: when it is; upsert: in any case; delete: take it away.',
    }),
    key: text({ required: true, doc: 'The header.', check: headerNameProblem }),
    value: secret({ doc: 'Its value.' }),
    value_file: text({
      default: '',
      doc: 'File with its value. Read again when it changes.',
    }),
    from_context: text({
      default: '',
      doc: 'Header or gRPC metadata of the request that brought the data; the receiver needs include_metadata: true.',
    }),
    from_attribute: text({
      default: '',
      doc: "What the receiver's authenticator said of the sender, such as username.",
    }),
    default_value: secret({ doc: 'The value when from_context or from_attribute gives none.' }),
  },
  {
    doc: 'One header.',
    check: (value, report) => {
      const filled = SOURCES.filter(key => (key === 'value' ? value[key].reveal() : value[key]) !== '')
      if (value.action !== 'delete' && !SOURCES.some(key => report.written(key)))
        report.error('', 'has no value', `write one of ${SOURCES.join(', ')}`)
      if (value.action !== 'delete' && filled.length > 1)
        report.error(filled[1]!, `stands beside ${filled[0]}`, 'keep one of the two')
      for (const key of ['value', 'default_value'] as const) {
        const problem = headerValueProblem(value[key].reveal())
        if (problem !== undefined) report.error(key, ...problem)
      }
      if (!report.written('action'))
        report.warn('', 'has no action, so upsert is used', 'write action: upsert')
    },
  },
)

const config = section(
  {
    headers: list(header, { required: true, doc: 'What is done, in order.' }),
    additional_auth: extensionId('client_auth', {
      doc: 'Another authenticator, which does its work first.',
    }),
  },
  {
    doc: 'Headers for what exporters send.',
    check: ({ headers }, report) => {
      if (headers.length === 0) report.error('headers', 'is empty', 'write at least one header')
    },
  },
)

type Config = ValueOf<typeof config>
type HeaderConfig = Config['headers'][number]

interface Step {
  readonly action: HeaderConfig['action']
  readonly name: string
  readonly value: (meta: Meta) => string
}

class HeadersSetter implements Extension, ClientAuthenticator {
  readonly #settings: Settings
  readonly #additional: string
  readonly #files: SecretFile[] = []
  readonly #steps: readonly Step[]

  constructor({ headers, additional_auth }: Config, settings: Settings) {
    this.#settings = settings
    this.#additional = additional_auth
    this.#steps = headers.map(one => ({
      action: one.action,
      name: one.key.toLowerCase(),
      value: this.#valueOf(one),
    }))
  }

  #valueOf({
    key,
    value,
    value_file,
    from_context,
    from_attribute,
    default_value,
  }: HeaderConfig): Step['value'] {
    const otherwise = default_value.reveal()
    if (from_context !== '') return meta => onlyOne(meta, from_context, key) || otherwise
    if (from_attribute !== '') return meta => meta.auth.get(from_attribute) || otherwise
    if (value_file === '') {
      const fixed = value.reveal()
      return () => fixed
    }
    const { log } = this.#settings
    const file = new SecretFile({ key: `value_file of ${key}`, path: value_file, log })
    this.#files.push(file)
    return () => file.text
  }

  async start(): Promise<void> {
    for (const file of this.#files) await file.start()
  }

  async stop(): Promise<void> {
    for (const file of this.#files) file.stop()
  }

  /** Looked up each time: a reload may put another in its place. */
  #first(): ClientAuthenticator | undefined {
    if (this.#additional === '') return undefined
    const found = this.#settings.host.extension(this.#additional)
    if (isClientAuthenticator(found) && found !== this) return found
    throw new Refused(`headers_setter: additional_auth ${this.#additional} does not run`)
  }

  get plainTextAllowed(): boolean {
    return this.#first()?.plainTextAllowed ?? true
  }

  authorize(
    headers: Record<string, string>,
    meta: Meta,
    signal: AbortSignal | undefined,
  ): void | Promise<void> {
    const first = this.#first()?.authorize(headers, meta, signal)
    return first === undefined ? this.#apply(headers, meta) : first.then(() => this.#apply(headers, meta))
  }

  renew(headers: Readonly<Record<string, string>>): boolean {
    return this.#first()?.renew?.(headers) ?? false
  }

  #apply(headers: Record<string, string>, meta: Meta): void {
    for (const { action, name, value } of this.#steps) {
      const there = (headers[name] ?? '') !== ''
      if (action === 'delete') delete headers[name]
      else if (action === 'upsert' || there === (action === 'update')) headers[name] = value(meta)
    }
  }
}

/** Throws when there are several: which is meant nobody can say, now or later. */
function onlyOne(meta: Meta, source: string, key: string): string {
  const values = metadataValues(meta, source)
  if (values.length <= 1) return values[0] ?? ''
  throw new Rejected(
    `headers_setter: the request had ${values.length} values of ${source}, and ${key} takes one`,
    { status: 'INVALID_ARGUMENT' },
  )
}

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'headers_setter',
  doc: 'Headers for what exporters send: fixed ones, or those of the request that brought the data.',
  stability: 'beta',
  config,
  // With another authenticator it depends on that one, which is asked when the exporter starts.
  offers: () => ['client_auth', 'plain_client_auth'],
  readsOfSender: ({ headers }) =>
    headers.flatMap(({ from_context, from_attribute }) => [
      ...(from_context === '' ? [] : [from_context]),
      ...(from_attribute === '' ? [] : [`auth.${from_attribute}`]),
    ]),
  create: (own, settings) => new HeadersSetter(own, settings),
}
