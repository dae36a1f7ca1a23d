/** A throw-away authority and certificates signed by it, made by openssl when a test asks. */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Certificates {
  /** Paths of PEM files. */
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  readonly clientCert: string
  readonly clientKey: string
  read(path: string): string
  remove(): void
}

/** The server's certificate is for `host.test` and 127.0.0.1. */
export function makeCertificates(): Certificates {
  const folder = emptyFolder()
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority')
  writeFileSync(join(folder, 'server.ext'), 'subjectAltName=DNS:host.test,IP:127.0.0.1\n')
  writeFileSync(join(folder, 'client.ext'), 'extendedKeyUsage=clientAuth\n')
  for (const who of ['server', 'client']) {
    openssl('req', ...key, '-keyout', `${who}.key`, '-out', `${who}.csr`, '-subj', `/CN=test ${who}`)
    const signed = ['-req', '-in', `${who}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
    openssl('x509', ...signed, '-out', `${who}.pem`, '-extfile', `${who}.ext`)
  }
  return within(folder)
}

/** The same in files of their own, for a test that changes them: making new ones takes five runs of openssl. */
export function copyCertificates({ ca }: Certificates): Certificates {
  const folder = emptyFolder()
  cpSync(dirname(ca), folder, { recursive: true })
  return within(folder)
}

function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sluice-tls-'))
}

function within(folder: string): Certificates {
  const path = (name: string) => join(folder, name)
  return {
    ca: path('ca.pem'),
    serverCert: path('server.pem'),
    serverKey: path('server.key'),
    clientCert: path('client.pem'),
    clientKey: path('client.key'),
    read: file => readFileSync(file, 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
