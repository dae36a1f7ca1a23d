/** From an address to a socket that speaks HTTP/2: TCP or a Unix socket, a proxy's CONNECT, TLS. */

import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { proxyAuthorization } from '../proxy.ts'
import type { ClientTls } from '../tls.ts'
import { type Address, addressText } from './target.ts'

export interface DialOptions {
  /** Read for each connection, so that it shows the certificate that lies on the disk now. May throw. */
  readonly tls: (() => ClientTls) | undefined
  /** The name to ask for and to find in the certificate, unless `tls` names one. */
  readonly host: string
  readonly proxy: URL | undefined
}

/** As long as Go's default dialer waits between its TCP keepalive probes. */
const TCP_KEEPALIVE_MS = 15_000
/** A proxy's answer to CONNECT is a few lines. */
const PROXY_ANSWER_MAX = 16 * 1024

/** Rejects with an Error in words, and destroys what it had, when it fails or `signal` ends it. */
export async function dial(address: Address, options: DialOptions, signal: AbortSignal): Promise<Socket> {
  const { proxy, tls } = options
  const raw = await reach(proxy === undefined ? address : proxyAddress(proxy), signal)
  try {
    if (proxy !== undefined) await tunnel(raw, proxy, address, signal)
    return tls === undefined ? raw : await secure(raw, tls(), options.host, signal)
  } catch (error) {
    raw.destroy()
    throw error
  }
}

function proxyAddress(proxy: URL): Address {
  return { host: proxy.hostname.replace(/^\[|\]$/g, ''), port: Number(proxy.port || 80) }
}

/** Settles with what `begin` reports, or with what ends it earlier. */
function once<T>(
  socket: Socket,
  signal: AbortSignal,
  begin: (done: (value: T) => void, fail: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => fail(signal.reason as Error)
    const closed = () => fail(new Error('it closed the connection'))
    const clean = () => {
      socket.off('error', fail).off('close', closed)
      signal.removeEventListener('abort', stop)
      undo()
    }
    const fail = (error: Error) => {
      clean()
      // What comes later is nobody's business, but must not be unhandled.
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const undo = begin(value => {
      clean()
      resolve(value)
    }, fail)
    socket.on('error', fail).on('close', closed)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
}

async function reach(address: Address, signal: AbortSignal): Promise<Socket> {
  const socket =
    address.path === undefined
      ? connectTcp({
          host: address.host,
          port: address.port,
          noDelay: true,
          keepAlive: true,
          keepAliveInitialDelay: TCP_KEEPALIVE_MS,
        })
      : connectTcp({ path: address.path })
  return once<Socket>(socket, signal, done => {
    const connected = () => done(socket)
    socket.on('connect', connected)
    return () => socket.off('connect', connected)
  })
}

/** RFC 9110 9.3.6. */
async function tunnel(socket: Socket, proxy: URL, address: Address, signal: AbortSignal): Promise<void> {
  const where = addressText(address)
  const authorization = proxyAuthorization(proxy)
  const lines = [`CONNECT ${where} HTTP/1.1`, `Host: ${where}`]
  if (authorization !== undefined) lines.push(`Proxy-Authorization: ${authorization}`)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const status = await once<string>(socket, signal, (done, fail) => {
    let head = Buffer.alloc(0)
    const read = (part: Buffer) => {
      head = Buffer.concat([head, part])
      const end = head.indexOf('\r\n\r\n')
      if (end >= 0) {
        socket.pause()
        if (head.length > end + 4) socket.unshift(head.subarray(end + 4))
        done(head.toString('latin1', 0, head.indexOf('\r\n')))
      } else if (head.length > PROXY_ANSWER_MAX) fail(new Error('its answer to CONNECT has no end'))
    }
    socket.on('data', read)
    return () => socket.off('data', read)
  }).catch(error => {
    throw new Error(`the proxy ${proxy.host}: ${(error as Error).message}`, { cause: error })
  })
  if (/^HTTP\/1\.[01] 2\d\d/.test(status)) return
  throw new Error(`the proxy ${proxy.host} refused the connection: ${status.slice(0, 100)}`)
}

async function secure(raw: Socket, tls: ClientTls, host: string, signal: AbortSignal): Promise<Socket> {
  const { secureContext, rejectUnauthorized, servername } = tls
  // RFC 6066: an address is no server name. It is still what the certificate has to have.
  const name = servername ?? (isIP(host) === 0 ? host : undefined)
  const secured = connectTls({
    socket: raw,
    host,
    secureContext,
    rejectUnauthorized,
    ALPNProtocols: ['h2'],
    ...(name === undefined ? {} : { servername: name }),
  })
  await once<void>(secured, signal, done => {
    const shaken = () => done()
    secured.on('secureConnect', shaken)
    return () => secured.off('secureConnect', shaken)
  })
  if (secured.alpnProtocol === 'h2') return secured
  secured.destroy()
  throw new Error('it does not offer HTTP/2 over TLS (ALPN), which gRPC needs')
}
