/** The keys of oauth2client (contrib oauth2clientauthextension 0.155). */

import {
  also,
  anything,
  choice,
  duration,
  list,
  map,
  type Schema,
  type Secret,
  secret,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { clientTls } from '../../core/transport/tls.ts'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const value = secret({ doc: 'A value.' })
const valueList = list(value, { doc: 'Values of one parameter.' })

/** A list, or one text, in which commas make a list. */
const values: Schema<readonly Secret[]> = also(
  valueList,
  'text',
  { description: valueList.doc, type: 'string' },
  (node, path, check) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') return undefined
    const words = node.value.split(',')
    return words.map(word => value.read({ ...node, value: word, text: word }, path, check))
  },
)

export const config = section(
  {
    grant_type: choice(['client_credentials', JWT_BEARER], {
      default: 'client_credentials',
      doc: 'How a token is asked for: with id and secret (RFC 6749 4.4), or with a signed JWT (RFC 7523).',
    }),
    client_id: text({ default: '', doc: 'Who asks.' }),
    client_id_file: text({ default: '', doc: 'File with it, instead. Read for each token.' }),
    client_secret: secret({ doc: 'The secret that belongs to client_id.' }),
    client_secret_file: text({ default: '', doc: 'File with it, instead. Read for each token.' }),
    token_url: text({
      required: true,
      doc: 'Where tokens are had.',
      check: url =>
        /^https?:\/\//i.test(url) && URL.canParse(url)
          ? undefined
          : ['is not the URL of a token server', 'write https://host/path'],
    }),
    scopes: list(text({ doc: 'A scope.' }), { doc: 'What the token shall allow.' }),
    endpoint_params: map(values, {
      doc: 'More parameters for the token server, such as audience.',
    }),
    tls: clientTls,
    timeout: duration({ doc: 'How long the token server may take. 0: a minute.' }),
    expiry_buffer: duration({
      default: '5m',
      doc: 'A token is renewed this long before it ends, but not before half of its life is over.',
    }),
    client_certificate_key: secret({ doc: 'jwt-bearer: the RSA key to sign with, as PEM.' }),
    client_certificate_key_file: text({
      default: '',
      doc: 'jwt-bearer: file with it, instead. Read for each token.',
    }),
    client_certificate_key_id: text({ default: '', doc: 'jwt-bearer: the key id (kid) in the JWT.' }),
    signature_algorithm: choice(['', 'RS256', 'RS384', 'RS512'], {
      default: '',
      doc: 'jwt-bearer: how the JWT is signed. Empty: RS256.',
    }),
    iss: text({ default: '', doc: 'jwt-bearer: the issuer in the JWT. Empty: client_id.' }),
    audience: text({ default: '', doc: 'jwt-bearer: the audience in the JWT. Empty: token_url.' }),
    claims: map(anything({ doc: 'Any value.' }), { doc: 'jwt-bearer: more claims for the JWT.' }),
  },
  {
    doc: 'Tokens from an OAuth 2.0 server, for exporters.',
    check: (value, report) => {
      const has = (key: 'client_id' | 'client_secret' | 'client_certificate_key') => {
        const own = value[key]
        return (typeof own === 'string' ? own : own.reveal()) !== '' || value[`${key}_file`] !== ''
      }
      const wanted = value.grant_type === JWT_BEARER ? 'client_certificate_key' : 'client_secret'
      for (const key of ['client_id', wanted] as const)
        if (!has(key)) report.error(key, 'is missing', `write ${key}: or ${key}_file:`)
    },
  },
)

export type OAuth2Config = ValueOf<typeof config>
