/** How targets are asked: the keys of Prometheus' HTTPClientConfig (common v0.69). */

import {
  choice,
  flag,
  list,
  map,
  optional,
  type SectionOptions,
  secret,
  section,
  text,
  type ValueOf,
} from '../../../config/schema.ts'
import { unsupported } from '../../../core/transport/unsupported.ts'
import { words } from './words.ts'

const basicAuth = optional(
  section(
    {
      username: words({ default: '', doc: 'The user.' }),
      username_file: text({ default: '', doc: 'File with the user.' }),
      password: secret({ doc: 'The password.' }),
      password_file: text({ default: '', doc: 'File with the password; it may change.' }),
    },
    {
      doc: 'User and password for the targets.',
      check(value, report) {
        if (value.username !== '' && value.username_file !== '')
          report.error('username_file', 'stands beside username', 'keep one of the two')
        if (value.password.reveal() !== '' && value.password_file !== '')
          report.error('password_file', 'stands beside password', 'keep one of the two')
      },
    },
  ),
)

const authorization = optional(
  section(
    {
      type: text({ default: 'Bearer', doc: 'What stands in front of the credentials.' }),
      credentials: secret({ doc: 'The credentials.' }),
      credentials_file: text({ default: '', doc: 'File with the credentials; it may change.' }),
    },
    {
      doc: 'The Authorization header for the targets.',
      check(value, report) {
        if (value.type.trim().toLowerCase() === 'basic')
          report.error('type', 'cannot be basic', 'write basic_auth: instead of authorization:')
        if (value.credentials.reveal() !== '' && value.credentials_file !== '')
          report.error('credentials_file', 'stands beside credentials', 'keep one of the two')
      },
    },
  ),
)

const VERSIONS = ['', 'TLS10', 'TLS11', 'TLS12', 'TLS13'] as const

const tlsConfig = section(
  {
    ca: secret({ doc: 'Authorities to trust, as PEM.' }),
    cert: secret({ doc: 'The certificate to show, as PEM.' }),
    key: secret({ doc: 'Its key, as PEM.' }),
    ca_file: text({ default: '', doc: 'PEM file with the authorities. Empty: those of the system.' }),
    cert_file: text({ default: '', doc: 'PEM file with the certificate to show.' }),
    key_file: text({ default: '', doc: 'PEM file with its key.' }),
    server_name: text({ default: '', doc: 'The name to find in the certificate instead of the host.' }),
    insecure_skip_verify: flag({ default: false, doc: 'Take any certificate the target shows.' }),
    min_version: choice(VERSIONS, { default: '', doc: 'Lowest TLS version. Empty means 1.2.' }),
    max_version: choice(VERSIONS, { default: '', doc: 'Highest TLS version. Empty means 1.3.' }),
  },
  {
    doc: 'How https targets are spoken to. Files are read again when they change.',
    check(value, report) {
      for (const kind of ['ca', 'cert', 'key'] as const) {
        if (value[kind].reveal() !== '' && value[`${kind}_file`] !== '')
          report.error(`${kind}_file`, `stands beside ${kind}`, 'keep one of the two')
      }
      const cert = value.cert.reveal() !== '' || value.cert_file !== ''
      const key = value.key.reveal() !== '' || value.key_file !== ''
      if (cert && !key) report.error('cert_file', 'a certificate without its key', 'add key_file or key')
      if (key && !cert) report.error('key_file', 'a key without its certificate', 'add cert_file or cert')
    },
  },
)

const header = section(
  {
    values: list(words({ doc: 'A value.' }), { doc: 'Values.' }),
    secrets: list(secret({ doc: 'A value.' }), { doc: 'Values that are not shown.' }),
    files: list(text({ doc: 'A file.' }), { doc: 'Files with a value each, read at start.' }),
  },
  { doc: 'A header.' },
)

export const httpFields = {
  basic_auth: basicAuth,
  authorization,
  bearer_token: secret({ doc: 'Old key: authorization.credentials.' }),
  bearer_token_file: text({ default: '', doc: 'Old key: authorization.credentials_file.' }),
  oauth2: unsupported({
    doc: 'Tokens of an OAuth 2 server.',
    what: 'scraping with OAuth 2 is not available yet',
    fix: 'write authorization: with credentials_file, and let something else renew that file',
  }),
  tls_config: tlsConfig,
  proxy_url: text({
    default: '',
    doc: 'Proxy to go through. Empty: none.',
    check: url =>
      url === '' || /^https?:\/\/[^/]+/.test(url)
        ? undefined
        : ['is not the address of a proxy', 'write http://host:port'],
  }),
  proxy_from_environment: flag({
    default: false,
    doc: 'Take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY.',
  }),
  no_proxy: text({ default: '', doc: 'Hosts that are not asked through proxy_url, separated by commas.' }),
  proxy_connect_header: unsupported({
    doc: 'Headers for a proxy.',
    what: 'headers for a proxy cannot be set yet',
    fix: 'write user and password into proxy_url',
  }),
  follow_redirects: flag({ default: true, doc: 'Follow a redirection, at most ten times.' }),
  enable_http2: flag({ default: true, doc: 'Over TLS, offer HTTP/2.' }),
  http_headers: map(header, { doc: 'Headers of each request.' }),
} as const

/** Of the connection, or set by the scraper itself. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'user-agent',
  'www-authenticate',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-prometheus-remote-read-version',
  'x-prometheus-remote-write-version',
  'x-prometheus-scrape-timeout-seconds',
])
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const whole = section(httpFields, { doc: '' })
export type HttpSettings = ValueOf<typeof whole>

type Report = Parameters<NonNullable<SectionOptions<typeof httpFields>['check']>>[1]

/** Rules across the keys. */
export function checkHttp(value: HttpSettings, report: Report): void {
  const { basic_auth, authorization, bearer_token, bearer_token_file, proxy_url } = value
  const bearer = bearer_token.reveal() !== '' || bearer_token_file !== ''
  const ways = [basic_auth !== undefined, authorization !== undefined, bearer]
  if (ways.filter(way => way).length > 1)
    report.error('', 'has several of basic_auth, authorization and bearer_token', 'keep one of them')
  if (bearer_token.reveal() !== '' && bearer_token_file !== '')
    report.error('bearer_token_file', 'stands beside bearer_token', 'keep one of the two')
  for (const name of value.http_headers.keys()) {
    if (!HEADER_NAME.test(name))
      report.error('http_headers', `"${name}" is not the name of a header`, 'rename it')
    else if (RESERVED_HEADERS.has(name.toLowerCase()))
      report.error(
        'http_headers',
        `"${name}" cannot be set there`,
        'remove it; for Authorization write authorization:',
      )
  }
  if (proxy_url !== '' && value.proxy_from_environment)
    report.error('proxy_from_environment', 'stands beside proxy_url', 'keep one of the two')
  if (proxy_url === '' && value.no_proxy !== '')
    report.error('no_proxy', 'stands there without proxy_url', 'write proxy_url, or remove it')
}
