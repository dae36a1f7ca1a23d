/**
 * Messages of all formats, the same for the same seed, in which every optional field comes and goes and tags have the
 * names that mean something. They avoid what Sluice deliberately does differently: docs/differences.md has that, and
 * tests of its own do.
 */

import { generateRequest } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { Random } from '../../kit/random.ts'
import type { Operation, Question } from '../../services/translator.ts'
import { encode, JaegerSpan, type Plain, ZipkinList } from './formats.ts'
import { thriftSpans } from './thrift-writer.ts'

const TEXTS = ['', 'a', 'Überall', '日本語', '"\\\n\u2028<&>', 'x'.repeat(200)]
const INT64 = ['0', '1', '-1', '9007199254740993', '9223372036854775807', '-9223372036854775808']
const DOUBLES = [0, 1, -1.5, 0.1, 1e21, 1e-7, NaN, Infinity, -Infinity]

/** Tags that become something else, with values that do and values that do not. */
const TAGS: readonly (readonly [key: string, values: readonly unknown[]])[] = [
  ['span.kind', ['client', 'server', 'producer', 'consumer', 'internal']],
  ['error', [true, false, 'true', 'yes']],
  ['otel.status_code', ['OK', 'ok', 'ERROR', 'UNSET', 'x']],
  ['otel.status_description', ['it broke']],
  ['http.status_code', [200n, 399n, 404n, 500n, '404', '503', 'x', true]],
  ['http.status_message', ['Not Found']],
  ['otel.scope.name', ['lib']],
  ['otel.scope.version', ['1.0']],
  ['w3c.tracestate', ['a=b,c=d']],
  ['hostname', ['host-1']],
  ['host.name', ['host-2']],
  ['jaeger.version', ['Go-2.30']],
  ['internal.span.format', ['proto']],
  ['event', ['retry']],
  ['key', [...TEXTS, ...INT64.map(BigInt), ...DOUBLES, true, false, Uint8Array.of(), Uint8Array.of(0, 255)]],
]

function tag(random: Random, [key, values]: (typeof TAGS)[number]): Plain {
  const value = random.pick(values)
  if (typeof value === 'string') return { key, vStr: value }
  if (typeof value === 'bigint') return { key, vType: 'INT64', vInt64: String(value) }
  if (typeof value === 'number') return { key, vType: 'FLOAT64', vFloat64: value }
  if (typeof value === 'boolean') return { key, vType: 'BOOL', vBool: value }
  return { key, vType: 'BINARY', vBinary: value }
}

/** Some of TAGS, each at most once. */
function tags(random: Random): Plain[] {
  return random.shuffle(TAGS.filter(() => random.chance(0.3))).map(one => tag(random, one))
}

function time(random: Random): Plain {
  return { seconds: String(random.below(2_000_000_000)), nanos: random.pick([0, 1, 1000, 999_999_999]) }
}

function jaegerSpan(random: Random): Plain {
  const traceId = random.bytes(16)
  if (random.chance(0.3)) traceId.fill(0, 0, 8)
  const reference = (): Plain => ({
    traceId: random.chance(0.6) ? traceId : random.bytes(16),
    spanId: random.chance(0.1) ? new Uint8Array(8) : random.bytes(8),
    refType: random.below(2),
  })
  const log = (): Plain => ({ timestamp: time(random), fields: tags(random) })
  return {
    traceId,
    spanId: random.bytes(8),
    operationName: random.pick(TEXTS),
    references: Array.from({ length: random.below(4) }, reference),
    flags: random.below(4),
    startTime: time(random),
    duration: random.chance(0.1)
      ? {}
      : { seconds: String(random.below(3)), nanos: random.below(1_000_000_000) },
    tags: tags(random),
    logs: Array.from({ length: random.below(3) }, log),
    ...(random.chance(0.1)
      ? {}
      : { process: { serviceName: random.pick(['', 'shop']), tags: tags(random) } }),
    warnings: random.chance(0.2) ? ['clock skew'] : [],
  }
}

const ZIPKIN_TAGS: readonly (readonly [key: string, values: readonly string[]])[] = [
  ['error', ['true', 'false', 'timeout']],
  ['otel.status_code', ['STATUS_CODE_OK', 'STATUS_CODE_ERROR', 'Ok', 'Error', 'Unset', 'x']],
  ['otel.status_description', ['it broke']],
  ['span.kind', ['internal', 'x']],
  ['w3c.tracestate', ['a=b']],
  ['http.status_code', ['404']],
  ['http.response.status_code', ['500']],
  ['otlp.service.name.source', ['faas.name']],
  ['host.name', ['host-1']],
  ['process.pid', ['12']],
  ['faas.id', ['arn']],
  ['otlp.link.0', ['4bf92f3577b34da6a3ce929d0e0e4736|00f067aa0ba902b7|a=b|{"k":"v","n":1,"b":true}|3']],
  ['key', ['', '12', '-3.25', 'true', '日本語', '[1,2]', '007', '9223372036854775807']],
]

function zipkinSpan(random: Random): Plain {
  const found = ZIPKIN_TAGS.filter(() => random.chance(0.3)).map(([key, values]) => [
    key,
    random.pick(values),
  ])
  if (random.chance(0.6)) {
    found.push([random.pick(['otel.library.name', 'otel.scope.name']), 'lib'])
    if (random.chance(0.5)) found.push(['otel.library.version', '1.0'])
  }
  const traceId = random.bytes(16)
  if (random.chance(0.3)) traceId.fill(0, 0, 8)
  const id = random.bytes(8)
  const micros = String(1_700_000_000_000_000 + random.below(1_000_000))
  const annotation = (): Plain => ({
    timestamp: micros,
    value: random.pick(['ws', 'retry|{"n":1,"x":1.5,"t":"a|b"}|2', 'say <hi>']),
  })
  return {
    traceId,
    id,
    ...(random.chance(0.5) ? { parentId: random.chance(0.2) ? id : random.bytes(8) } : {}),
    kind: random.below(5),
    name: random.pick(TEXTS),
    ...(random.chance(0.9) ? { timestamp: micros } : {}),
    ...(random.chance(0.8) ? { duration: String(random.below(5000)) } : {}),
    localEndpoint: endpoint(random, 'shop'),
    ...(random.chance(0.5) ? { remoteEndpoint: endpoint(random, random.pick(['', 'db'])) } : {}),
    annotations: Array.from({ length: random.below(3) }, annotation),
    tags: Object.fromEntries(found),
    debug: random.chance(0.2),
    shared: random.chance(0.2),
  }
}

const IPV6 = [
  '20010db8000000000000000000000001',
  '00000000000000000000000000000001',
  'fe800000000000010000000000000000',
]

function endpoint(random: Random, serviceName: string): Plain {
  return {
    serviceName,
    ...(random.chance(0.5) ? { ipv4: Uint8Array.of(10, 0, 0, random.below(256)) } : {}),
    ...(random.chance(0.3) ? { ipv6: Buffer.from(random.pick(IPV6), 'hex') } : {}),
    ...(random.chance(0.5) ? { port: 1 + random.below(65_535) } : {}),
  }
}

const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex')

/** The same span in Zipkin's JSON. */
function zipkinJson(span: Plain): Plain {
  const addressed = (one: unknown): Plain => {
    const { ipv4, ipv6, ...rest } = one as Plain
    return {
      ...rest,
      ...(ipv4 === undefined ? {} : { ipv4: (ipv4 as Uint8Array).join('.') }),
      ...(ipv6 === undefined ? {} : { ipv6: hex(ipv6).replaceAll(/(....)(?!$)/g, '$1:') }),
    }
  }
  const kind = [undefined, 'CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER'][span['kind'] as number]
  const number = (text: unknown): unknown => (text === undefined ? undefined : Number(text))
  return {
    ...span,
    traceId: hex(span['traceId']).replace(/^0{16}/, ''),
    id: hex(span['id']),
    parentId: span['parentId'] === undefined ? undefined : hex(span['parentId']),
    kind,
    timestamp: number(span['timestamp']),
    duration: number(span['duration']),
    localEndpoint: addressed(span['localEndpoint']),
    remoteEndpoint: span['remoteEndpoint'] === undefined ? undefined : addressed(span['remoteEndpoint']),
    annotations: (span['annotations'] as Plain[]).map(one => ({
      ...one,
      timestamp: number(one['timestamp']),
    })),
  }
}

/** Attributes that mean something to Zipkin. */
const ZIPKIN_ATTRIBUTES: readonly (readonly [key: string, values: readonly string[]])[] = [
  [
    'network.peer.address',
    ['10.0.0.1', '::1', '2001:db8::', '1:0:0:2:0:0:0:3', 'fe80::1:0:0:0', '2001:DB8:0:0:0:0:0:1'],
  ],
  ['network.local.address', ['192.168.0.9', '::']],
  ['service.peer.name', ['Peer']],
  ['net.host.port', ['8080', '0', '65535']],
  ['error', ['true', 'false', 'x']],
  ['http.response.status_code', ['500']],
  ['http.status_code', ['404']],
  ['span.kind', ['x']],
  ['otel.status_code', ['y']],
  ['cloud.resource_id', ['arn']],
  ['faas.id', ['id']],
  ['host.name', ['h']],
]

function someAttributes(random: Random, list: readonly (readonly [string, readonly string[]])[]): Plain[] {
  return list
    .filter(() => random.chance(0.25))
    .map(([key, values]) => ({ key, value: { stringValue: random.pick(values) } }))
}

const SERVICE_NAMES = ['service.name', 'faas.name', 'k8s.deployment.name', 'process.executable.name'] as const

/** One span as any, but with ids, times and an end that Zipkin can say. */
function zipkinRequest(seed: number): Uint8Array {
  const random = new Random(seed)
  const value = generateRequest('traces', seed, 1)
  for (const entry of value['resourceSpans'] as Plain[]) {
    entry['resource'] = {
      attributes: [
        { key: random.pick(SERVICE_NAMES), value: { stringValue: random.pick(['Shop', 'ÄPFEL ΣΑΣ İ']) } },
        ...someAttributes(random, ZIPKIN_ATTRIBUTES),
      ],
    }
    const scopes = entry['scopeSpans'] as Plain[]
    entry['scopeSpans'] = scopes.filter(scope => (scope['spans'] as Plain[]).length > 0)
    for (const scope of scopes) for (const span of scope['spans'] as Plain[]) forZipkin(span, random)
  }
  return encodeRequest('traces', value)
}

function forZipkin(span: Plain, random: Random): void {
  const start = BigInt(random.chance(0.1) ? 5 : 1_700_000_000_123_456_000n) + BigInt(random.below(1000))
  const length = random.pick([0, 1, 499, 500, 1499, 1500, 3_600_000_000_000])
  span['traceId'] = random.bytes(16)
  if (random.chance(0.2)) (span['traceId'] as Uint8Array).fill(0, 0, 8)
  span['spanId'] = random.bytes(8)
  span['startTimeUnixNano'] = String(start)
  span['endTimeUnixNano'] = random.chance(0.1) ? '0' : String(start + BigInt(length))
  span['attributes'] = [
    ...((span['attributes'] ?? []) as Plain[]),
    ...someAttributes(random, ZIPKIN_ATTRIBUTES),
  ]
  for (const event of (span['events'] ?? []) as Plain[])
    event['timeUnixNano'] = String(start + 5_000_000_499n)
  for (const one of [...((span['events'] ?? []) as Plain[]), ...((span['links'] ?? []) as Plain[])])
    one['attributes'] = ((one['attributes'] ?? []) as Plain[]).filter(({ value }) => isJson(value as Plain))
}

/** Without NaN and infinities, which are no JSON. */
function isJson(value: Plain | undefined): boolean {
  return !/"doubleValue":null/.test(JSON.stringify(value ?? {}))
}

function tracesRequests(seeds: number): Uint8Array[] {
  const golden = goldenRequests().filter(one => one.signal === 'traces')
  const generated = Array.from({ length: seeds }, (_, seed) =>
    encodeRequest('traces', generateRequest('traces', seed, seed % 4)),
  )
  return [...golden.map(one => one.plain), ...generated]
}

/** Questions of every operation, about `seeds` of each. */
export function questions(seeds: number): Question[] {
  const all: Question[] = []
  const ask = (operation: Operation, message: Uint8Array): void => {
    all.push({ operation, message })
  }
  for (const request of tracesRequests(seeds)) {
    ask('to_jaeger_proto', request)
    ask('to_jaeger_json', request)
  }
  for (let seed = 0; seed < seeds; seed++) {
    ask('to_zipkin_json', zipkinRequest(seed))
    ask('to_zipkin_proto', zipkinRequest(seed))
    ask('from_jaeger_proto', encode(JaegerSpan, jaegerSpan(new Random(seed))))
    const span = zipkinSpan(new Random(seed))
    ask('from_zipkin_proto', encode(ZipkinList, { spans: [span] }))
    const json = Buffer.from(JSON.stringify([zipkinJson(span)]))
    ask(seed % 2 === 0 ? 'from_zipkin_json' : 'from_zipkin_json_parsed', json)
    ask('from_zipkin_thrift', thriftSpans(new Random(seed)))
  }
  return all
}
