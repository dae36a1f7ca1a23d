/**
 * HTTP/2 flow control for a grpc-js server, which has no option for it: 64 KiB a connection, HTTP/2's default, means
 * that a request of 272 kB waits four times for a WINDOW_UPDATE. Measured with such requests: 1,600 µs of CPU each, and
 * 500 with the windows below; across a continent, 64 KiB a round trip is all that a connection could carry.
 *
 * Both members are private to grpc-js (1.14.7, pinned); a test sees that they still do what is meant here.
 */

import type { ServerHttp2Session, Settings } from 'node:http2'

/** What one request may send before it is read. */
export const STREAM_WINDOW = 4 * 1024 * 1024
/** What all requests of a connection may send together before they are read. */
export const CONNECTION_WINDOW = 16 * 1024 * 1024

interface Sessions {
  on(event: 'session', listener: (session: ServerHttp2Session) => void): void
}

interface Inner {
  readonly commonServerOptions: { settings?: Settings }
  createHttp2Server(credentials: unknown): Sessions
}

/** Call it before the server makes its first listener. */
export function widenWindows(server: object): void {
  const inner = server as Inner
  const create = inner.createHttp2Server.bind(server)
  inner.commonServerOptions.settings = {
    ...inner.commonServerOptions.settings,
    initialWindowSize: STREAM_WINDOW,
  }
  inner.createHttp2Server = credentials => {
    const http2 = create(credentials)
    http2.on('session', session => session.setLocalWindowSize(CONNECTION_WINDOW))
    return http2
  }
}
