import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { factory } from '../../../processors/probabilistic-sampler/index.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { mistakes, tryProcessor } from '../../kit/processor.ts'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'
import { Random } from '../../kit/random.ts'
import { CASES, REQUESTS, type SampleCase, samplesIn } from './collector-samples.ts'

interface Expected extends SampleCase {
  readonly kept: readonly string[]
}

const expected: Expected[] = readFileSync(new URL('collector-samples.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))

// Scenario: all modes and shares on spans and records without ids, with every kind of tracestate, good, bad and odd,
// with priorities of every type, hashed by attributes of every type.
// Guarantees: exactly those the Collector 0.155.0 kept are kept, with the sampling information it wrote.
test('every config keeps what the Collector keeps', async () => {
  assert.deepEqual(
    expected.map(({ signal, yaml }) => ({ signal, yaml })),
    CASES,
  )
  for (const { signal, yaml, kept } of expected) {
    const tried = tryProcessor(factory, yaml, signal)
    const left = await tried.send(REQUESTS[signal])
    assert.deepEqual(left === undefined ? [] : samplesIn(signal, left), kept, `${signal} ${yaml}`)
  }
})

// Scenario: golden traces at 100 percent in the two consistent modes, twice through.
// Guarantees: everything but the tracestate is as it was; the second time nothing is left to change.
test('a kept span changes in its tracestate only', async () => {
  for (const { signal, plain } of goldenRequests()) {
    if (signal !== 'traces') continue
    const tried = tryProcessor(factory, '{mode: equalizing, sampling_percentage: 100}', signal)
    const once = (await tried.send(plain))!
    const withoutState = (bytes: Uint8Array) =>
      JSON.stringify(decodeRequest(signal, bytes), (key, value) => (key === 'traceState' ? undefined : value))
    assert.equal(withoutState(once), withoutState(plain))
    assert.match(JSON.stringify(decodeRequest(signal, once)), /"traceState":"ot=th:0"/)
    assert.equal(await tried.send(once), once)
  }
})

// Scenario: one span whose fields are in the worst order, its tracestate twice.
// Guarantees: the last tracestate counts, and one is left.
test('a tracestate is replaced wherever it stands', async () => {
  const span = Buffer.concat([
    Buffer.from([0x2a, 1, 0x6e]),
    Buffer.from([0x1a, 3, ...Buffer.from('a=b')]),
    Buffer.from([0x0a, 16, ...Buffer.alloc(16, 0xff)]),
    Buffer.from([0x1a, 3, ...Buffer.from('c=d')]),
    Buffer.from([0x30, 2]),
  ])
  const frame = (field: number, inner: Buffer) => Buffer.from([field * 8 + 2, inner.length, ...inner])
  const tried = tryProcessor(factory, '{mode: proportional, sampling_percentage: 50}', 'traces')
  const after = await tried.send(frame(1, frame(2, frame(2, span))))
  assert.deepEqual(decodeRequest('traces', after!), {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: Buffer.alloc(16, 0xff).toString('base64'),
                traceState: 'ot=th:8,c=d',
                name: 'n',
                kind: 2,
              },
            ],
          },
        ],
      },
    ],
  })
})

// Scenario: 20,000 random (seeded) trace ids at 10 percent in each mode.
// Guarantees: the share is right within six standard deviations, and a trace is kept as a whole in both layers.
test('the share is kept', async () => {
  const random = new Random(1)
  const spans = Array.from({ length: 20_000 }, () => ({ traceId: random.bytes(16) }))
  const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
  for (const mode of ['hash_seed', 'equalizing', 'proportional']) {
    const tried = tryProcessor(factory, `{mode: ${mode}, sampling_percentage: 10}`, 'traces')
    const kept = samplesIn('traces', (await tried.send(request))!).length
    assert.ok(Math.abs(kept - 2000) < 6 * Math.sqrt(1800), `${mode} kept ${kept}`)
  }
})

const four = encodeRequest('traces', {
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            { traceId: Buffer.alloc(16, 0xff) },
            { traceId: Buffer.alloc(16, 1) },
            {},
            {
              traceId: Buffer.alloc(16, 1),
              attributes: [{ key: 'sampling.priority', value: { intValue: '1' } }],
            },
          ],
        },
      ],
    },
  ],
})

// Scenario: one span kept, one sampled out, one that cannot be sampled, one kept by its priority.
// Guarantees: the ledger tells failures from what was intended, and the metric has the Collector's policies.
test('drops are accounted for by reason and counted by policy', async () => {
  const tried = tryProcessor(factory, '{mode: equalizing, sampling_percentage: 50}', 'traces')
  await tried.processor.consume(batchOf('traces', [four], 4), NO_CONTEXT)
  assert.equal(tried.sink.items, 2)
  assert.deepEqual(Object.fromEntries(tried.settings.account.of('traces').dropped), {
    sampled_out: { intended: true, items: 1 },
    sampling_failed: { intended: false, items: 1 },
  })
  const count = (policy: string, sampled: boolean) =>
    tried.settings.metrics.read(
      `otelcol_processor_probabilistic_sampler_count_traces_sampled{policy="${policy}",sampled="${sampled}"}`,
    )
  assert.deepEqual(
    [
      count('trace_id_w3c', true),
      count('trace_id_w3c', false),
      count('missing_randomness', false),
      count('sampling_priority', true),
    ],
    [1, 1, 1, 1],
  )
  assert.match(tried.settings.log.lines[0]!.message, /cannot be sampled and is dropped/)
})

// Scenario: everything is sampled out.
// Guarantees: next is not called, the sender is told it was accepted.
test('nothing left is accepted', async () => {
  const tried = tryProcessor(factory, '{sampling_percentage: 0}', 'traces')
  const plain = encodeRequest('traces', {
    resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: Buffer.alloc(16, 0xff) }] }] }],
  })
  assert.equal(await tried.send(plain), undefined)
})

// Scenario: no mode is written.
// Guarantees: the log says which one is in effect.
test('the effective mode is logged at start', async () => {
  const tried = tryProcessor(factory, '{sampling_percentage: 12.5}', 'logs')
  await tried.processor.start()
  assert.deepEqual(tried.settings.log.lines[0]!.fields, {
    mode: 'hash_seed',
    percentage: 12.5,
    fail_closed: true,
  })
})

// Scenario: values outside what can be sampled.
// Guarantees: each is refused with what to write.
test('mistakes in a config are explained', () => {
  const said = (text: string) => mistakes(factory, `{${text}}`).join('\n')
  assert.match(said('sampling_percentage: -1'), /-1 is less than 0/)
  assert.match(said('sampling_percentage: 1e-20'), /too small; write 0/)
  assert.match(said('sampling_percentage: .nan'), /is not a number/)
  assert.match(said('sampling_precision: 0'), /0 is less than 1/)
  assert.match(said('sampling_precision: 15'), /15 is more than 14/)
  assert.match(said('mode: hashseed'), /not one of its values/)
  assert.match(said('attribute_source: trace'), /not one of its values/)
  assert.equal(said('sampling_percentage: 300, hash_seed: 4294967295'), '')
})
