/**
 * Listening on what an `endpoint` and a `transport` key name (config/confignet 0.155), with errors that say what to do.
 */

import { lookup } from 'node:dns/promises'
import { unlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { choice, text } from '../../config/schema.ts'
import { parseEndpoint } from './endpoint.ts'
import { remember, takeOver } from './handover.ts'

export const TRANSPORTS = ['tcp', 'tcp4', 'tcp6', 'unix'] as const

export interface ListenAddress {
  /** `localhost:4317`, `:4317` (all addresses), `[::1]:0`; for `unix` the path of the socket. */
  readonly endpoint: string
  readonly transport: (typeof TRANSPORTS)[number]
}

let sharing: { probe: boolean } | undefined

/**
 * From here on this process shares every TCP address it listens on with its siblings (SO_REUSEPORT): the kernel deals
 * out connections among them. It would share with strangers of the same user too, so with `probe` an address that
 * somebody has already is refused; only the first of the siblings can ask that. Call it again to change `probe`.
 */
export function sharePorts(how: { readonly probe: boolean }): void {
  sharing = { ...how }
}

/** The two keys of a server's section. */
export function listenFields(endpoint: string) {
  return {
    endpoint: text({
      default: endpoint,
      doc: 'Where to listen, as host:port. 0.0.0.0 is every address of the machine: containers need that. With transport unix the path of a socket.',
    }),
    transport: choice(TRANSPORTS, { default: 'tcp', doc: 'What endpoint is.' }),
  }
}

/** For a section's check: what is wrong with the endpoint and what to do, or undefined. */
export function listenProblem({ endpoint, transport }: ListenAddress): readonly [string, string] | undefined {
  if (transport === 'unix') return endpoint === '' ? ['is empty', 'write the path of a socket'] : undefined
  if (parseEndpoint(endpoint) !== undefined) return undefined
  const fix = /^[a-z]+:\/\//.test(endpoint) ? 'remove the scheme' : 'write it like localhost:4317'
  return [`"${endpoint}" is not host:port`, fix]
}

/**
 * Starts listening and answers with where: `127.0.0.1:4317`, `[::1]:4317` or the path of the socket. Rejects with a
 * sentence that says what to do when the address cannot be had.
 */
export async function listen(server: Server, where: ListenAddress): Promise<string> {
  try {
    if (!(await takeOver(server, where))) {
      await (where.transport === 'unix' ? listenUnix(server, where.endpoint) : listenTcp(server, where))
      remember(server, where)
    }
  } catch (error) {
    throw new Error(explain(error as NodeJS.ErrnoException, where.endpoint), { cause: error })
  }
  if (where.transport === 'unix') return where.endpoint
  const { address, port } = server.address() as AddressInfo
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** As Go does it: one address, IPv4 first. Node alone would take whatever the resolver says first. */
async function resolve(host: string, transport: ListenAddress['transport']): Promise<string> {
  const family = transport === 'tcp4' ? 4 : transport === 'tcp6' ? 6 : 0
  return (await lookup(host, { family, order: 'ipv4first' })).address
}

interface BindOptions {
  readonly port?: number
  readonly host?: string
  readonly path?: string
  readonly reusePort?: boolean
}

function bind(server: Server, options: BindOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function listenTcp(server: Server, { endpoint, transport }: ListenAddress): Promise<void> {
  const { host, port } = parseEndpoint(endpoint)!
  const at = { port, ...(host === '' ? {} : { host: await resolve(host, transport) }) }
  if (sharing === undefined) return bind(server, at)
  if (port === 0) throw new Error('workers cannot share a port that the system chooses; write a number')
  if (sharing.probe) {
    const probe = createServer()
    await bind(probe, at)
    await new Promise(done => probe.close(done))
  }
  await bind(server, { ...at, reusePort: true })
}

/** A socket file that nobody listens on any more (its owner was killed) is replaced. */
async function listenUnix(server: Server, path: string): Promise<void> {
  if (sharing !== undefined)
    throw new Error('workers cannot share a Unix socket; write transport: tcp, or leave out service.workers')
  try {
    await bind(server, { path })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || (await isAlive(path))) throw error
    unlinkSync(path)
    await bind(server, { path })
  }
}

function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect({ path })
    probe
      .once('connect', () => resolve(true))
      .once('error', error => {
        resolve((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED')
      })
    probe.once('connect', () => probe.destroy())
  })
}

/** Names the code as well, for those who search for it. */
function explain(error: NodeJS.ErrnoException, endpoint: string): string {
  const sentence = sentenceFor(error.code, endpoint)
  return sentence === undefined
    ? `cannot listen on ${endpoint}: ${error.message}`
    : `${sentence} (${error.code})`
}

function sentenceFor(code: string | undefined, endpoint: string): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `${endpoint} is taken by another program or part of this gateway; stop that one, or write another endpoint`
    case 'EACCES':
      return `${endpoint} may not be used by this user; write a port above 1023, or allow it`
    case 'EADDRNOTAVAIL':
      return `${endpoint} is not an address of this machine; write one that is, or 0.0.0.0 for all`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host of ${endpoint} is not known; write an address of this machine, or 0.0.0.0 for all`
    case 'ENOTSUP':
      return `this system cannot share ${endpoint} among workers; leave out service.workers`
    case 'ENOENT':
      return `the folder of ${endpoint} does not exist; make it, or write another endpoint`
    default:
      return undefined
  }
}
