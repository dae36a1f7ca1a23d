import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceGraph } from '../../../connectors/servicegraph/connector.ts'
import { factory } from '../../../connectors/servicegraph/index.ts'
import { batchOf } from '../../../core/component/batch.ts'
import { ACCEPTED, Refused } from '../../../core/component/outcome.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { ManualClock } from '../../kit/clock.ts'
import { readAs } from '../../kit/config-text.ts'
import { generate } from '../../kit/generate.ts'
import { type GraphSpan, graphBatch, type PlainPoint, pairOf, pointsOf } from '../../kit/graph.ts'
import { Sink, testSettings } from '../../kit/parts.ts'

const WALL = 1_750_000_000_000
const EXPIRED = 'otelcol_connector_servicegraph_expired_edges{}'
const TOTAL = 'otelcol_connector_servicegraph_total_edges{}'
const DROPPED = 'otelcol_connector_servicegraph_dropped_spans{}'

class Tried {
  readonly settings = testSettings('connector', 'service_graph')
  readonly sink = new Sink()
  readonly clock = new ManualClock()
  readonly connector: ServiceGraph

  constructor(yaml: string) {
    const { value, said } = readAs(factory.config, yaml)
    assert.deepEqual(said, [])
    const wall = (): number => WALL + this.clock.now() - 1000
    this.connector = new ServiceGraph(value, this.settings, this.sink, this.clock, wall)
  }

  /** As the gateway's edge would: what was taken is in the ledger. */
  async send(...spans: readonly GraphSpan[]): Promise<void> {
    const batch = graphBatch(...spans)
    await this.connector.consume(batch)
    this.settings.account.of('traces').in += batch.items
  }

  /** The points of the latest flush, which comes 60 s after the one before. */
  async flush(): Promise<PlainPoint[]> {
    const before = this.sink.batches.length
    await this.clock.advance(60_000)
    return pointsOf(this.sink.batches.slice(before))
  }

  /** `client -> server type (failed)`: count, of the latest flush. */
  async edges(): Promise<Record<string, number>> {
    const totals = (await this.flush()).filter(({ metric }) => metric.endsWith('request_total'))
    return Object.fromEntries(totals.map(({ labels, value }) => [edgeName(labels), value]))
  }

  dropped(): Record<string, number> {
    const { dropped } = this.settings.account.of('traces')
    return Object.fromEntries([...dropped].map(([reason, { items }]) => [reason, items]))
  }

  balanced(): void {
    const { account } = this.settings
    account.of('metrics').out = this.sink.items
    assertBalanced([account])
  }
}

function edgeName({ client, server, connection_type, failed }: PlainPoint['labels']): string {
  return `${client} -> ${server} ${connection_type}${failed === true ? ' (failed)' : ''}`
}

async function started(yaml = '{}'): Promise<Tried> {
  const tried = new Tried(yaml)
  await tried.connector.start()
  return tried
}

// Scenario: requests between services, each side in a batch of its own or both in one, either side first; failed ones; a
// producer and a consumer; spans that are no side of a request.
// Guarantees: every request is counted once under the Collector's names, labels, units and types; a request fails when
// either side says so; durations are those of the two sides; every span is accounted for.
test('requests become edges', async () => {
  const tried = await started()
  const [client, server] = pairOf('shop', 'cart', 1)
  await tried.send(client!)
  await tried.send(server!)
  const [late, early] = pairOf('shop', 'cart', 2)
  await tried.send(early!)
  await tried.send(late!, { service: 'shop', trace: 2, id: 9, kind: 'internal' })
  await tried.send(...pairOf('shop', 'cart', 3, { failed: true }))
  await tried.send(pairOf('cart', 'pay', 4)[0]!, { ...pairOf('cart', 'pay', 4)[1]!, failed: true })
  await tried.send(
    { service: 'pay', trace: 5, id: 1, kind: 'producer', ms: 1 },
    { service: 'mail', trace: 5, id: 2, parent: 1, kind: 'consumer', ms: 700 },
  )
  const points = await tried.flush()
  const edge = (client: string, server: string, connection_type: string, failed: boolean) => ({
    client,
    server,
    connection_type,
    failed,
  })
  const of = (metric: string) =>
    points.filter(point => point.metric === metric).map(({ labels, value }) => [labels, value])
  assert.deepEqual(of('traces_service_graph_request_total'), [
    [edge('shop', 'cart', '', false), 2],
    [edge('shop', 'cart', '', true), 1],
    [edge('cart', 'pay', '', true), 1],
    [edge('pay', 'mail', 'messaging_system', false), 1],
  ])
  assert.deepEqual(of('traces_service_graph_request_failed_total'), [
    [edge('shop', 'cart', '', true), 1],
    [edge('cart', 'pay', '', true), 1],
  ])
  const [total] = points
  assert.equal(total!.scope, 'traces_service_graph')
  assert.equal(total!.temporality, 2)
  assert.equal(total!.unit, '')
  assert.equal(total!.start, BigInt(WALL) * 1_000_000n)
  assert.equal(total!.time, BigInt(WALL + 60_000) * 1_000_000n)
  const server1 = points.find(({ metric }) => metric === 'traces_service_graph_request_server')!
  assert.equal(server1.unit, 's')
  assert.equal(server1.value, 2)
  assert.ok(Math.abs(server1.sum! - 0.04) < 1e-12)
  assert.deepEqual(
    server1.bounds,
    [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1, 1.4, 2, 5, 10, 15],
  )
  assert.deepEqual(server1.counts, [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  const client1 = points.find(({ metric }) => metric === 'traces_service_graph_request_client')!
  assert.ok(Math.abs(client1.sum! - 0.06) < 1e-12)
  assert.deepEqual(tried.dropped(), { not_an_edge: 1, made_into_metrics: 10 })
  assert.equal(tried.settings.metrics.read(TOTAL), 5)
  tried.balanced()
})

// Scenario: clients that ask databases, named by the old attributes and by the stable ones, on the span and on the
// resource; one of them a system without a name.
// Guarantees: the database is a server at once, with the client's duration; the configured order decides; what has the
// name of a system only becomes a virtual node.
test('databases are servers that send no span', async () => {
  const tried = await started()
  const ask = (trace: number, attributes: Record<string, string>, resource = {}): GraphSpan => ({
    service: 'cart',
    trace,
    id: 1,
    kind: 'client',
    ms: 3,
    attributes,
    resource,
  })
  await tried.send(
    ask(1, { 'db.name': 'orders', 'db.system': 'mysql' }),
    ask(2, { 'db.namespace': 'orders', 'db.system.name': 'mysql' }),
    ask(3, { 'db.namespace': 'new', 'db.name': 'old' }),
    ask(4, {}, { 'db.name': 'by-resource' }),
    ask(5, { 'db.system.name': 'redis' }),
  )
  assert.equal(tried.settings.account.of('traces').held, 1)
  const points = await tried.flush()
  const totals = points.filter(({ metric }) => metric === 'traces_service_graph_request_total')
  assert.deepEqual(Object.fromEntries(totals.map(({ labels, value }) => [edgeName(labels), value])), {
    'cart -> orders database': 2,
    'cart -> old database': 1,
    'cart -> by-resource database': 1,
    'cart -> redis virtual_node': 1,
  })
  const seen = points.filter(({ metric, labels }) => metric.endsWith('_server') && labels['server'] === 'old')
  assert.equal(seen[0]!.sum, 0.003)
  assert.deepEqual(tried.dropped(), { made_into_metrics: 5 })
  tried.balanced()
})

// Scenario: requests of which one side never comes: a root server span, a server span whose client is missing, a client
// with and without an attribute that names its peer.
// Guarantees: after the time of the store a root was asked by "user", a client asked whom its first configured attribute
// names, else "unknown"; an orphan with a parent is no request; all expired edges are counted.
test('one side that never comes becomes a virtual node', async () => {
  const spans: GraphSpan[] = [
    { service: 'shop', trace: 1, id: 1, kind: 'server', ms: 5 },
    { service: 'cart', trace: 2, id: 1, parent: 7, kind: 'server', ms: 5 },
    {
      service: 'cart',
      trace: 3,
      id: 1,
      kind: 'client',
      attributes: { 'db.system': 'x', 'peer.service': 'bank' },
    },
    { service: 'cart', trace: 4, id: 1, kind: 'client', attributes: { 'server.address': 'bank' } },
  ]
  const tried = await started('{virtual_node_extra_label: true}')
  await tried.send(...spans)
  assert.equal(tried.settings.account.of('traces').held, 4)
  const points = await tried.flush()
  const totals = points.filter(({ metric }) => metric === 'traces_service_graph_request_total')
  assert.deepEqual(
    totals.map(({ labels }) => `${edgeName(labels)} ${labels['virtual_node']}`),
    [
      'user -> shop virtual_node client',
      'cart -> bank virtual_node server',
      'cart -> unknown virtual_node server',
    ],
  )
  // The side that sent nothing took no time, which is counted all the same.
  const sides = points
    .filter(({ labels, unit }) => labels['server'] === 'shop' && unit === 's')
    .map(({ metric, value, sum }) => [metric.replace('traces_service_graph_request_', ''), value, sum])
  assert.deepEqual(sides, [
    ['server', 1, 0.005],
    ['client', 1, 0],
  ])
  assert.deepEqual(tried.dropped(), { made_into_metrics: 3, unpaired: 1 })
  assert.equal(tried.settings.metrics.read(EXPIRED), 4)
  tried.balanced()

  const without = await started('{virtual_node_peer_attributes: []}')
  await without.send(...spans)
  assert.deepEqual(await without.edges(), {})
  assert.deepEqual(without.dropped(), { unpaired: 4 })

  const own = await started('{virtual_node_peer_attributes: [server.address]}')
  await own.send(...spans)
  assert.deepEqual(Object.keys(await own.edges()), [
    'user -> shop virtual_node',
    'cart -> unknown virtual_node',
    'cart -> bank virtual_node',
  ])
})

// Scenario: dimensions that resources and spans of either side have, texts and numbers; values that differ.
// Guarantees: they are labels with client_ or server_ in front, the resource's value before the span's; series are told
// apart by them; what is missing is no label, and not the same as an empty value.
test('dimensions become labels of their side', async () => {
  const tried = await started('{dimensions: [region, http.route, code]}')
  const [client, server] = pairOf('shop', 'cart', 1)
  await tried.send(
    { ...client!, resource: { region: 'eu' }, attributes: { region: 'no', code: 200 } },
    { ...server!, attributes: { 'http.route': '/cart', code: 1.5 } },
  )
  const [other, second] = pairOf('shop', 'cart', 2)
  await tried.send({ ...other!, resource: { region: '' } }, second!)
  await tried.send(...pairOf('shop', 'cart', 3))
  const totals = (await tried.flush()).filter(({ metric }) => metric === 'traces_service_graph_request_total')
  const own = totals.map(({ labels: { client, server, connection_type, failed, ...rest } }) => rest)
  assert.deepEqual(own, [
    { client_region: 'eu', client_code: '200', 'server_http.route': '/cart', server_code: '1.5' },
    { client_region: '' },
    {},
  ])
})

// Scenario: more requests wait than the store has room for, first by number, then by bytes; some have waited too long.
// Guarantees: what has no room is dropped, counted and told with the key to change; what waited too long makes room; a
// request that is complete at once needs none.
test('the store is bounded', async () => {
  const tried = await started('{store: {max_items: 2, ttl: 10s}, virtual_node_peer_attributes: []}')
  const client = (trace: number, attributes = {}): GraphSpan => ({
    service: 'a',
    trace,
    id: 1,
    kind: 'client',
    attributes,
  })
  await tried.send(client(1), client(2), client(3), client(4, { 'db.name': 'd' }))
  assert.deepEqual(tried.dropped(), { made_into_metrics: 1, store_full: 1 })
  assert.equal(tried.settings.metrics.read(DROPPED), 1)
  assert.match(tried.settings.log.lines.at(-1)!.message, /store\.max_items/)
  await tried.send({ service: 'b', trace: 2, id: 2, parent: 1, kind: 'server' }, client(5))
  assert.equal(tried.settings.account.of('traces').held, 2)
  await tried.clock.advance(12_001)
  assert.equal(tried.settings.account.of('traces').held, 0)
  tried.balanced()

  const small = await started('{store: {max_bytes: 2000}, dimensions: [x]}')
  await small.send(client(1, { x: 'y'.repeat(400) }), client(2, { x: 'y'.repeat(400) }))
  assert.deepEqual(small.dropped(), { store_full: 1 })
  // The change of one that is there counts too, and what is dropped leaves nothing behind.
  await small.send(client(1, { x: 'y'.repeat(4000) }))
  assert.deepEqual(small.dropped(), { store_full: 3 })
  assert.equal(small.settings.account.of('traces').held, 0)
  await small.send(client(3, { x: 'y'.repeat(400) }))
  assert.equal(small.settings.account.of('traces').held, 1)
  small.balanced()
})

// Scenario: services with ever new names, and a label of two million letters.
// Guarantees: beyond max_series requests are counted in one series that says so; none is lost.
test('series are bounded', async () => {
  const tried = await started('{max_series: 3}')
  for (let i = 0; i < 10; i++) await tried.send(...pairOf(`client ${i}`, 'server', i))
  const totals = (await tried.flush()).filter(({ metric }) => metric === 'traces_service_graph_request_total')
  assert.equal(totals.length, 4)
  assert.deepEqual(totals[3]!.labels, { 'otel.metric.overflow': true })
  assert.equal(totals[3]!.value, 7)
  assert.ok(tried.settings.log.lines.some(({ message }) => message.includes('otel_metric_overflow')))

  const wide = await started('{store: {max_bytes: 1000000000}}')
  const long = 'x'.repeat(30_000_000)
  for (let i = 0; i < 3; i++) await wide.send(...pairOf(`${i}${long}`, 'server', i))
  await wide.connector.stop(wide.clock.now() + 1000)
  const all = pointsOf(wide.sink.batches).filter(
    ({ metric }) => metric === 'traces_service_graph_request_total',
  )
  // Not compared as they are: a difference would be printed, 30 million letters long.
  assert.deepEqual(
    all.map(({ labels }) => [String(labels['client']).length, labels['otel.metric.overflow']]),
    [
      [long.length + 1, undefined],
      [long.length + 1, undefined],
      ['undefined'.length, true],
    ],
  )
  wide.balanced()
})

// Scenario: a series has no request for 15 minutes and then one again.
// Guarantees: it ends, and begins anew with a start of its own, so that its reset can be seen.
test('series end', async () => {
  const tried = await started()
  await tried.send(...pairOf('a', 'b', 1))
  assert.deepEqual(await tried.edges(), { 'a -> b ': 1 })
  await tried.clock.advance(12 * 60_000)
  assert.deepEqual(await tried.edges(), { 'a -> b ': 1 })
  await tried.clock.advance(4 * 60_000)
  assert.deepEqual(await tried.edges(), {})
  const now = BigInt(WALL + tried.clock.now() - 1000) * 1_000_000n
  await tried.send(...pairOf('a', 'b', 2))
  const [point] = await tried.flush()
  assert.equal(point!.value, 1)
  assert.equal(point!.start, now)
})

// Scenario: buckets of one's own, exponential histograms, an offset for timestamps, a flush with every batch; spans that
// end before they begin.
// Guarantees: keys do what they say; no duration is below 0.
test('keys shape the metrics', async () => {
  const own = await started('{latency_histogram_buckets: [10ms, 25ms, 1s], metrics_timestamp_offset: 30s}')
  await own.send(
    ...pairOf('a', 'b', 1),
    ...pairOf('a', 'b', 2, { ms: 25 }),
    ...pairOf('a', 'b', 3, { ms: -5 }),
  )
  const points = await own.flush()
  const server = points.find(({ metric }) => metric === 'traces_service_graph_request_server')!
  assert.deepEqual(server.bounds, [0.01, 0.025, 1])
  assert.deepEqual(server.counts, [1, 2, 0, 0])
  assert.equal(server.time, BigInt(WALL + 30_000) * 1_000_000n)
  assert.equal(server.start, BigInt(WALL - 30_000) * 1_000_000n)
  const odd = await started('{latency_histogram_buckets: [9us, 1118ms]}')
  await odd.send(...pairOf('a', 'b', 1))
  const { bounds } = (await odd.flush()).find(
    ({ metric }) => metric === 'traces_service_graph_request_server',
  )!
  assert.deepEqual(bounds, [0.000_009, 1 + 0.118], "Go's seconds")
  const exponential = await started('{exponential_histogram_max_size: 4}')
  await exponential.send(...pairOf('a', 'b', 1))
  const histogram = (await exponential.flush()).find(({ metric }) => metric.endsWith('_client'))!
  assert.equal(histogram.value, 1)
  assert.equal(histogram.scale, 20)
  const atOnce = await started('{metrics_flush_interval: 0s}')
  await atOnce.send(...pairOf('a', 'b', 1))
  assert.equal(pointsOf(atOnce.sink.batches)[0]!.value, 1)
  atOnce.balanced()
})

// Scenario: what is behind refuses for longer than there is between two flushes; then the gateway stops with a request
// half known.
// Guarantees: spans are taken all the same; the next metrics have everything; the last metrics leave when it stops, and
// what still waited is dropped as such.
test('metrics that are not taken come again', async () => {
  const tried = await started()
  await tried.send(...pairOf('a', 'b', 1))
  tried.sink.answer = () => {
    throw new Refused('full')
  }
  assert.deepEqual(await tried.flush(), [])
  await tried.send(...pairOf('a', 'b', 2))
  const gaveUp = () => tried.settings.log.lines.some(({ message }) => message.includes('keeps refusing'))
  // When it gives up is a matter of chance, but it does before the next flush is due.
  for (let ms = 0; ms < 60_000 && !gaveUp(); ms += 100) await tried.clock.advance(100)
  assert.ok(gaveUp())
  tried.balanced()
  tried.sink.answer = () => ACCEPTED
  const [total] = await tried.flush()
  assert.equal(total!.value, 2)
  await tried.send(...pairOf('a', 'b', 3), { service: 'a', trace: 4, id: 1, kind: 'client' })
  await tried.connector.stop(tried.clock.now() + 1000)
  const last = pointsOf(tried.sink.batches.slice(-1))
  assert.equal(last[0]!.value, 3)
  assert.deepEqual(tried.dropped(), { made_into_metrics: 6, shutdown: 1 })
  tried.balanced()
  assert.equal(tried.clock.waiting, 0)
  // Of a batch that comes too late nothing would be told any more, so its sender has to know.
  await assert.rejects(tried.send(...pairOf('a', 'b', 5)), /stopping/)
  await tried.connector.stop(tried.clock.now())
  assert.deepEqual(tried.dropped(), { made_into_metrics: 6, shutdown: 1 })
  tried.balanced()
})

// Scenario: the connector stops while one request has waited for longer than the time of the store, and another has not.
// Guarantees: the first is a virtual node, as it would have been a moment later; the other is dropped.
test('what has waited long enough is counted at the end', async () => {
  const tried = await started('{store: {ttl: 500ms}}')
  await tried.send({ service: 'a', trace: 1, id: 1, kind: 'server' })
  await tried.clock.advance(600)
  await tried.send({ service: 'a', trace: 2, id: 1, kind: 'server' })
  await tried.connector.stop(tried.clock.now() + 1000)
  const [total] = pointsOf(tried.sink.batches)
  assert.equal(edgeName(total!.labels), 'user -> a virtual_node')
  assert.equal(total!.value, 1)
  assert.deepEqual(tried.dropped(), { made_into_metrics: 1, shutdown: 1 })
  tried.balanced()
})

// Scenario: spans without a service, a service with an empty name, spans without ids, a client that comes twice.
// Guarantees: none of it breaks anything; what cannot be counted has its reason in the ledger.
test('odd spans are accounted for', async () => {
  const tried = await started()
  await tried.send({ service: undefined, trace: 1, id: 1, kind: 'client' })
  await tried.send({ service: '', trace: 2, id: 1, kind: 'client' })
  const [client, server] = pairOf('a', 'b', 3)
  await tried.send(client!, client!)
  assert.equal(tried.settings.account.of('traces').held, 3)
  await tried.send(server!)
  assert.deepEqual(await tried.edges(), { 'a -> b ': 1, ' -> unknown virtual_node': 1 })
  assert.deepEqual(tried.dropped(), { no_service_name: 1, made_into_metrics: 4 })
  tried.balanced()
})

// Scenario: generated requests with every field of OTLP, fields in order and in none.
// Guarantees: nothing breaks, the order of fields does not matter, and every span is accounted for.
test('generated spans are accounted for', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const { bytes, untidy, items } = generate('traces', seed, 10)
    const dropped: unknown[] = []
    for (const request of [bytes, untidy]) {
      const tried = await started('{dimensions: [http.method, a], virtual_node_extra_label: true}')
      await tried.connector.consume(batchOf('traces', [request], items))
      tried.settings.account.of('traces').in += items
      await tried.flush()
      tried.balanced()
      dropped.push(tried.dropped())
    }
    assert.deepEqual(dropped[0], dropped[1], `seed ${seed}`)
  }
})

// Scenario: configs with old keys, keys of no use, and mistakes.
// Guarantees: the Collector's keys and defaults are taken; mistakes are told with what to do.
test('the config of service_graph', () => {
  const read = (yaml: string) => readAs(factory.config, yaml)
  const { value, said } = read('')
  assert.deepEqual(said, [])
  assert.deepEqual(value.store, { ttl: 2000, max_items: 1000, max_bytes: 67_108_864 })
  assert.equal(value.cache_loop, 60_000)
  assert.equal(value.store_expiration_loop, 2000)
  assert.equal(value.metrics_flush_interval, 60_000)
  assert.deepEqual(read('{database_name_attribute: db.x}').value.database_name_attributes, ['db.x'])
  assert.match(read('{metrics_exporter: prometheus}').said[0]!, /has no effect here/)
  assert.match(
    read('{latency_histogram_buckets: [1ms], exponential_histogram_max_size: 3}').said[0]!,
    /cannot be had together/,
  )
  assert.match(read('{latency_histogram_buckets: [2ms, 1ms]}').said[0]!, /do not rise/)
  assert.match(read('{store: {max_items: 0}}').said[0]!, /0 is less than 1/)
  assert.match(read('{dimension: [a]}').said[0]!, /did you mean "dimensions"/)
  assert.match(read('{dimensions: [a, b, a]}').said[0]!, /dimensions: have "a" twice; write it once/)
  assert.deepEqual(read('{dimensions: [a, A]}').said, [])
  assert.deepEqual(factory.routes, [['traces', 'metrics']])
  assert.ok(factory.workers !== undefined && typeof factory.workers === 'object')
})
