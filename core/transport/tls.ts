/**
 * The `tls` sections of clients and servers: the Collector's keys (config/configtls 0.155), turned into what
 * node:tls takes.
 */

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type TlsOptions,
} from 'node:tls'
import {
  choice,
  duration,
  flag,
  list,
  type Secret,
  type SectionOptions,
  secret,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { unsupported } from './unsupported.ts'

const VERSIONS = ['', '1.0', '1.1', '1.2', '1.3'] as const

/** Go's names of the TLS 1.2 suites that it calls secure, and OpenSSL's. */
const SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
}

/** Suites that Go has but calls insecure: `include_insecure_cipher_suites` allows them. */
const INSECURE_SUITES: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
}

/** TLS 1.3 has these and, in Go, always all of them, whatever `cipher_suites` says. */
const SUITES_13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

const CURVES: Readonly<Record<string, string>> = {
  P256: 'P-256',
  P384: 'P-384',
  P521: 'P-521',
  X25519: 'X25519',
  X25519MLKEM768: 'X25519MLKEM768',
}

/** The keys that clients and servers share. Spread them into a section and call `checkTls` in its `check`. */
export const tlsFields = {
  ca_file: text({ default: '', doc: 'PEM file with the authorities to trust. Empty: those of the system.' }),
  ca_pem: secret({ doc: 'The same as text.' }),
  include_system_ca_certs_pool: flag({
    default: false,
    doc: 'Trust the authorities of the system besides those named here.',
  }),
  cert_file: text({ default: '', doc: 'PEM file with the certificate to show.' }),
  cert_pem: secret({ doc: 'The same as text.' }),
  key_file: text({ default: '', doc: "PEM file with the certificate's key." }),
  key_pem: secret({ doc: 'The same as text.' }),
  min_version: choice(VERSIONS, { default: '', doc: 'Lowest TLS version. Empty means 1.2.' }),
  max_version: choice(VERSIONS, { default: '', doc: 'Highest TLS version. Empty means 1.3.' }),
  cipher_suites: list(text({ doc: "A suite by Go's name, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256." }), {
    doc: 'Suites for TLS 1.2 and older. Empty: a safe list. TLS 1.3 always has its three.',
  }),
  include_insecure_cipher_suites: flag({
    default: false,
    doc: 'Let cipher_suites name ones that are broken.',
  }),
  curve_preferences: list(choice(Object.keys(CURVES), { doc: 'A curve.' }), {
    doc: 'Key exchange curves, the best first. Empty: a safe list.',
  }),
  reload_interval: duration({
    default: '0s',
    doc: 'Read certificate and key again this often, without a restart. New ones that cannot be used leave the old ones in use. 0 means never.',
  }),
  tpm: unsupported({
    doc: 'Keys held in a TPM.',
    what: 'keys held in a TPM cannot be used',
    fix: 'remove tpm: and name the key with key_file',
  }),
} as const

/** A section with the shared keys; clients and servers add their own. */
export interface TlsConfig {
  readonly ca_file: string
  readonly ca_pem: Secret
  readonly include_system_ca_certs_pool: boolean
  readonly cert_file: string
  readonly cert_pem: Secret
  readonly key_file: string
  readonly key_pem: Secret
  readonly min_version: (typeof VERSIONS)[number]
  readonly max_version: (typeof VERSIONS)[number]
  readonly cipher_suites: readonly string[]
  readonly include_insecure_cipher_suites: boolean
  readonly curve_preferences: readonly string[]
  readonly reload_interval: number
}

type Report = Parameters<NonNullable<SectionOptions<typeof tlsFields>['check']>>[1]

/** Rules across the shared keys; what configtls.Config.Validate checks. */
export function checkTls(value: TlsConfig, report: Report): void {
  for (const kind of ['ca', 'cert', 'key'] as const) {
    if (value[`${kind}_file`] !== '' && value[`${kind}_pem`].reveal() !== '') {
      report.error(`${kind}_pem`, `stands beside ${kind}_file`, 'keep one of the two')
    }
  }
  const cert = value.cert_file !== '' || value.cert_pem.reveal() !== ''
  const key = value.key_file !== '' || value.key_pem.reveal() !== ''
  if (cert && !key) report.error('cert_file', 'a certificate without its key', 'add key_file or key_pem')
  if (key && !cert) report.error('key_file', 'a key without its certificate', 'add cert_file or cert_pem')
  if (value.max_version !== '' && value.max_version < (value.min_version || '1.2')) {
    report.error('max_version', `is lower than min_version (${value.min_version || '1.2'})`, 'raise it')
  }
  for (const suite of value.cipher_suites) {
    if (SUITES[suite] !== undefined || SUITES_13.includes(suite)) continue
    if (INSECURE_SUITES[suite] === undefined) {
      report.error('cipher_suites', `"${suite}" is not a cipher suite`, `write names such as ${SUITES_13[0]}`)
    } else if (!value.include_insecure_cipher_suites) {
      report.error(
        'cipher_suites',
        `"${suite}" is insecure`,
        'remove it, or set include_insecure_cipher_suites: true',
      )
    }
  }
}

/** What files hold that were read before, by path: those in it are not read again. */
export type PemFiles = ReadonlyMap<string, string>

const NOTHING_READ: PemFiles = new Map()

/** A PEM from its file or its text; undefined when neither is written. Throws with the key and the file's name. */
function pem(config: TlsConfig, kind: 'ca' | 'cert' | 'key', files: PemFiles): string | undefined {
  const file = config[`${kind}_file`]
  const plain = config[`${kind}_pem`].reveal()
  if (file === '') return plain === '' ? undefined : plain
  return readPem(`${kind}_file`, file, files)
}

/** Node passes an empty text over, and then no handshake succeeds: it is a file that is being written, most likely. */
function readPem(key: string, file: string, files: PemFiles): string {
  const text = files.get(file) ?? readText(key, file)
  if (text === '') throw new Error(`tls: ${key} "${file}" is empty`)
  return text
}

function readText(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`tls: cannot read ${key} "${file}": ${(error as Error).message}`, { cause: error })
  }
}

/** What the system trusts, as Go reads it; Node's own list where the system has none. */
export function systemAuthorities(): string[] {
  const system = getCACertificates('system')
  return system.length === 0 ? getCACertificates('default') : [...system, ...getCACertificates('extra')]
}

/** OpenSSL takes a text without any certificate too, and then trusts nobody. One that can be read is enough, as in Go. */
function checkAuthorities(what: string, text: string): void {
  const blocks =
    text.match(
      /-----BEGIN(?: [A-Z0-9]+)* CERTIFICATE-----[\s\S]*?-----END(?: [A-Z0-9]+)* CERTIFICATE-----/g,
    ) ?? []
  if (!blocks.some(isCertificate)) throw new Error(`tls: ${what} has no certificate that can be read`)
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}

function version(written: string, fallback: SecureVersion): SecureVersion {
  return written === '' ? fallback : written === '1.0' ? 'TLSv1' : (`TLSv${written}` as SecureVersion)
}

/** The shared keys as node:tls takes them, without `ca`. Reads files; throws an Error that names the key. */
export function secureOptions(config: TlsConfig, files: PemFiles = NOTHING_READ): SecureContextOptions {
  const options: SecureContextOptions = {
    minVersion: version(config.min_version, 'TLSv1.2'),
    maxVersion: version(config.max_version, 'TLSv1.3'),
  }
  const cert = pem(config, 'cert', files)
  const key = pem(config, 'key', files)
  if (cert !== undefined) options.cert = cert
  if (key !== undefined) options.key = key
  if (config.cipher_suites.length > 0) {
    const old = config.cipher_suites.map(name => SUITES[name] ?? INSECURE_SUITES[name]).filter(Boolean)
    options.ciphers = [...SUITES_13, ...old].join(':')
  }
  if (config.curve_preferences.length > 0) {
    options.ecdhCurve = config.curve_preferences.map(name => CURVES[name]).join(':')
  }
  return options
}

/** The authorities to trust: those named in the config, those of the system, or both. */
export function authorities(config: TlsConfig, files: PemFiles = NOTHING_READ): string[] {
  const own = pem(config, 'ca', files)
  if (own === undefined) return systemAuthorities()
  checkAuthorities(config.ca_file === '' ? 'ca_pem' : `ca_file "${config.ca_file}"`, own)
  return config.include_system_ca_certs_pool ? [own, ...systemAuthorities()] : [own]
}

/** `tls` of a client: configtls.ClientConfig. */
export const clientTls = section(
  {
    ...tlsFields,
    insecure: flag({
      default: false,
      doc: 'gRPC: no TLS at all. HTTP: no effect, the scheme of the endpoint decides.',
    }),
    insecure_skip_verify: flag({
      default: false,
      doc: 'Take any certificate the server shows. Encrypts, but to whom is not known.',
    }),
    server_name_override: text({
      default: '',
      doc: 'The name to ask for and to find in the certificate, instead of the host of the endpoint.',
    }),
  },
  { doc: 'How the connection to the server is secured.', check: checkTls },
)

export type ClientTlsConfig = ValueOf<typeof clientTls>

/** True when there is something to read that may be wrong: certificate, key or authorities. */
export function namesFiles(config: TlsConfig): boolean {
  return (['ca', 'cert', 'key'] as const).some(
    kind => config[`${kind}_file`] !== '' || config[`${kind}_pem`].reveal() !== '',
  )
}

/** What a client hands to tls.connect; one context for all its connections, because building one costs ms. */
export interface ClientTls {
  readonly secureContext: SecureContext
  readonly rejectUnauthorized: boolean
  readonly servername: string | undefined
}

/** Reads the files and builds the context. Throws an Error that says which key is at fault. */
export function loadClientTls(config: ClientTlsConfig, files: PemFiles = NOTHING_READ): ClientTls {
  const options: SecureContextOptions = { ...secureOptions(config, files), ca: authorities(config, files) }
  return {
    secureContext: contextOf(options),
    rejectUnauthorized: !config.insecure_skip_verify,
    servername: config.server_name_override === '' ? undefined : config.server_name_override,
  }
}

/** Throws in our words what OpenSSL says of a certificate, a key or an authority. */
function contextOf(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options)
  } catch (error) {
    throw new Error(`tls: certificate, key or authority is not usable: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** `tls` of a server: configtls.ServerConfig. */
export const serverTls = section(
  {
    ...tlsFields,
    client_ca_file: text({
      default: '',
      doc: 'PEM file with authorities. Written: clients must show a certificate from one of them.',
    }),
    client_ca_file_reload: flag({
      default: false,
      doc: 'Read client_ca_file again when it changes.',
    }),
  },
  {
    doc: 'How connections of clients are secured.',
    check: (value, report) => {
      checkTls(value, report)
      if (value.cert_file === '' && value.cert_pem.reveal() === '') {
        report.error('cert_file', 'is missing', 'write cert_file and key_file: a server needs a certificate')
      }
    },
  },
)

export type ServerTlsConfig = ValueOf<typeof serverTls>

/** What a server hands to tls.createServer and its kin. Reads files; throws an Error that says which key is at fault. */
export function serverTlsOptions(config: ServerTlsConfig, files: PemFiles = NOTHING_READ): TlsOptions {
  const options: TlsOptions = secureOptions(config, files)
  if (config.client_ca_file !== '') {
    options.ca = readPem('client_ca_file', config.client_ca_file, files)
    checkAuthorities(`client_ca_file "${config.client_ca_file}"`, options.ca)
    options.requestCert = true
    options.rejectUnauthorized = true
  }
  contextOf(options)
  return options
}
