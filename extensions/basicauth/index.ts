/**
 * `basicauth`: names and passwords, for receivers (htpasswd) or for exporters (client_auth), contrib 0.155.
 *
 *     extensions:
 *       basicauth/server:
 *         htpasswd: {file: /etc/sluice/htpasswd}
 *       basicauth/client:
 *         client_auth: {username: sluice, password_file: /run/secrets/password}
 *
 * Attributes of a sender: `username`, and `raw`, what it showed, still in base64.
 */

import { optional, secret, section, text, type ValueOf } from '../../config/schema.ts'
import type { ExtensionFactory } from '../../core/component/contract.ts'
import { BasicAuthClient } from './client.ts'
import { parseHtpasswd } from './htpasswd.ts'
import { BasicAuthServer } from './server.ts'

const config = section(
  {
    htpasswd: optional(
      section(
        {
          file: text({
            default: '',
            doc: "File that Apache's htpasswd writes: bcrypt, MD5, SHA; also {SSHA} and plain text. Read again when it changes.",
          }),
          inline: secret({ doc: 'The same as text. Its names count more than those of the file.' }),
        },
        {
          doc: 'For receivers: who may send.',
          check: ({ file, inline }, report) => {
            const { badLines } = parseHtpasswd(inline.reveal())
            if (file === '' && inline.reveal() === '')
              report.error('', 'has neither file nor inline', 'write file: with the path of the htpasswd')
            for (const line of badLines)
              report.warn(
                'inline',
                `line ${line} is no entry and lets nobody in`,
                'write name:hash on a line',
              )
          },
        },
      ),
      { empty: 'off' },
    ),
    client_auth: optional(
      section(
        {
          username: text({
            default: '',
            doc: 'The name to show.',
            check: name => (name.includes(':') ? ['a name has no ":"', 'remove it'] : undefined),
          }),
          username_file: text({
            default: '',
            doc: 'File with the name, instead. Read again when it changes.',
          }),
          password: secret({ doc: 'The password to show.' }),
          password_file: text({
            default: '',
            doc: 'File with the password, instead. Read again when it changes.',
          }),
        },
        { doc: 'For exporters: what to show.' },
      ),
      { empty: 'off' },
    ),
  },
  {
    doc: 'Names and passwords (HTTP Basic), for receivers or for exporters.',
    check: ({ htpasswd, client_auth }, report) => {
      if (htpasswd === undefined && client_auth === undefined)
        report.error('', 'has neither htpasswd nor client_auth', 'write one of the two')
      if (htpasswd !== undefined && client_auth !== undefined)
        report.error('client_auth', 'stands beside htpasswd', 'write two extensions, one for each')
    },
  },
)

type Config = ValueOf<typeof config>

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'basicauth',
  doc: 'Names and passwords: lets senders in by an htpasswd file, or shows a name and a password to servers.',
  stability: 'beta',
  config,
  offers: ({ htpasswd }) => [htpasswd === undefined ? 'client_auth' : 'server_auth'],
  create({ htpasswd, client_auth }, settings) {
    if (htpasswd !== undefined)
      return new BasicAuthServer({ ...htpasswd, inline: htpasswd.inline.reveal() }, settings)
    return new BasicAuthClient({ ...client_auth!, password: client_auth!.password.reveal() }, settings)
  },
}
