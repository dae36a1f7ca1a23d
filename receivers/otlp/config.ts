/** The keys of the otlp receiver: those of the Collector 0.155 (receiver/otlpreceiver, configgrpc, confighttp). */

import {
  choice,
  duration,
  flag,
  integer,
  list,
  optional,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { httpServerAuth, serverAuth } from '../../core/component/auth-config.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../../core/otlp/signals.ts'
import { CONTENT_ENCODINGS } from '../../core/transport/decompress.ts'
import { headersField } from '../../core/transport/headers.ts'
import { listenFields, listenProblem } from '../../core/transport/listen.ts'
import { serverTls } from '../../core/transport/tls.ts'
import { unsupported } from '../../core/transport/unsupported.ts'

const MIB = 1024 * 1024
/** OTLP 1.11 recommends 64 MiB; the Collector takes 4 MiB over gRPC and 20 MiB over HTTP. */
const REQUEST_MIB = 64

const middlewares = unsupported({
  doc: 'Extensions that see each request.',
  what: 'middlewares are not supported yet',
  fix: 'remove middlewares:',
})

const includeMetadata = flag({
  default: false,
  doc: 'Keep the headers of requests beside their data, for from_context and metadata_keys.',
})

const keepalive = section(
  {
    server_parameters: section(
      {
        max_connection_idle: duration({
          doc: 'End a connection without requests after this long. 0: never.',
        }),
        max_connection_age: duration({
          doc: 'Ask clients to connect anew after this long, give or take 10 %. 0: never. The way to spread long-lived connections over new gateways.',
        }),
        max_connection_age_grace: duration({
          doc: 'What is still running on a connection that was too old is cut off after this long. 0: never.',
        }),
        time: duration({ default: '2h', doc: 'Ask a silent client whether it is there after this long.' }),
        timeout: duration({ default: '20s', doc: 'How long it may take to answer that.' }),
      },
      { doc: 'How long connections live.' },
    ),
    enforcement_policy: section(
      {
        min_time: duration({
          default: '5m',
          doc: 'Clients may ping this often while they wait for an answer; who pings more often is sent away. Answers start the count anew.',
        }),
        permit_without_stream: flag({
          default: false,
          doc: 'Clients without a request may ping that often as well, instead of every two hours.',
        }),
      },
      { doc: 'How often clients may ping. The server grpc-js does not look at it.' },
    ),
  },
  { doc: 'How connections are kept and ended.' },
)

const grpc = section(
  {
    ...listenFields('localhost:4317'),
    tls: optional(serverTls, { empty: 'off' }),
    max_recv_msg_size_mib: integer({
      default: REQUEST_MIB,
      min: 0,
      max: 2047,
      doc: "Largest request, after decompression, in MiB. 0: the default. The Collector's default is 4.",
    }),
    max_concurrent_streams: integer({
      default: 0,
      min: 0,
      max: 0xffff_ffff,
      doc: 'Requests at once on one connection. 0: no limit.',
    }),
    keepalive,
    server: choice(['http2', 'grpc-js'], {
      default: 'http2',
      doc: 'What speaks gRPC: http2 is our own, on node:http2. grpc-js is @grpc/grpc-js, which costs about twice the CPU and knows no zstd and snappy. No key of the Collector.',
    }),
    include_metadata: includeMetadata,
    auth: serverAuth,
    middlewares,
  },
  {
    doc: 'OTLP over gRPC.',
    ignored: {
      read_buffer_size: 'Node chooses the size of its buffers itself',
      write_buffer_size: 'Node chooses the size of its buffers itself',
      dialer: 'a server does not dial',
    },
    check: (value, report) => {
      const problem = listenProblem(value)
      if (problem !== undefined) report.error('endpoint', ...problem)
    },
  },
)

const cors = section(
  {
    allowed_origins: list(text({ doc: 'An origin; * in it stands for any characters.' }), {
      doc: 'Web pages from these origins may send. Empty: none may.',
    }),
    allowed_headers: list(text({ doc: 'A header, or * for all.' }), {
      doc: 'Headers such pages may send besides Accept, Accept-Language, Content-Type and Content-Language.',
    }),
    exposed_headers: list(text({ doc: 'A header.' }), {
      doc: 'Headers of the answer that such pages may read.',
    }),
    max_age: integer({
      default: 0,
      min: 0,
      doc: 'How long browsers may remember the permission, in seconds. 0: their default.',
    }),
  },
  {
    doc: 'Browsers that send from a web page.',
    check: (value, report) => {
      if (value.allowed_origins.length === 0 && value.allowed_headers.length > 0) {
        report.warn('allowed_headers', 'has no effect without allowed_origins', 'add the origins')
      }
    },
  },
)

function urlPath(signal: Signal) {
  return text({
    default: SIGNAL_WORDS[signal].path,
    doc: `Path that takes ${signal}.`,
    check: path => {
      if (/^(?:[\w\-./~+@]|%[\da-f]{2})+$/i.test(path)) return undefined
      return [`"${path}" is not a path`, 'write it like /v1/traces']
    },
  })
}

const http = section(
  {
    ...listenFields('localhost:4318'),
    tls: optional(serverTls, { empty: 'off' }),
    cors: optional(cors, { empty: 'off' }),
    max_request_body_size: integer({
      default: REQUEST_MIB * MIB,
      min: 0,
      max: 2047 * MIB,
      doc: "Largest request, before and after decompression, in bytes. 0: the default. The Collector's default is 20 MiB.",
    }),
    compression_algorithms: list(choice(CONTENT_ENCODINGS, { doc: 'A Content-Encoding; "" is none.' }), {
      default: CONTENT_ENCODINGS,
      doc: 'Content-Encodings to take; others are refused.',
    }),
    include_metadata: includeMetadata,
    response_headers: headersField,
    read_header_timeout: duration({
      default: '1m',
      doc: "How long the headers of a request may take. 0: for ever, the Collector's default.",
    }),
    read_timeout: duration({
      default: '5m',
      doc: "How long a whole request may take to arrive. 0: for ever, the Collector's default.",
    }),
    write_timeout: duration({
      doc: 'A request that is not answered this long after its headers came is cut off. 0: never.',
    }),
    idle_timeout: duration({ doc: 'End a connection without requests after this long. 0: never.' }),
    max_connection_age: duration({
      doc: "The first answer on a connection that is older than this, give or take 10 %, asks the client to connect anew. 0: never. The way to spread long-lived connections over new gateways. No key of the Collector; gRPC's stands below keepalive.",
    }),
    max_request_header_size: integer({
      default: 64 * 1024,
      min: 1024,
      max: 16 * MIB,
      doc: "Largest headers of a request, in bytes. No key of the Collector, whose limit is Go's, 1 MiB.",
    }),
    keep_alives_enabled: flag({ default: true, doc: 'Off: a connection ends after one request.' }),
    traces_url_path: urlPath('traces'),
    metrics_url_path: urlPath('metrics'),
    logs_url_path: urlPath('logs'),
    profiles_url_path: urlPath('profiles'),
    auth: httpServerAuth,
    middlewares,
  },
  {
    doc: 'OTLP over HTTP/1.1, in protobuf and JSON.',
    ignored: { dialer: 'a server does not dial' },
    check: (value, report) => {
      const problem = listenProblem(value)
      if (problem !== undefined) report.error('endpoint', ...problem)
      const paths = SIGNALS.map(signal => signalPath(value, signal))
      if (new Set(paths).size < paths.length) {
        report.error('', 'two signals have the same path', 'give each of them its own')
      }
    },
  },
)

export const config = section(
  {
    protocols: section(
      { grpc: optional(grpc), http: optional(http) },
      { doc: 'At least one; a protocol without keys (`grpc:`) has its defaults.' },
    ),
  },
  {
    doc: 'Takes OTLP, the protocol of OpenTelemetry: traces, metrics, logs and profiles.',
    check: ({ protocols }, report) => {
      if (protocols.grpc === undefined && protocols.http === undefined) {
        report.error('protocols', 'has neither grpc nor http', 'write grpc: or http: or both below it')
      }
    },
  },
)

export type OtlpConfig = ValueOf<typeof config>
export type GrpcConfig = ValueOf<typeof grpc>
export type HttpConfig = ValueOf<typeof http>
export type CorsConfig = ValueOf<typeof cors>

/** In bytes; what 0 stands for is the default. */
export function requestLimit({
  max_recv_msg_size_mib: mib,
}: Pick<GrpcConfig, 'max_recv_msg_size_mib'>): number {
  return (mib === 0 ? REQUEST_MIB : mib) * MIB
}

/** In bytes; what 0 stands for is the default. */
export function bodyLimit({
  max_request_body_size: bytes,
}: Pick<HttpConfig, 'max_request_body_size'>): number {
  return bytes === 0 ? REQUEST_MIB * MIB : bytes
}

/** The path of a signal, with the slash that the Collector would add too. */
export function signalPath(config: Readonly<Record<`${Signal}_url_path`, string>>, signal: Signal): string {
  const path = config[`${signal}_url_path`]
  return path.startsWith('/') ? path : `/${path}`
}
