/** What an HTTP client is told: the Collector's confighttp.ClientConfig keys (0.155). */

import { duration, flag, integer, optional, section, text, type ValueOf } from '../../config/schema.ts'
import { clientAuth } from '../component/auth-config.ts'
import { compressionFields, type HttpCompression } from './compress.ts'
import { headersField } from './headers.ts'
import { clientTls } from './tls.ts'
import { unsupported } from './unsupported.ts'

export interface HttpClientDefaults {
  readonly compression: HttpCompression
  readonly writeBufferSize: number
}

/** The keys besides `timeout`, which stands in the sending chain's fields, and `endpoint`, which each exporter words. */
export function httpClientFields(defaults: HttpClientDefaults) {
  return {
    ...compressionFields(defaults.compression),
    headers: headersField,
    tls: clientTls,
    proxy_url: text({
      default: '',
      doc: 'Proxy to go through. Empty: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.',
      check: url =>
        url === '' || /^https?:\/\/[^/]+/.test(url)
          ? undefined
          : ['is not the address of a proxy', 'write http://host:port'],
    }),
    read_buffer_size: integer({ default: 0, min: 0, doc: 'Taken; Node sizes its read buffers itself.' }),
    write_buffer_size: integer({
      default: defaults.writeBufferSize,
      min: 0,
      doc: 'Taken; requests are written without a buffer in between.',
    }),
    max_idle_conns: integer({
      default: 100,
      min: 0,
      doc: 'Taken; idle connections end by idle_conn_timeout.',
    }),
    max_idle_conns_per_host: integer({
      default: 0,
      min: 0,
      doc: 'Taken; idle connections end by idle_conn_timeout.',
    }),
    max_conns_per_host: integer({
      default: 0,
      min: 0,
      doc: 'No more connections than this at once; further requests wait. 0 means no limit.',
    }),
    idle_conn_timeout: duration({
      default: '1m30s',
      doc: 'A connection without a request is closed after this long. 0 means never.',
    }),
    disable_keep_alives: flag({ default: false, doc: 'A new connection for every request. Costly.' }),
    force_attempt_http2: flag({
      default: true,
      doc: 'Over TLS, offer HTTP/2 before HTTP/1.1. False: HTTP/1.1 only.',
    }),
    http2_read_idle_timeout: duration({
      default: '0s',
      doc: 'Ping HTTP/2 connections this often, and leave those that cannot be pinged. 0 means never.',
    }),
    http2_ping_timeout: duration({
      default: '0s',
      doc: 'Taken; a ping that is not answered is told by the timeout of the request.',
    }),
    auth: clientAuth,
    middlewares: unsupported({
      doc: 'Extensions that wrap the client.',
      what: 'middlewares are not available',
      fix: 'remove middlewares:',
    }),
    cookies: optional(section({}, { doc: 'Send cookies back to the server that set them.' }), {
      empty: 'off',
    }),
  }
}

const whole = section(httpClientFields({ compression: '', writeBufferSize: 0 }), { doc: '' })
export type HttpClientConfig = ValueOf<typeof whole>
