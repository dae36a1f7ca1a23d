/** What a gRPC client is told: the Collector's configgrpc.ClientConfig keys (0.155) and the rules across them. */

import {
  choice,
  duration,
  flag,
  integer,
  optional,
  type SectionOptions,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { clientAuth } from '../component/auth-config.ts'
import type { Offer } from '../component/extensions.ts'
import { compressionParams, compressionProblem } from './compress.ts'
import { headersField } from './headers.ts'
import { type ClientTlsConfig, clientTls } from './tls.ts'
import { unsupported } from './unsupported.ts'

const COMPRESSIONS = ['', 'none', 'gzip', 'snappy', 'zstd'] as const

const keepalive = section(
  {
    time: duration({ default: '10s', doc: 'Ping a quiet connection this often; 10s at least.' }),
    timeout: duration({ default: '20s', doc: 'Close it when a ping is not answered for this long.' }),
    permit_without_stream: flag({ default: false, doc: 'Ping also while no request is open.' }),
  },
  { doc: 'Pings that find dead connections.' },
)

export interface GrpcClientDefaults {
  readonly compression: (typeof COMPRESSIONS)[number]
  readonly writeBufferSize: number
}

/** The keys; call `checkGrpcClient` in the section's `check`. */
export function grpcClientFields(defaults: GrpcClientDefaults) {
  return {
    endpoint: text({
      required: true,
      doc: 'host:port of the server; http://, https://, dns:///host:port and unix:///path are taken too.',
      check: endpointProblem,
    }),
    compression: choice(COMPRESSIONS, {
      default: defaults.compression,
      doc: 'How requests are compressed.',
    }),
    compression_params: compressionParams,
    client: choice(['http2', 'grpc-js'], {
      default: 'http2',
      doc: 'Our own key. grpc-js makes requests with @grpc/grpc-js, which costs more and has only gzip.',
    }),
    tls: clientTls,
    keepalive: optional(keepalive),
    headers: headersField,
    user_agent: text({ default: '', doc: 'Sent as user-agent. Empty: name and version of this gateway.' }),
    balancer_name: choice(['', 'round_robin', 'pick_first'], {
      default: 'round_robin',
      doc: 'How requests are spread over the addresses behind the name; empty means pick_first.',
    }),
    authority: text({ default: '', doc: 'Sent as :authority instead of the host of the endpoint.' }),
    wait_for_ready: flag({
      default: false,
      doc: 'While there is no connection, let requests wait for one instead of failing.',
    }),
    read_buffer_size: integer({ default: 0, min: 0, doc: 'Taken; Node sizes its read buffers itself.' }),
    write_buffer_size: integer({
      default: defaults.writeBufferSize,
      min: 0,
      doc: 'Taken; requests are written without a buffer in between.',
    }),
    auth: clientAuth,
    middlewares: unsupported({
      doc: 'Extensions that wrap the client.',
      what: 'middlewares are not available',
      fix: 'remove middlewares:',
    }),
  }
}

const whole = section(grpcClientFields({ compression: '', writeBufferSize: 0 }), { doc: '' })
export type GrpcClientConfig = ValueOf<typeof whole>
type Report = Parameters<NonNullable<SectionOptions<ReturnType<typeof grpcClientFields>>['check']>>[1]

const SCHEMES = ['http', 'https', 'dns', 'passthrough']

/** What follows `scheme://authority/`: configgrpc's sanitizedEndpoint. `dns://host:port` is taken too. */
export function hostAndPort(endpoint: string): string {
  return endpoint.replace(/^[a-z0-9+.-]+:\/\/([^/]*\/(?=.))?/i, '')
}

function endpointProblem(endpoint: string): readonly [wrong: string, fix: string] | undefined {
  if (endpoint === '') return ['is empty', 'write host:4317']
  if (endpoint.startsWith('unix:')) {
    const path = endpoint.slice(5).replace(/^\/\//, '')
    return path === '' ? ['names no socket', 'write unix:///path/of/the.sock'] : undefined
  }
  const scheme = /^([a-z0-9+.-]+):\/\//i.exec(endpoint)?.[1]?.toLowerCase()
  if (scheme !== undefined && !SCHEMES.includes(scheme)) {
    return [`the scheme ${scheme}:// is not known`, 'write host:port, dns:///host:port or unix:///path']
  }
  const address = scheme?.startsWith('http') ? endpoint.slice(scheme.length + 3) : hostAndPort(endpoint)
  if (/^(\[[^\]]+\]|[^:/]+):\d{1,5}$/.test(address)) return undefined
  if (address.includes('/')) return [`"${endpoint}" has a path, which gRPC has not`, 'write host:port only']
  return [`"${endpoint}" has no port`, 'write host:port; the usual port is 4317']
}

/** Rules across the keys. */
export function checkGrpcClient(value: GrpcClientConfig, report: Report): void {
  const problem = compressionProblem(value)
  if (problem !== undefined) report.error(problem.key, problem.wrong, problem.fix)
  if (value.client === 'grpc-js') {
    if (value.compression === 'zstd' || value.compression === 'snappy') {
      report.error(
        'compression',
        `grpc-js has no ${value.compression}`,
        'write gzip or none, or remove client',
      )
    }
    if (value.compression_params.level !== 0) {
      report.error('compression_params', 'grpc-js has no levels', 'remove level, or remove client')
    }
  }
  if (value.endpoint.startsWith('http://') && securityOf(value) !== undefined) {
    report.warn(
      'endpoint',
      'begins with http:// but TLS is used all the same, as in the Collector',
      'write tls: {insecure: true} for a connection without TLS',
    )
  }
  // The Collector does not start then: grpc-go gives no secrets to connections that everybody can read.
  if (value.auth !== undefined && securityOf(value) === undefined)
    report.refer('auth', value.auth.authenticator, 'plain_client_auth' satisfies Offer)
  if (value.endpoint.endsWith(':4318')) {
    report.warn('endpoint', "4318 is the port of OTLP/HTTP, usually not gRPC's", 'write 4317')
  }
}

/** The tls section that is in force; undefined for none. Naming an authority or https:// asks for TLS again. */
export function securityOf({ endpoint, tls }: GrpcClientConfig): ClientTlsConfig | undefined {
  if (!tls.insecure || tls.ca_file !== '' || tls.ca_pem.reveal() !== '') return tls
  return endpoint.startsWith('https://') ? clientTls.absent() : undefined
}
