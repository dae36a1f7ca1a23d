import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { jsonToRequest, requestToJsonBytes } from '../../../core/otlp/json.ts'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { batchSize } from '../../../exporters/kafka/record-batches.ts'
import { id, meta, numbersIn, setup, TRACES } from '../../kit/kafka-exporter.ts'
import { numbered, numbersOf } from '../../kit/numbered.ts'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'

// Scenario: a batch of each signal, of one chunk and of several.
// Guarantees: one record on the signal's topic, whose value is the batch's own bytes.
test('the value is the bytes that came', async t => {
  const { kafka, send } = await setup(t)
  for (const signal of SIGNALS) {
    const batch = numbered(signal, 0, 3)
    assert.deepEqual(await send(batch), { sent: 3 })
    assert.equal(kafka.records.at(-1)!.value, batch.chunks[0])
    assert.equal(kafka.records.at(-1)!.key, undefined)
  }
  const topics = kafka.records.map(({ topic }) => topic)
  assert.deepEqual(topics, ['otlp_spans', 'otlp_metrics', 'otlp_logs', 'otlp_profiles'])
  const chunks = [numbered('traces', 0, 2), numbered('traces', 2, 2)].flatMap(one => one.chunks)
  await send(batchOf('traces', chunks, 4))
  const last = kafka.records.at(-1)!
  assert.deepEqual(numbersOf(batchOf('traces', [last.value], 4)), [0, 1, 2, 3])
})

// Scenario: encoding: otlp_json.
// Guarantees: the value is the request as OTLP/JSON.
test('otlp_json', async t => {
  const { kafka, send } = await setup(t, { traces: { encoding: 'otlp_json' } })
  await send(TRACES)
  assert.deepEqual(kafka.records[0]!.value, requestToJsonBytes(TRACES.chunks[0]!, 'traces'))
})

// Scenario: partition_traces_by_id over two resources and scopes that share a trace, and a span without an id.
// Guarantees: one record for each trace of each scope, as the Collector splits, keyed by 32 hex digits, with everything
// that was around the spans.
test('partition_traces_by_id', async t => {
  const { kafka, send } = await setup(t, { partition_traces_by_id: true })
  assert.deepEqual(await send(TRACES), { sent: 5 })
  assert.deepEqual(numbersIn(kafka), [[1, 3], [2], [4], [5]])
  assert.deepEqual(
    kafka.records.map(({ key }) => Buffer.from(key!).toString()),
    [id('a'), id('b'), id('a'), ''],
  )
  const [first] = (decodeRequest('traces', kafka.records[0]!.value) as { resourceSpans: unknown[] })
    .resourceSpans
  const plain = JSON.parse(JSON.stringify(first))
  assert.equal(plain.resource.attributes[0].key, 'k')
  assert.equal(plain.schemaUrl, 'resource schema')
  assert.equal(plain.scopeSpans[0].scope.name, 'first')
  assert.equal(plain.scopeSpans[0].schemaUrl, 'scope schema')
})

// Scenario: partition_logs_by_trace_id with records that have a trace, all zeros, or none.
// Guarantees: those without a trace have no key at all.
test('partition_logs_by_trace_id', async t => {
  const { kafka, send } = await setup(t, { partition_logs_by_trace_id: true })
  const logRecords = [
    { traceId: Buffer.from(id('c'), 'hex'), severityText: 'item 1' },
    { severityText: 'item 2' },
    { traceId: Buffer.alloc(16), severityText: 'item 3' },
  ]
  const request = encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  await send(batchOf('logs', [request], 3))
  assert.deepEqual(numbersIn(kafka, 'logs'), [[1], [2, 3]])
  const keys = kafka.records.map(({ key }) => (key === undefined ? undefined : Buffer.from(key).toString()))
  assert.deepEqual(keys, [id('c'), undefined])
})

// Scenario: metrics and logs by resource.
// Guarantees: one record for each resource, keyed by 16 bytes; profiles keep their dictionary when parted.
test('parts by resource', async t => {
  const { kafka, send } = await setup(t, {
    partition_metrics_by_resource_attributes: true,
    topic_from_attribute: 'k',
  })
  const two = (name: string) => [
    { resource: { attributes: [{ key: 'k', value: { stringValue: 'x' } }] }, [name]: ITEMS[name] },
    { [name]: ITEMS[name] },
  ]
  await send(batchOf('metrics', [encodeRequest('metrics', { resourceMetrics: two('scopeMetrics') })], 2))
  assert.deepEqual(
    kafka.records.map(({ topic, key }) => [topic, Buffer.from(key!).toString('hex').length]),
    [
      ['x', 32],
      ['otlp_metrics', 32],
    ],
  )
  assert.equal(Buffer.from(kafka.records[1]!.key!).toString('hex'), '0'.repeat(32))
  const dictionary = { stringTable: ['', 'word'] }
  const profiles = encodeRequest('profiles', { resourceProfiles: two('scopeProfiles'), dictionary })
  await send(batchOf('profiles', [profiles], 2))
  for (const { value } of kafka.records.slice(2)) {
    const plain = JSON.parse(JSON.stringify(decodeRequest('profiles', value)))
    assert.deepEqual(plain.dictionary.stringTable, ['', 'word'])
    assert.equal(plain.resourceProfiles.length, 1)
  }
})

const ITEMS: Readonly<Record<string, unknown>> = {
  scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints: [{ asDouble: 1 }] } }] }],
  scopeProfiles: [{ profiles: [{ samples: [{ stackIndex: 0 }] }] }],
}

// Scenario: topics from metadata, from an attribute, from both, and from neither.
// Guarantees: metadata win, then the attribute of each resource, then the config.
test('topics', async t => {
  const { kafka, send } = await setup(t, {
    topic_from_attribute: 'k',
    traces: { topic: 'own', topic_from_metadata_key: 'X-Topic' },
  })
  await send(TRACES)
  await send(batchOf('traces', TRACES.chunks, 5, meta({ 'x-topic': ['from-metadata', 'second'] })))
  assert.deepEqual(
    kafka.records.map(({ topic }) => topic),
    ['topic-one', 'own', 'from-metadata', 'from-metadata'],
  )
})

// Scenario: headers of every kind and a key from metadata.
// Guarantees: the fixed headers, then a header for each value of each metadata key, in order.
test('headers and keys from metadata', async t => {
  const { kafka, send } = await setup(t, {
    record_headers: [{ name: 'fixed', value: 'f' }],
    include_metadata_keys: ['Tenant', 'missing'],
    traces: { message_key_from_metadata_key: 'tenant' },
  })
  await send(batchOf('traces', TRACES.chunks, 5, meta({ tenant: ['a', 'b'] })))
  const [record] = kafka.records
  const headers = record!.headers.map(({ name, value }) => `${name}=${Buffer.from(value)}`)
  assert.deepEqual(headers, ['fixed=f', 'Tenant=a', 'Tenant=b'])
  assert.equal(Buffer.from(record!.key!).toString(), 'a')
  await send(TRACES)
  assert.equal(kafka.records.at(-1)!.key, undefined)
})

for (const encoding of ['otlp_proto', 'otlp_json']) {
  // Scenario: a batch several times larger than max_message_bytes, with one span that is too large alone.
  // Guarantees: every record is within the limit, all others get through in order, that one is dropped and counted.
  test(`cutting by size, ${encoding}`, async t => {
    const { kafka, send, settings } = await setup(t, {
      traces: { encoding },
      producer: { max_message_bytes: 2048 },
    })
    const spans = Array.from({ length: 200 }, (_, i) => ({
      name: `item ${i}`,
      ...(i === 77 ? { traceState: 'x'.repeat(4000) } : {}),
    }))
    const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
    const result = await send(batchOf('traces', [request], 200))
    assert.equal(result.sent, 199)
    assert.deepEqual(
      result.rejected?.map(({ items, reason }) => [items, reason]),
      [[1, 'too_large']],
    )
    const json = encoding === 'otlp_json'
    for (const record of kafka.records) assert.ok(batchSize(record) <= 2048)
    const numbers = kafka.records.flatMap(({ value }) =>
      numbersOf(batchOf('traces', [json ? jsonToRequest(value, 'traces') : value], 0)),
    )
    assert.deepEqual(
      numbers,
      spans.map((_, i) => i).filter(i => i !== 77),
    )
    assert.equal(settings.log.lines.filter(({ message }) => message.includes('too large')).length, 1)
  })
}

// Scenario: each of the other encodings, with spans or logs that it has and some that it cannot have.
// Guarantees: the records are those of core/formats, Jaeger's keyed by the trace, and what has no record is counted.
test('other encodings', async t => {
  const spans = ['a', 'b'].map((digit, i) => ({
    traceId: Buffer.from(id(digit), 'hex'),
    spanId: Buffer.from('0011223344556677', 'hex'),
    name: `item ${i}`,
  }))
  const noIds = { name: 'item 9' }
  const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [...spans, noIds] }] }] })
  const batch = batchOf('traces', [request], 3)
  const rejected = async (encoding: string) => {
    const { kafka, send } = await setup(t, { traces: { encoding } })
    const result = await send(batch)
    const lost = (result.rejected ?? []).map(({ items, reason }) => `${items} ${reason}`)
    return { kafka, keys: kafka.records.map(({ key }) => String(key)), sent: result.sent, lost }
  }
  for (const encoding of ['jaeger_proto', 'jaeger_json']) {
    const { keys, sent, lost } = await rejected(encoding)
    assert.deepEqual(keys.slice(0, 2), [id('a'), id('b')], encoding)
    assert.deepEqual([sent, lost], [3, []])
  }
  for (const encoding of ['zipkin_proto', 'zipkin_json']) {
    const { kafka, keys, sent, lost } = await rejected(encoding)
    assert.deepEqual(keys, ['undefined'], encoding)
    assert.deepEqual([sent, lost], [2, ['1 unsupported']])
    if (encoding === 'zipkin_json') assert.equal(JSON.parse(String(kafka.records[0]!.value)).length, 2)
  }
  const logs = await setup(t, { logs: { encoding: 'raw' } })
  const logRecords = [{ body: { stringValue: 'text' } }, { body: { bytesValue: Buffer.from('bytes') } }, {}]
  const bodies = encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  const { sent } = await logs.send(batchOf('logs', [bodies], 3))
  assert.equal(sent, 2)
  assert.deepEqual(
    logs.kafka.records.map(({ value }) => String(value)),
    ['"text"', 'bytes'],
  )
})
