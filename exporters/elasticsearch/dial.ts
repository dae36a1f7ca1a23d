/**
 * Connections to nodes over TLS: the `tls` section whole, as all clients have it, and `ca_fingerprint`. The client of
 * Elasticsearch has a check of fingerprints too, but trusts a chain without looking whether one certificate of it signed
 * the next.
 */

import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { Logger } from '../../core/telemetry/log.ts'
import type { ClientTlsConfig } from '../../core/transport/tls.ts'
import { ClientTlsFiles } from '../../core/transport/tls-reload.ts'

export interface DialTarget {
  readonly hostname: string
  readonly port: string
}

export type DialCallback = (
  ...outcome: [error: Error, socket: null] | [error: null, socket: TLSSocket]
) => void
/** What undici calls for each new connection. */
export type Dial = (target: DialTarget, callback: DialCallback) => void

const CONNECT_MS_MAX = 10_000
const KEEP_ALIVE_MS = 60_000
const HTTPS_PORT = 443
/** No chain is longer. */
const CHAIN_MAX = 10

/**
 * `fingerprint`: SHA-256, 64 hex digits, of a certificate that must be in the server's chain; '' for none. With it nobody
 * else need trust that authority, and the name of the host does not matter. Throws an Error that names the key when a
 * file cannot be used.
 */
export function tlsDial(config: ClientTlsConfig, fingerprint: string, log: Logger | undefined): Dial {
  const files = new ClientTlsFiles(config, log)
  files.current()
  return ({ hostname, port }, callback) => {
    const { secureContext, rejectUnauthorized, servername } = files.current()
    const host = hostname.replace(/^\[|\]$/g, '')
    const name = servername ?? (isIP(host) === 0 ? host : undefined)
    const socket = connect({
      host,
      port: Number(port || HTTPS_PORT),
      secureContext,
      rejectUnauthorized: rejectUnauthorized && fingerprint === '',
      ALPNProtocols: ['http/1.1'],
      ...(name === undefined ? {} : { servername: name }),
    })
    const timer = setTimeout(() => socket.destroy(new Error('no connection within 10 s')), CONNECT_MS_MAX)
    const failed = (error: Error): void => {
      clearTimeout(timer)
      callback(error, null)
    }
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
    socket.once('error', failed)
    socket.once('secureConnect', () => {
      const problem =
        fingerprint === '' ? undefined : chainProblem(socket.getPeerX509Certificate(), fingerprint)
      if (problem !== undefined) {
        socket.destroy(new Error(problem))
        return
      }
      clearTimeout(timer)
      socket.off('error', failed)
      callback(null, socket)
    })
  }
}

/** Undefined when the certificate is the one with that fingerprint, or was signed by it, through others or at once. */
export function chainProblem(shown: X509Certificate | undefined, fingerprint: string): string | undefined {
  const now = new Date()
  let certificate = shown
  for (let depth = 0; certificate !== undefined && depth < CHAIN_MAX; depth++) {
    if (now < certificate.validFromDate || now > certificate.validToDate)
      return `the certificate "${subjectOf(certificate)}" is not valid now`
    if (plainFingerprint(certificate.fingerprint256) === fingerprint) return undefined
    const issuer: X509Certificate | undefined = certificate.issuerCertificate
    if (issuer === undefined || !issuer.ca || !certificate.verify(issuer.publicKey)) break
    certificate = issuer
  }
  return 'no certificate that the server shows has ca_fingerprint and signed the others'
}

function subjectOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ')
}

/** 64 small hex digits, however they were written. */
export function plainFingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase()
}
