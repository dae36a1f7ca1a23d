/** The keys that say how connections are kept: those of the Collector's HTTP clients (confighttp 0.155) that make sense here. */

import { httpClientFields } from '../../core/transport/http-client-config.ts'
import { unsupported } from '../../core/transport/unsupported.ts'

const all = httpClientFields({ compression: 'gzip', writeBufferSize: 0 })

export const connectionFields = {
  max_conns_per_host: all.max_conns_per_host,
  idle_conn_timeout: all.idle_conn_timeout,
  disable_keep_alives: all.disable_keep_alives,
  proxy_url: unsupported({
    doc: 'A proxy to go through.',
    what: 'nodes cannot be reached through a proxy',
    fix: 'remove proxy_url:, and let the nodes be reached directly',
  }),
  middlewares: all.middlewares,
} as const

const HTTP_1 = 'nodes are spoken to in HTTP/1.1'

/** Those that need nothing. */
export const IGNORED_OF_CONNECTIONS: Readonly<Record<string, string>> = {
  read_buffer_size: 'Node sizes its read buffers itself',
  write_buffer_size: 'requests are written without a buffer in between',
  max_idle_conns: 'idle connections end by idle_conn_timeout',
  max_idle_conns_per_host: 'idle connections end by idle_conn_timeout',
  force_attempt_http2: HTTP_1,
  http2_read_idle_timeout: HTTP_1,
  http2_ping_timeout: HTTP_1,
  cookies: 'nodes set none',
}
