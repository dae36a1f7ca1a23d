/** What a connection begins with, before the server it belongs to gets it: that tells a client that is at the wrong port. */

import type { Server, Socket } from 'node:net'

/** As grpc-go's ConnectionTimeout: who has said nothing for so long is not going to. */
const SILENCE_MS = 120_000

/** `unknown` may still become HTTP/2, when its first bytes come one by one. */
export type Spoken = 'tls' | 'http1' | 'http2' | 'unknown'

const HTTP1 = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /

/**
 * HTTP/2 begins with `PRI * HTTP/2.0` (RFC 9113 3.4), so a `P` alone is not enough to tell; TLS with a handshake record
 * of any 3.x version (RFC 8446 5.1), and nothing else here with its first byte.
 */
export function spokenIn(first: Uint8Array): Spoken {
  if (first[0] === 0x16) return first.length === 1 || first[1] === 3 ? 'tls' : 'unknown'
  const words = Buffer.from(first.buffer, first.byteOffset, Math.min(first.length, 8)).toString('latin1')
  if (words.startsWith('PRI * ')) return 'http2'
  return HTTP1.test(words) ? 'http1' : 'unknown'
}

/** Calls `then` once the first bytes are there; whoever gets the socket next reads them again. */
export function onFirstBytes(socket: Socket, then: (spoken: Spoken) => void): void {
  const silent = setTimeout(() => socket.destroy(), SILENCE_MS).unref()
  socket.once('close', () => clearTimeout(silent))
  // A reset before the first byte; afterwards the next owner listens as well.
  socket.on('error', () => {})
  socket.once('data', (first: Buffer) => {
    clearTimeout(silent)
    socket.pause()
    socket.unshift(first)
    then(spokenIn(first))
  })
}

/**
 * Lets `misplaced` see how each connection begins before `server`, which speaks TLS, does. It says true of those it has
 * answered itself; the others get their handshake. Before the server listens.
 */
export function beforeHandshake(
  server: Server,
  misplaced: (spoken: Spoken, socket: Socket) => boolean,
): void {
  const begin = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    onFirstBytes(socket, spoken => {
      if (misplaced(spoken, socket)) return
      for (const listener of begin) listener.call(server, socket)
    })
  })
}
