/** basicauth as a client: shows a name and a password with each request. RFC 7617. */

import type { Extension, Settings } from '../../core/component/contract.ts'
import type { ClientAuthenticator } from '../../core/component/extensions.ts'
import { SecretFile } from '../../core/component/secret-file.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
  /** These count more, and are read again when they change; '' for none. */
  readonly username_file: string
  readonly password_file: string
}

export class BasicAuthClient implements Extension, ClientAuthenticator {
  readonly plainTextAllowed = false
  readonly #fixed: Credentials
  readonly #username: SecretFile | undefined
  readonly #password: SecretFile | undefined

  constructor(credentials: Credentials, { log }: Settings) {
    this.#fixed = credentials
    const fileOf = (key: 'username_file' | 'password_file', use?: (text: string) => void) => {
      const path = credentials[key]
      const options = { key: `client_auth: ${key}`, path, log, ...(use === undefined ? {} : { use }) }
      return path === '' ? undefined : new SecretFile(options)
    }
    this.#username = fileOf('username_file', name => {
      if (name.includes(':')) throw new Error('client_auth: the name in username_file has a ":"')
    })
    this.#password = fileOf('password_file')
  }

  async start(): Promise<void> {
    await this.#username?.start()
    await this.#password?.start()
  }

  async stop(): Promise<void> {
    this.#username?.stop()
    this.#password?.stop()
  }

  authorize(headers: Record<string, string>): void {
    const name = this.#username?.text ?? this.#fixed.username
    const password = this.#password?.text ?? this.#fixed.password
    headers['authorization'] = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
  }
}
