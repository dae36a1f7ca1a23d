/**
 * Certificates that change while the gateway runs: `reload_interval` and `client_ca_file_reload` (config/configtls
 * 0.155). New connections get what is on the disk, those that are open stay as they are.
 *
 * Files that cannot be used (half written, a key that does not fit) leave the ones before in use, and the log says so
 * once; the Collector fails each handshake then. Whoever replaces two files does it one after the other, so a change
 * that makes no sense is looked at again a moment later before anything is said.
 */

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Server, TlsOptions } from 'node:tls'
import type { Logger } from '../telemetry/log.ts'
import {
  type ClientTls,
  type ClientTlsConfig,
  loadClientTls,
  type PemFiles,
  type ServerTlsConfig,
  serverTlsOptions,
  type TlsConfig,
} from './tls.ts'

type Log = Pick<Logger, 'info' | 'warn'>

const BROKEN = 'TLS files have changed and cannot be used; those read before stay in use'
const RENEWED = 'TLS files were read again; new connections use them'

/** How often client_ca_file is looked at with client_ca_file_reload, and how soon something broken is looked at again. */
const SOON_MS = 1_000
/** The least time between two looks, and the longest that a timer of Node can wait. */
const INTERVAL_MS_MIN = 100
const INTERVAL_MS_MAX = 2 ** 31 - 1

function filesOf(...paths: readonly string[]): readonly string[] {
  return paths.filter(path => path !== '')
}

function same(a: PemFiles, b: PemFiles): boolean {
  return a.size === b.size && [...a].every(([path, text]) => b.get(path) === text)
}

/** For the log: whose certificate, and until when. */
function about(cert: unknown): Readonly<Record<string, unknown>> {
  if (typeof cert !== 'string') return {}
  const { subject, validTo } = new X509Certificate(cert)
  return { certificate: subject, valid_until: validTo }
}

/** The certificate, key and authorities of a server. */
export class ServerTlsFiles {
  readonly #config: ServerTlsConfig
  readonly #log: Log
  readonly #timers = new Set<NodeJS.Timeout>()
  /** What is in use. */
  #files: PemFiles = new Map()
  /** What could not be used, and has been complained about. */
  #broken: PemFiles | string | undefined
  #stopped = false

  constructor(config: ServerTlsConfig, log: Log) {
    this.#config = config
    this.#log = log
  }

  /** For tls.createServer and its kin. Throws an Error that names the key at fault. */
  load(): TlsOptions {
    const { cert_file, key_file, client_ca_file } = this.#config
    const options = serverTlsOptions(this.#config)
    const files = new Map<string, string>()
    if (typeof options.cert === 'string') files.set(cert_file, options.cert)
    if (typeof options.key === 'string') files.set(key_file, options.key)
    if (typeof options.ca === 'string') files.set(client_ca_file, options.ca)
    files.delete('')
    this.#files = files
    return options
  }

  /** From here on `server` gets what changes, until `stop`. */
  follow(server: Server): void {
    const { cert_file, key_file, reload_interval, client_ca_file, client_ca_file_reload } = this.#config
    if (reload_interval > 0) this.#look(filesOf(cert_file, key_file), reload_interval, server)
    if (client_ca_file_reload) this.#look(filesOf(client_ca_file), SOON_MS, server)
  }

  /** Nothing is looked at any more. Safe twice, and without `follow`. */
  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #look(paths: readonly string[], every: number, server: Server): void {
    if (paths.length === 0) return
    const interval = Math.min(Math.max(every, INTERVAL_MS_MIN), INTERVAL_MS_MAX)
    const again = (ms: number, suspicious: boolean): void => {
      if (this.#stopped) return
      const timer = setTimeout(async () => {
        this.#timers.delete(timer)
        const good = await this.#renew(paths, server, suspicious)
        again(good ? interval : Math.min(interval, SOON_MS), !good)
      }, ms).unref()
      this.#timers.add(timer)
    }
    again(interval, false)
  }

  /** False when what is there cannot be used. `complain`: it could not a moment ago either. */
  async #renew(paths: readonly string[], server: Server, complain: boolean): Promise<boolean> {
    let files = new Map(this.#files)
    try {
      for (const path of paths) files.set(path, await readFile(path, 'utf8'))
    } catch (error) {
      return this.#bad((error as Error).message, error as Error, complain)
    }
    if (this.#stopped) return true
    // The other group may have been renewed meanwhile.
    files = new Map([...this.#files, ...paths.map(path => [path, files.get(path)!] as const)])
    if (same(files, this.#files)) {
      this.#broken = undefined
      return true
    }
    try {
      const options = serverTlsOptions(this.#config, files)
      server.setSecureContext(options)
      this.#files = files
      this.#broken = undefined
      this.#log.info(RENEWED, about(options.cert))
      return true
    } catch (error) {
      return this.#bad(files, error as Error, complain)
    }
  }

  #bad(what: PemFiles | string, { message }: Error, complain: boolean): false {
    const known = this.#broken
    const said = typeof what === 'string' ? what === known : known instanceof Map && same(what, known)
    if (complain && !said) {
      this.#broken = what
      this.#log.warn(BROKEN, { error: message })
    }
    return false
  }
}

/** The certificate, key and authorities of a client, looked at when it connects and `reload_interval` has passed. */
export class ClientTlsFiles {
  readonly #config: ClientTlsConfig
  readonly #log: Log | undefined
  #current: ClientTls | undefined
  #files: PemFiles = new Map()
  #lookAgainAt = 0
  #complaint = ''

  constructor(config: ClientTlsConfig, log: Log | undefined) {
    this.#config = config
    this.#log = log
  }

  /** The same object as long as nothing has changed. Throws only when there is nothing that was good once. */
  current(): ClientTls {
    const { reload_interval: interval } = this.#config
    const known = this.#current
    const now = performance.now()
    if (known !== undefined && (interval === 0 || now < this.#lookAgainAt)) return known
    this.#lookAgainAt = now + interval
    try {
      return this.#renew()
    } catch (error) {
      if (known === undefined) throw error
      this.#lookAgainAt = now + Math.min(interval, SOON_MS)
      const { message } = error as Error
      if (this.#complaint !== message) this.#log?.warn(BROKEN, { error: message })
      this.#complaint = message
      return known
    }
  }

  #renew(): ClientTls {
    const known = this.#current
    const files = known === undefined ? new Map<string, string>() : readAll(this.#config)
    if (known !== undefined && same(files, this.#files)) {
      this.#complaint = ''
      return known
    }
    // The first time it reads by itself, so that an error names the key.
    const loaded = loadClientTls(this.#config, files)
    this.#files = known === undefined ? readAll(this.#config) : files
    this.#current = loaded
    this.#complaint = ''
    if (known !== undefined) this.#log?.info(RENEWED, about(files.get(this.#config.cert_file)))
    return loaded
  }
}

function readAll({ ca_file, cert_file, key_file }: TlsConfig): Map<string, string> {
  return new Map(filesOf(ca_file, cert_file, key_file).map(path => [path, readFileSync(path, 'utf8')]))
}
