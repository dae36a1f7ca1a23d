/** The authenticators that servers and clients name in their configs, looked up when they start. */

import type { Host } from '../component/contract.ts'
import {
  type ClientAuthenticator,
  isClientAuthenticator,
  isServerAuthenticator,
  type ServerAuthenticator,
} from '../component/extensions.ts'

/** What is looked up in: `settings.host`. */
export type Extensions = Pick<Host, 'extension'>

export interface AuthConfig {
  readonly authenticator: string
}

/** Undefined without `auth`. Throws a sentence when there is no such extension, so that nobody starts without it. */
export function serverAuthenticator(
  auth: AuthConfig | undefined,
  host: Extensions,
): ServerAuthenticator | undefined {
  if (auth === undefined) return undefined
  const found = host.extension(auth.authenticator)
  if (isServerAuthenticator(found)) return found
  throw missing(auth, found, 'says who may send')
}

/** As for servers. */
export function clientAuthenticator(
  auth: AuthConfig | undefined,
  host: Extensions,
): ClientAuthenticator | undefined {
  if (auth === undefined) return undefined
  const found = host.extension(auth.authenticator)
  if (isClientAuthenticator(found)) return found
  throw missing(auth, found, 'adds credentials')
}

/** A config that was read has no such mistake; parts that are made by hand may. */
function missing({ authenticator }: AuthConfig, found: unknown, what: string): Error {
  return new Error(
    found === undefined
      ? `auth: no extension ${authenticator} runs`
      : `auth: ${authenticator} is no extension that ${what}`,
  )
}
