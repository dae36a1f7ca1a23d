/** `auth`: which extension lets senders in, or adds credentials to what is sent (config/configauth 0.155). */

import { list, optional, type Schema, section, text } from '../../config/schema.ts'
import type { Offer } from './extensions.ts'

/** The id of an extension, without the spaces that are allowed around its slash. It is looked for when all is read. */
export function extensionId(wants: Offer, options: { doc: string; required?: boolean }): Schema<string> {
  const plain = text(options.required ? options : { ...options, default: '' })
  return {
    ...plain,
    typeText: 'id of an extension',
    read(node, path, check) {
      const written = plain.read(node, path, check)
      if (written !== '') check.refer(node.at, path, written, wants)
      return trimmed(written)
    },
  }
}

function trimmed(written: string): string {
  const slash = written.indexOf('/')
  if (slash === -1) return written.trim()
  return `${written.slice(0, slash).trim()}/${written.slice(slash + 1).trim()}`
}

const server = {
  authenticator: extensionId('server_auth', {
    required: true,
    doc: 'The extension that knows who may send: basicauth or bearertokenauth, listed under service::extensions.',
  }),
}

/** Of a gRPC server. */
export const serverAuth = optional(
  section(server, { doc: 'Who may send. Nobody else gets in. Off: everybody may.' }),
  { empty: 'off' },
)

/** Of an HTTP server. */
export const httpServerAuth = optional(
  section(
    {
      ...server,
      request_params: list(text({ doc: 'A name.' }), {
        doc: 'Parameters of the URL that stand for headers, for clients that cannot set those. They win over headers.',
      }),
    },
    { doc: 'Who may send. Nobody else gets in. Off: everybody may.' },
  ),
  { empty: 'off' },
)

/** Of a client. */
export const clientAuth = optional(
  section(
    {
      authenticator: extensionId('client_auth', {
        required: true,
        doc: 'The extension that adds credentials: basicauth, bearertokenauth, headers_setter or oauth2client, listed under service::extensions.',
      }),
    },
    { doc: 'Who adds credentials to requests.' },
  ),
  { empty: 'off' },
)
