import assert from 'node:assert/strict'
import { test } from 'node:test'
import { config, writingOf } from '../../../exporters/kafka/config.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

// Scenario: an empty section.
// Guarantees: the Collector's defaults, and ours where it has none.
test('defaults are those of the Collector', () => {
  const value = readConfig(config, null)
  const { brokers, client_id, metadata, producer, timeout, record_partitioner, sending_queue } = value
  assert.deepEqual(brokers, ['localhost:9092'])
  assert.equal(client_id, 'otel-collector')
  assert.deepEqual(metadata, {
    full: true,
    refresh_interval: 600_000,
    retry: { max: 3, backoff: 250 },
  })
  assert.deepEqual(producer, {
    max_message_bytes: 1_000_000,
    max_broker_write_bytes: 104_857_600,
    required_acks: '1',
    compression: 'none',
    compression_params: { level: 0 },
    flush_max_messages: 10_000,
    linger: 10,
    allow_auto_topic_creation: true,
    idempotent: false,
  })
  assert.equal(timeout, 5000)
  assert.equal(record_partitioner.sticky_key, undefined)
  assert.equal(sending_queue.enabled, true)
  assert.equal(sending_queue.max_queue_bytes, 32 * 1024 * 1024)
  assert.equal(value.client, 'kafkajs')
  const topics = (['traces', 'metrics', 'logs', 'profiles'] as const).map(signal => writingOf(value, signal))
  assert.deepEqual(
    topics.map(({ topic, encoding }) => `${topic} ${encoding}`),
    ['otlp_spans otlp_proto', 'otlp_metrics otlp_proto', 'otlp_logs otlp_proto', 'otlp_profiles otlp_proto'],
  )
})

// Scenario: acks as the Collector takes them.
// Guarantees: numbers and the word.
test('required_acks', () => {
  const acks = (required_acks: unknown) =>
    readConfig(config, { producer: { required_acks } }).producer.required_acks
  assert.equal(acks('all'), '-1')
  assert.equal(acks(-1), '-1')
  assert.equal(acks(0), '0')
  assert.equal(acks(1), '1')
})

// Scenario: headers as a list, as the code takes them, and as a map, as the README writes them.
// Guarantees: both, and values are never printed.
test('record_headers', () => {
  const read = (record_headers: unknown) =>
    readConfig(config, { record_headers }).record_headers.map(
      ({ name, value }) => `${name}=${value.reveal()}`,
    )
  assert.deepEqual(
    read([
      { name: 'a', value: '1' },
      { name: 'a', value: '2' },
    ]),
    ['a=1', 'a=2'],
  )
  assert.deepEqual(read({ a: '1', b: '2' }), ['a=1', 'b=2'])
  const printed = JSON.stringify(config.print(readConfig(config, { record_headers: { a: 'hidden' } }), false))
  assert.doesNotMatch(printed, /hidden/)
})

// Scenario: the keys of old Collectors.
// Guarantees: they still work where a signal says nothing of its own, with a warning.
test('old keys', () => {
  const { value, problems } = tryConfig(config, {
    topic: 'all',
    encoding: 'otlp_json',
    logs: { topic: 'own' },
    auth: { plain_text: { username: 'u', password: 'p' } },
  })
  assert.equal(writingOf(value, 'traces').topic, 'all')
  assert.equal(writingOf(value, 'logs').topic, 'own')
  assert.equal(writingOf(value, 'metrics').encoding, 'otlp_json')
  assert.equal(problems.length, 3)
  for (const problem of problems) assert.match(problem, /warning: .*is an old key; write /)
})

// Scenario: configs that cannot work, one mistake each.
// Guarantees: each is refused, with its place and what to do.
test('mistakes', () => {
  const batch = { batch: { partition: { metadata_keys: ['tenant'] } } }
  const sasl = { mechanism: 'PLAIN', username: 'u', password: 'p' }
  const mistakes: [Record<string, unknown>, RegExp][] = [
    [{ brokers: [] }, /brokers: is empty; write at least one/],
    [{ brokers: ['http://kafka'] }, /"http:\/\/kafka" is not host:port; write host:9092/],
    [{ conn_idle_timeout: '0s' }, /conn_idle_timeout: is not above 0/],
    [{ protocol_version: 'x' }, /"x" is not a version of Kafka/],
    [{ client: 'librdkafka' }, /client: .*"librdkafka" is not one of its values/],
    [{ traces: { encoding: 'raw' } }, /traces::encoding: .*"raw" is not one of its values/],
    [{ encoding: 'nonsense' }, /encoding: "nonsense" is no encoding/],
    [{ producer: { required_acks: 2 } }, /required_acks/],
    [{ producer: { compression: 'brotli' } }, /"brotli" is not one of its values/],
    [{ producer: { compression: 'lz4', compression_params: { level: 3 } } }, /lz4 has no levels/],
    [{ producer: { compression: 'gzip', compression_params: { level: 12 } } }, /gzip has no level 12/],
    [{ producer: { max_message_bytes: 100 } }, /max_message_bytes/],
    [{ producer: { max_broker_write_bytes: 5 } }, /max_broker_write_bytes/],
    [{ producer: { flush_max_messages: 0 } }, /flush_max_messages/],
    [
      { producer: { idempotent: true } },
      /idempotent: needs an answer from all replicas; write required_acks: all/,
    ],
    [{ record_partitioner: { round_robin: {}, sticky_key: {} } }, /stands beside sticky_key/],
    [{ record_partitioner: { extension: 'mine' } }, /no extensions that choose partitions/],
    [{ partition_logs_by_trace_id: true, partition_logs_by_resource_attributes: true }, /keep one/],
    [{ partition_traces_by_id: true, traces: { message_key_from_metadata_key: 'k' } }, /keep one/],
    [
      { partition_metrics_by_resource_attributes: true, metrics: { message_key_from_metadata_key: 'k' } },
      /keep one/,
    ],
    [{ partition_logs_by_trace_id: true, logs: { message_key_from_metadata_key: 'k' } }, /keep one/],
    [{ sending_queue: batch, include_metadata_keys: ['other'] }, /"other" is not among sending_queue/],
    [
      { sending_queue: batch, logs: { topic_from_metadata_key: 'other' } },
      /logs: topic_from_metadata_key: "other"/,
    ],
    [{ dead_letter: { topic: 'a', file: 'b' } }, /stands beside topic/],
    [{ auth: { kerberos: { realm: 'X' } } }, /Kerberos is not available: no client for Node has it/],
    [{ auth: { sasl: { mechanism: 'AWS_MSK_IAM_OAUTHBEARER' } } }, /AWS IAM is not available/],
    [{ auth: { sasl: { ...sasl, aws_msk: { region: 'eu' } } } }, /AWS IAM is not available/],
    [{ auth: { sasl: { ...sasl, username: '' } } }, /username: is missing; PLAIN needs one/],
    [{ auth: { sasl: { ...sasl, password: '' } } }, /password: is missing; PLAIN needs one/],
    [{ auth: { sasl: { ...sasl, mechanism: 'GSSAPI' } } }, /"GSSAPI" is not one of its values/],
    [{ auth: { sasl: { mechanism: 'OAUTHBEARER' } } }, /oauthbearer_token_source: is missing/],
    [{ auth: { sasl: { ...sasl, version: 2 } } }, /version/],
  ]
  for (const [plain, expected] of mistakes) {
    const { problems } = tryConfig(config, plain)
    const errors = problems.filter(one => !one.includes('warning:'))
    assert.equal(errors.length, 1, `${JSON.stringify(plain)}: ${problems.join('\n')}`)
    assert.match(errors[0]!, expected)
  }
})
