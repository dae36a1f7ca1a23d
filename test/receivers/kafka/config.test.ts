import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readingOf, strategiesOf } from '../../../receivers/kafka/config.ts'
import { factory } from '../../../receivers/kafka/index.ts'
import { Topics } from '../../../receivers/kafka/topics.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

const read = (plain: unknown) => readConfig(factory.config, plain)
const problems = (plain: unknown) => tryConfig(factory.config, plain).problems.join('\n')

// Scenario: nothing is written.
// Guarantees: the Collector's defaults, but for when a record is done.
test('defaults', () => {
  const config = read({})
  assert.deepEqual(config.brokers, ['localhost:9092'])
  assert.deepEqual(config.traces.topics, ['otlp_spans'])
  assert.deepEqual(config.profiles.topics, ['otlp_profiles'])
  const { group_id, client_id, initial_offset, session_timeout, heartbeat_interval, max_fetch_wait } = config
  assert.deepEqual(
    [group_id, client_id, initial_offset, session_timeout, heartbeat_interval, max_fetch_wait],
    ['otel-collector', 'otel-collector', 'latest', 10_000, 3_000, 250],
  )
  assert.deepEqual(
    [config.min_fetch_size, config.max_fetch_size, config.max_partition_fetch_size],
    [1, 2 ** 20, 2 ** 20],
  )
  assert.deepEqual(config.autocommit, { enable: true, interval: 1000 })
  assert.deepEqual(config.message_marking, { after: true, on_error: false, on_permanent_error: true })
  assert.equal(config.error_backoff.enabled, true)
  assert.equal(config.dead_letter, undefined)
})

// Scenario: keys of older Collectors.
// Guarantees: they are understood, with a warning that says what to write; what stands in a section wins.
test('old keys', () => {
  const old = {
    topic: 'all',
    encoding: 'otlp_json',
    logs: { topics: ['logs'], encoding: 'raw' },
    default_fetch_size: 1,
  }
  const config = read(old)
  assert.deepEqual(readingOf(config, 'traces'), { topics: ['all'], excluded: [], encoding: 'otlp_json' })
  assert.deepEqual(readingOf(config, 'logs'), { topics: ['logs'], excluded: [], encoding: 'raw' })
  assert.match(problems(old), /topic: is an old key[\s\S]*default_fetch_size[\s\S]*encoding: is an old key/)
  const own = read({ metrics: { topic: '^m-', exclude_topic: 'x$' } })
  assert.deepEqual(readingOf(own, 'metrics'), { topics: ['^m-'], excluded: ['x$'], encoding: 'otlp_proto' })
})

// Scenario: mistakes.
// Guarantees: each is told with what to do.
test('mistakes', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ traces: { encoding: 'raw' } }, /"raw" is no encoding of traces.*jaeger_proto/],
    [{ logs: { encoding: 'text_klingon' } }, /"klingon" is no character encoding/],
    [{ logs: { topics: ['^('] } }, /is no pattern/],
    [{ logs: { topics: ['a'], exclude_topics: ['b'] } }, /without a pattern/],
    [{ logs: { topics: ['^a'], exclude_topics: [''] } }, /would match every topic/],
    [{ logs: { topics: ['x'] }, traces: { topics: ['x'] } }, /x is read as traces already/],
    [{ initial_offset: 'newest' }, /initial_offset/],
    [{ max_fetch_size: 10, min_fetch_size: 20 }, /less than min_fetch_size/],
    [{ session_timeout: '3s', heartbeat_interval: '3s' }, /not below session_timeout/],
    [
      { group_rebalance_strategies: ['cooperative-sticky'] },
      /kafkajs cannot do cooperative-sticky.*client: platformatic/,
    ],
    [{ group_rebalance_strategies: ['range'], group_rebalance_strategy: 'range' }, /stands beside/],
    [{ group_rebalance_strategies: ['fastest'] }, /group_rebalance_strategies/],
    [{ dead_letter: { topic: 'a', file: 'b' } }, /stands beside topic/],
    [{ message_marking: { after: false } }, /a crash loses them/],
    [{ group_instance_id: 'a' }, /no effect with kafkajs/],
    [{ auth: { kerberos: { realm: 'x' } } }, /Kerberos is not available/],
  ]
  for (const [plain, expected] of cases) assert.match(problems(plain), expected)
})

// Scenario: what is offered to the group.
// Guarantees: the Collector's default where the client can do it, else all that is not cooperative.
test('strategies', () => {
  const of = (plain: unknown) => strategiesOf(read(plain))
  assert.deepEqual(of({}), ['sticky', 'range', 'roundrobin'])
  assert.deepEqual(of({ client: 'platformatic' }), ['cooperative-sticky'])
  assert.deepEqual(of({ group_rebalance_strategies: ['cooperative-sticky', 'range'] }), ['range'])
  assert.deepEqual(of({ client: 'platformatic', group_rebalance_strategy: 'sticky' }), ['sticky'])
})

// Scenario: topics by name and by pattern, of two signals.
// Guarantees: a name wins over a pattern, exclusions only hold for patterns, patterns match anywhere behind ^.
test('which topic is read as what', () => {
  const config = read({
    traces: { topics: ['^t', 'special'], exclude_topics: ['skip'] },
    logs: { topics: ['^(?i)LOG', 'trail'], encoding: 'raw' },
  })
  const topics = new Topics(
    new Map([
      ['traces', readingOf(config, 'traces')],
      ['logs', readingOf(config, 'logs')],
    ]),
  )
  const signal = (topic: string) => topics.reading(topic)?.signal
  assert.deepEqual(['spans', 'tx', 't-skip', 'special', 'trail', 'logs-1', 'a-logs'].map(signal), [
    undefined,
    'traces',
    undefined,
    'traces',
    'logs',
    'logs',
    undefined,
  ])
  assert.equal(topics.reading('trail')?.encoding, 'raw')
  assert.deepEqual(topics.of(['trail', 'other', 'tx']), ['trail', 'tx'])
  assert.deepEqual(topics.named, ['special', 'trail'])
})
