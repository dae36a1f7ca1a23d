/** The token for OAUTHBEARER, from an extension that adds credentials to requests: it is what comes behind "Bearer". */

import type { Extension } from '../../component/contract.ts'
import { isClientAuthenticator } from '../../component/extensions.ts'
import { NO_META } from '../../component/meta.ts'

/** Throws when `id` is no running extension that can have a token. */
export function bearerToken(id: string, extension: Extension | undefined): () => Promise<string> {
  const where = `auth.sasl.oauthbearer_token_source: "${id}"`
  if (extension === undefined) throw new Error(`${where} is not among service.extensions`)
  if (!isClientAuthenticator(extension)) throw new Error(`${where} has no tokens`)
  return async () => {
    const headers: Record<string, string> = {}
    await extension.authorize(headers, NO_META, undefined)
    const [, token] = /^Bearer (\S+)$/i.exec(headers['authorization'] ?? '') ?? []
    if (token === undefined) throw new Error(`${where} gave no bearer token`)
    return token
  }
}
