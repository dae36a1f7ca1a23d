import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factory } from '../../../connectors/count/index.ts'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { ACCEPTED, Refused } from '../../../core/component/outcome.ts'
import { SIGNALS, type Signal } from '../../../core/otlp/signals.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { readAs } from '../../kit/config-text.ts'
import { generate } from '../../kit/generate.ts'
import { pointsOf } from '../../kit/graph.ts'
import { numbered } from '../../kit/numbered.ts'
import { Sink, testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'

function tryCount(signal: Signal, yaml = '{}') {
  const { value, said } = readAs(factory.config, yaml)
  assert.deepEqual(said, [])
  const settings = testSettings('connector', 'count', signal)
  const sink = new Sink()
  const connector = factory.create(value, settings, sink)
  const { account } = settings
  return {
    sink,
    account,
    connector,
    async send(batch: Batch): Promise<void> {
      await connector.consume(batch, NO_CONTEXT)
      account.of(signal).in += batch.items
      account.of('metrics').out = sink.items
      assertBalanced([account])
    },
    /** `metric {labels}` to count. */
    counts: (): [string, number][] =>
      pointsOf(sink.batches).map(({ metric, labels, value }) => [
        `${metric} ${JSON.stringify(labels)}`,
        value,
      ]),
  }
}

// Scenario: a batch of each signal in two chunks, counted by default.
// Guarantees: the Collector's names; one point for each resource entry, delta; the ledger balances: what came in was made
// into metrics.
test('every signal is counted', async () => {
  const expected: Record<Signal, [string, number][]> = {
    traces: [
      ['trace.span.count {}', 3],
      ['trace.span.count {}', 2],
    ],
    metrics: [
      ['metric.count {}', 1],
      ['metric.datapoint.count {}', 3],
      ['metric.count {}', 1],
      ['metric.datapoint.count {}', 2],
    ],
    logs: [
      ['log.record.count {}', 3],
      ['log.record.count {}', 2],
    ],
    profiles: [
      ['profile.count {}', 1],
      ['profile.count {}', 1],
    ],
  }
  for (const signal of SIGNALS) {
    const tried = tryCount(signal)
    const chunks = [numbered(signal, 0, 3).chunks[0]!, numbered(signal, 3, 2).chunks[0]!]
    await tried.send(batchOf(signal, chunks, 5))
    assert.deepEqual(tried.counts(), expected[signal])
    assert.equal(tried.sink.batches.length, 1)
    assert.equal(tried.account.of(signal).dropped.get('made_into_metrics')!.items, 5)
    const [point] = pointsOf(tried.sink.batches)
    assert.equal(point!.temporality, 1)
    assert.equal(
      point!.scope,
      'github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector',
    )
  }
  assert.deepEqual(
    factory.routes,
    SIGNALS.map(signal => [signal, 'metrics']),
  )
})

// Scenario: nothing fits; what is behind refuses, then takes it; rejects a point.
// Guarantees: a request of no points is not made; a refusal goes to the sender, and nothing is counted twice in the ledger.
test('outcomes are those of what is behind', async () => {
  const none = tryCount('logs', `{logs: {x: {conditions: ['false']}}}`)
  await none.send(numbered('logs', 0, 3))
  assert.equal(none.sink.batches.length, 0)
  const tried = tryCount('logs')
  tried.sink.answer = () => {
    throw new Refused('full')
  }
  await assert.rejects(tried.connector.consume(numbered('logs', 0, 3), NO_CONTEXT), /full/)
  assert.equal(tried.account.of('metrics').created, 0)
  tried.sink.answer = () => ACCEPTED
  await tried.send(numbered('logs', 0, 3))
  assert.deepEqual(tried.counts(), [['log.record.count {}', 3]])
  tried.sink.answer = () => ({ rejected: 1, message: 'no' })
  assert.deepEqual(await tried.connector.consume(numbered('logs', 0, 3), NO_CONTEXT), ACCEPTED)
  assert.equal(tried.account.of('metrics').dropped.get('rejected_downstream')!.items, 1)
})

// Scenario: the pipeline behind is asked whether it would take anything.
// Guarantees: the metrics pipeline answers, because senders wait for it.
test('count asks the metrics behind it', () => {
  const asked: Signal[] = []
  const next = {
    consume: new Sink().consume,
    admit: (signal: Signal) => {
      asked.push(signal)
      return new Refused('full')
    },
  }
  const { value } = readAs(factory.config, '{}')
  const connector = factory.create(value, testSettings('connector', 'count', 'logs'), next)
  assert.equal(connector.admit!('logs')!.message, 'full')
  assert.deepEqual(asked, ['metrics'])
})

// Scenario: a span with an attribute of a megabyte on its resource, and a thousand spans told apart.
// Guarantees: attributes are copied up to a limit; beyond it spans are counted together, and none is lost.
test('attributes do not multiply without end', async () => {
  const long = { key: 'long', value: { stringValue: 'x'.repeat(1_000_000) } }
  const spans = Array.from({ length: 1000 }, (_, n) => ({
    attributes: [{ key: 'n', value: { intValue: String(n) } }],
  }))
  const bytes = encodeRequest('traces', {
    resourceSpans: [{ resource: { attributes: [long] }, scopeSpans: [{ spans }] }],
  })
  const tried = tryCount('traces', '{spans: {s: {attributes: [{key: long}, {key: n}]}}}')
  await tried.send(batchOf('traces', [bytes], 1000))
  assert.ok(tried.sink.batches[0]!.byteLength < 40_000_000)
  const points = pointsOf(tried.sink.batches)
  assert.equal(
    points.reduce((sum, { value }) => sum + value, 0),
    1000,
  )
  assert.deepEqual(points.at(-1)!.labels, { 'otel.metric.overflow': true })
})

// Scenario: a hundred resources of which each has an attribute of 100 KB and a hundred spans told apart.
// Guarantees: the limit is that of the batch, so that a megabyte does not become a gigabyte; none is lost.
test('attributes of many resources have one limit', async () => {
  const long = { key: 'long', value: { stringValue: 'x'.repeat(100_000) } }
  const spans = Array.from({ length: 100 }, (_, n) => ({
    attributes: [{ key: 'n', value: { intValue: String(n) } }],
  }))
  const resourceSpans = Array.from({ length: 100 }, () => ({
    resource: { attributes: [long] },
    scopeSpans: [{ spans }],
  }))
  const bytes = encodeRequest('traces', { resourceSpans })
  const tried = tryCount('traces', '{spans: {s: {attributes: [{key: long}, {key: n}]}}}')
  const limit = bytes.length + 17 * 1024 * 1024
  for (let batch = 0; batch < 2; batch++) {
    await tried.send(batchOf('traces', [bytes], 10_000))
    assert.ok(tried.sink.batches[batch]!.byteLength < limit, `${tried.sink.batches[batch]!.byteLength}`)
    const points = pointsOf([tried.sink.batches[batch]!])
    assert.equal(
      points.reduce((sum, { value }) => sum + value, 0),
      10_000,
    )
    // The next batch may have as much again.
    assert.ok('n' in points[0]!.labels)
  }
})

// Scenario: an attribute of the scope tells spans apart, over several scopes and resources.
// Guarantees: each span is counted by its own scope.
test('attributes of scopes are those of the scope', async () => {
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const scope = (name: string, spans: number) => ({
    scope: { attributes: [attribute('lib', name)] },
    spans: Array.from({ length: spans }, () => ({})),
  })
  const bytes = encodeRequest('traces', {
    resourceSpans: [
      { scopeSpans: [scope('a', 2), scope('b', 1), { spans: [{}] }] },
      { scopeSpans: [scope('b', 3)] },
    ],
  })
  const tried = tryCount('traces', '{spans: {s: {attributes: [{key: lib, default_value: none}]}}}')
  await tried.send(batchOf('traces', [bytes], 7))
  assert.deepEqual(tried.counts(), [
    ['s {"lib":"a"}', 2],
    ['s {"lib":"b"}', 1],
    ['s {"lib":"none"}', 1],
    ['s {"lib":"b"}', 3],
  ])
})

// Scenario: conditions on the metric of data points, on the span of events, and on the scope, whose values differ from one
// to the next.
// Guarantees: what is asked once is asked again where it may have changed.
test('conditions see what is around each item', async () => {
  const event = { name: 'e' }
  const traces = encodeRequest('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            scope: { name: 'a' },
            spans: [
              { name: 'x', events: [event, event] },
              { name: 'y', events: [event] },
            ],
          },
          { scope: { name: 'b' }, spans: [{ name: 'x', events: [event] }, { name: 'x' }] },
        ],
      },
    ],
  })
  const tried = tryCount(
    'traces',
    `{spans: {s: {conditions: ['scope.name == "a"']}}, spanevents: {e: {conditions: ['span.name == "x"']}}}`,
  )
  await tried.send(batchOf('traces', [traces], 4))
  assert.deepEqual(tried.counts(), [
    ['s {}', 2],
    ['e {}', 3],
  ])
  const point = { asInt: '1' }
  const metrics = encodeRequest('metrics', {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              { name: 'x', gauge: { dataPoints: [point, point] } },
              { name: 'y', sum: { dataPoints: [point] } },
            ],
          },
        ],
      },
    ],
  })
  const points = tryCount('metrics', `{datapoints: {d: {conditions: ['metric.name == "x"']}}}`)
  await points.send(batchOf('metrics', [metrics], 3))
  assert.deepEqual(points.counts(), [
    ['metric.count {}', 2],
    ['d {}', 2],
  ])
})

// Scenario: generated requests of every signal, tidy and not.
// Guarantees: nothing breaks; spans, data points and log records are counted whatever the order of fields is.
test('generated requests are counted', async () => {
  for (const signal of SIGNALS)
    for (let seed = 0; seed < 30; seed++) {
      const { bytes, untidy } = generate(signal, seed, 8)
      for (const request of [bytes, untidy]) {
        const tried = tryCount(signal)
        const items = countItems(request, signal)
        await tried.send(batchOf(signal, [request], items))
        if (signal === 'profiles') continue
        const name = {
          traces: 'trace.span.count',
          metrics: 'metric.datapoint.count',
          logs: 'log.record.count',
        }[signal]
        const counted = pointsOf(tried.sink.batches).filter(({ metric }) => metric === name)
        assert.equal(
          counted.reduce((sum, { value }) => sum + value, 0),
          items,
          `${signal} ${seed}`,
        )
      }
    }
})

// Scenario: configs with mistakes.
// Guarantees: each is told, with what to do; conditions with the place in them.
test('the config of count', () => {
  const said = (yaml: string): string => readAs(factory.config, yaml).said.join('\n')
  assert.match(
    said(`{logs: {x: {conditions: ['bdy == 1']}}}`),
    /v::logs::x::conditions::0: there is no log\.bdy, at letter 1 of bdy == 1; did you mean "body"\?/,
  )
  assert.match(said('{spans: {"": {}}}'), /a metric without a name/)
  assert.match(said('{spans: {x: {attributes: [{}]}}}'), /key: is missing/)
  assert.match(said('{spans: {x: {attributes: [{key: a}, {key: a}]}}}'), /have "a" twice/)
  assert.match(said('{metrics: {x: {attributes: [{key: a}]}}}'), /of metrics cannot be had/)
  assert.match(said(`{profiles: {x: {conditions: ['true']}}}`), /of profiles cannot be had here yet/)
  assert.match(said('{span: {}}'), /did you mean "spans"\?/)
  assert.equal(said('{spans: {x: }, logs: , datapoints: {}}'), '')
  assert.equal(said('{spans: {x: {attributes: [{key: a}, {key: A}]}}}'), '', 'keys are what they are')
})
