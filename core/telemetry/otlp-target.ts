/** The keys of an OTLP server our own signals are sent to (OpenTelemetry configuration schema 0.3). */

import { childPath } from '../../config/node.ts'
import {
  also,
  choice,
  flag,
  integer,
  list,
  Secret,
  secret,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'

const header = section(
  {
    name: text({ required: true, doc: 'Header name.' }),
    value: secret({ doc: 'Header value. Never printed.' }),
  },
  { doc: 'One header.' },
)

/** The current form is a list of name and value, the older one a map. */
const headers = also(
  list(header, { doc: 'Headers sent with every request.' }),
  'a map of them',
  { type: 'object', additionalProperties: { type: 'string' } },
  (node, path, check) => {
    if (node.kind !== 'map') return undefined
    const value = secret({ doc: '' })
    return [...node.entries].map(([name, entry]) => ({
      name,
      value: value.read(entry.node, childPath(path, name), check),
    }))
  },
)

export const otlpFields = {
  protocol: choice(['http/protobuf', 'http/json', 'grpc'], {
    default: 'http/protobuf',
    doc: 'How it is sent.',
    aliases: { 'grpc/protobuf': 'grpc' },
  }),
  endpoint: text({
    required: true,
    doc: 'Where to: https://host:4318 (the path /v1/<signal> is added when there is none) or host:4317 for grpc.',
  }),
  headers,
  headers_list: secret({ doc: 'Headers as "name=value,name=value"; `headers` wins. Never printed.' }),
  compression: choice(['none', 'gzip'], { default: 'none', doc: 'Compression of the body.' }),
  timeout: integer({
    default: 10_000,
    min: 0,
    doc: 'How long one request may take, in ms. 0 means no limit.',
  }),
  insecure: flag({ default: false, doc: 'Plain text when the endpoint names no scheme.' }),
  certificate: text({
    default: '',
    doc: "File with the authorities the server's certificate is checked against.",
  }),
  client_certificate: text({ default: '', doc: "File with the gateway's own certificate." }),
  client_key: text({ default: '', doc: 'File with its key.' }),
}

export const otlp = section(otlpFields, { doc: 'An OTLP server.' })

export type OtlpTargetConfig = ValueOf<typeof otlp>

/** The headers of an OTLP target as pairs; `headers` wins over `headers_list` (percent-decoded values). */
export function headersOf({ headers, headers_list }: OtlpTargetConfig): ReadonlyMap<string, Secret> {
  const all = new Map<string, Secret>()
  for (const pair of headers_list.reveal().split(',')) {
    const cut = pair.indexOf('=')
    if (cut > 0)
      all.set(pair.slice(0, cut).trim().toLowerCase(), new Secret(decoded(pair.slice(cut + 1).trim())))
  }
  for (const { name, value } of headers) all.set(name.toLowerCase(), value)
  return all
}

function decoded(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    return written
  }
}
