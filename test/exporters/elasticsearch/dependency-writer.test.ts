import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { Refused } from '../../../core/component/outcome.ts'
import type { Cluster, ClusterAnswer, ClusterRequest } from '../../../exporters/elasticsearch/client.ts'
import type { ElasticsearchConfig } from '../../../exporters/elasticsearch/config.ts'
import { DependencyWriter } from '../../../exporters/elasticsearch/dependency-writer.ts'
import { factory } from '../../../exporters/elasticsearch/index.ts'
import { Setup } from '../../../exporters/elasticsearch/setup.ts'
import { ManualClock } from '../../kit/clock.ts'
import { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import { graphBatch, graphRequest, pairOf } from '../../kit/graph.ts'
import type { Tree } from '../../kit/node.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'

const WALL = Date.UTC(2026, 10, 26, 23, 0)
const LINK = { parent: 'shop', child: 'cart', callCount: 1 }

function configOf(jaeger: Tree): ElasticsearchConfig {
  const whole = { endpoint: 'http://127.0.0.1:9200', mapping: { mode: 'jaeger' }, jaeger }
  return readConfig(factory.config, whole) as ElasticsearchConfig
}

interface Written {
  readonly path: string
  readonly document: { readonly timestamp: string; readonly dependencies: unknown }
}

class Tried {
  readonly settings = testSettings('exporter', 'elasticsearch')
  readonly clock = new ManualClock()
  readonly written: Written[] = []
  readonly writer: DependencyWriter
  answer: (request: ClusterRequest) => Promise<ClusterAnswer> = async () => ({
    status: 201,
    body: {},
    retryAfter: '',
  })

  constructor(jaeger: Record<string, unknown> = {}, workers = 1) {
    Object.assign(this.settings.host, { workers })
    const { jaeger: config } = configOf({ create_mappings: false, dependencies: {}, ...jaeger })
    const cluster: Cluster = {
      request: async request => {
        const answer = await this.answer(request)
        const document = JSON.parse(Buffer.from(request.body!).toString())
        if (answer.status < 300) this.written.push({ path: request.path, document })
        return answer
      },
      close: async () => {},
    }
    const setup = new Setup(cluster, config, this.settings.log)
    const dependencies = config.dependencies!
    const wall = (): number => WALL + this.clock.now() - 1000
    this.writer = new DependencyWriter(
      { ...config, dependencies },
      this.settings,
      cluster,
      setup,
      this.clock,
      wall,
    )
    this.writer.start()
  }

  /** A call that this trace alone has. */
  call(trace: number): void {
    this.writer.observe([graphRequest(pairOf('shop', 'cart', trace))])
  }

  count(outcome: string): number {
    const labels = `{exporter="elasticsearch",outcome="${outcome}"}`
    return this.settings.metrics.read(`sluice_elasticsearch_dependency_documents${labels}`)
  }
}

const answering =
  (status: number, body: unknown = {}) =>
  async () => ({ status, body, retryAfter: '' })

// Scenario: calls come before and after midnight; an interval passes without any; the exporter stops.
// Guarantees: a document an interval, in the index of its day, with the calls since the one before; none for nothing; the
// last one when it stops.
test('a document for every interval', async () => {
  const tried = new Tried({ indices: { index_prefix: 'prod' } })
  tried.call(1)
  tried.call(2)
  await tried.clock.advance(5 * 60_000)
  await tried.clock.advance(50 * 60_000)
  tried.call(3)
  await tried.clock.advance(5 * 60_000)
  tried.call(4)
  await tried.writer.stop(tried.clock.now() + 1000)
  assert.deepEqual(
    tried.written.map(({ path, document }) => [path.replace(/[0-9a-f-]{36}$/, 'ID'), document]),
    [
      [
        '/prod-jaeger-dependencies-2026-11-26/_create/ID',
        { timestamp: '2026-11-26T23:05:00.000Z', dependencies: [{ ...LINK, callCount: 2 }] },
      ],
      [
        '/prod-jaeger-dependencies-2026-11-27/_create/ID',
        { timestamp: '2026-11-27T00:00:00.000Z', dependencies: [LINK] },
      ],
      [
        '/prod-jaeger-dependencies-2026-11-27/_create/ID',
        { timestamp: '2026-11-27T00:00:00.000Z', dependencies: [LINK] },
      ],
    ],
  )
  assert.equal(tried.count('written'), 3)
  assert.equal(tried.clock.waiting, 0)
})

// Scenario: rollover by alias, and a data stream.
// Guarantees: the alias must be there already; the stream has its name and its timestamp.
test('dependencies go where the rotation says', async () => {
  for (const [rotation, path] of [
    ['manual_rollover', /^\/jaeger-dependencies-write\/_create\/[0-9a-f-]{36}\?require_alias=true$/],
    ['data_stream', /^\/jaeger\.dependencies\/_create\/[0-9a-f-]{36}$/],
  ] as const) {
    const tried = new Tried({ rotation })
    tried.call(1)
    await tried.writer.stop(tried.clock.now() + 1000)
    assert.match(tried.written[0]!.path, path)
    assert.equal('@timestamp' in tried.written[0]!.document, rotation === 'data_stream')
  }
})

// Scenario: the cluster is away, then says 429, then takes the document but its answer is lost, then says it has it; then
// refuses one for ever; then is away for longer than documents are kept.
// Guarantees: each document is sent under one id until it is there; later calls are in later documents; what is refused or
// too old is dropped, counted and said.
test('a document is written once', async () => {
  const tried = new Tried()
  const paths: string[] = []
  const answers = [
    () => Promise.reject(new Refused('cannot send')),
    answering(429),
    () => Promise.reject(new Refused('the connection broke')),
    answering(409),
  ]
  tried.answer = request => {
    paths.push(request.path)
    return (answers.shift() ?? answering(201))()
  }
  tried.call(1)
  await tried.clock.advance(15 * 60_000)
  tried.call(2)
  await tried.clock.advance(5 * 60_000)
  assert.equal(new Set(paths.slice(0, 4)).size, 1)
  assert.equal(paths.length, 5)
  assert.deepEqual(
    tried.written.map(({ document }) => document.dependencies),
    [[LINK]],
  )
  assert.equal(tried.count('written'), 2)
  tried.answer = answering(400, { error: { type: 'illegal_argument_exception', reason: 'no' } })
  tried.call(3)
  await tried.clock.advance(5 * 60_000)
  assert.equal(tried.count('refused'), 1)
  assert.match(String(tried.settings.log.lines.at(-1)!.fields['detail']), /illegal_argument_exception/)
  tried.answer = answering(503)
  for (let i = 0; i < 30; i++) {
    tried.call(10 + i)
    await tried.clock.advance(5 * 60_000)
  }
  assert.equal(tried.count('dropped'), 6)
  await tried.writer.stop(tried.clock.now() + 1000)
  assert.equal(tried.count('dropped'), 30)
})

// Scenario: the cluster never answers while the exporter stops, and did not before.
// Guarantees: stopping ends at the deadline; what is lost is counted, the calls since the last document too.
test('stopping does not wait for ever', async () => {
  const tried = new Tried()
  tried.answer = () => new Promise(() => {})
  tried.call(1)
  await tried.clock.advance(5 * 60_000)
  tried.call(2)
  const stopped = tried.writer.stop(tried.clock.now() + 500)
  await tried.clock.until(stopped)
  assert.equal(tried.count('dropped'), 2)
})

// Scenario: the cluster is away while documents with long names are made.
// Guarantees: few of them wait, so that they do not fill the memory; those that went are counted.
test('what waits is bounded in bytes', async () => {
  const tried = new Tried()
  tried.answer = answering(503)
  // Each letter is six in JSON.
  const name = '\u0001'.repeat(1_000_000)
  for (let i = 0; i < 10; i++) {
    tried.writer.observe([graphRequest(pairOf(`a${name}`, `b${name}`, i))])
    await tried.clock.advance(5 * 60_000)
  }
  assert.equal(tried.count('dropped'), 5)
  await tried.writer.stop(tried.clock.now() + 1000)
  assert.equal(tried.count('dropped'), 10)
})

// Scenario: the gateway has two workers; more spans come than may wait.
// Guarantees: both are said or counted, as calls will be missing.
test('what makes calls missing is said', async () => {
  const two = new Tried({}, 2)
  assert.match(two.settings.log.lines[0]!.message, /service\.workers: 1/)
  await two.writer.stop(two.clock.now())
  const tried = new Tried({ dependencies: { max_spans: 2 } })
  assert.deepEqual(tried.settings.log.lines, [])
  tried.call(1)
  tried.call(2)
  await tried.writer.stop(tried.clock.now() + 1000)
  const forgotten = '{exporter="elasticsearch",reason="forgotten"}'
  assert.equal(tried.settings.metrics.read(`sluice_elasticsearch_dependency_losses${forgotten}`), 2)
})

// Scenario: the whole exporter, whose cluster does not take some documents at first, so that a batch is sent twice.
// Guarantees: spans of a batch are counted when it is done with, and once; the template is put; without the option nothing
// of it happens.
test('the exporter writes dependencies when asked', async t => {
  for (const asked of [true, false]) {
    const cluster = await FakeElasticsearch.start()
    t.after(() => cluster.close())
    let refusals = 1
    cluster.item = document =>
      document.traceID !== undefined && refusals-- > 0
        ? { status: 429, error: { type: 'busy', reason: '' } }
        : { status: 201 }
    const config = { ...configOf(asked ? { dependencies: {} } : {}), endpoint: cluster.url }
    const exporter = factory.create(config, testSettings('exporter', 'elasticsearch'), ['traces'])
    await exporter.start()
    t.after(() => exporter.stop(performance.now()))
    const batch = graphBatch(...pairOf('shop', 'cart', 1))
    const { retry } = await exporter.send(batch, NO_CONTEXT)
    assert.deepEqual(await exporter.send(retry!, NO_CONTEXT), { sent: retry!.items })
    assert.deepEqual(await exporter.send(batch, NO_CONTEXT), { sent: 2 }, 'from another pipeline')
    await exporter.stop(performance.now() + 5000)
    const put = cluster.requests.filter(
      ({ method, path }) => method === 'PUT' && path.includes('dependencies'),
    )
    assert.deepEqual(
      put.map(({ path }) => path.replace(/-\d{4}-\d\d-\d\d\/_create.*/, '')),
      asked ? ['/_index_template/jaeger-dependencies', '/jaeger-dependencies'] : [],
    )
    if (asked) assert.deepEqual(put[1]!.lines[0].dependencies, [LINK])
  }
})
