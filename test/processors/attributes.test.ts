import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Refused } from '../../core/component/outcome.ts'
import { factory } from '../../processors/attributes.ts'
import { factory as resourceFactory } from '../../processors/resource.ts'
import { goldenRequests } from '../kit/golden.ts'
import { mistakes, tryProcessor } from '../kit/processor.ts'
import { decodeRequest, encodeRequest } from '../kit/proto.ts'
import { type AttributeCase, CASES, type Changes, changesIn, REQUESTS } from './collector-attributes.ts'

const LOOPBACK = { address: '127.0.0.1:50000', metadata: new Map(), auth: new Map() }

interface Expected extends AttributeCase {
  readonly changes: Changes
}

const expected: Expected[] = readFileSync(new URL('collector-attributes.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))

// Scenario: every action on every type of value, and every way to include and exclude, on all signals.
// Guarantees: each item's attributes are what the Collector 0.155.0 made of them, in both processors.
test('every config does what the Collector does', async () => {
  assert.deepEqual(
    expected.map(({ type, signal, yaml }) => ({ type, signal, yaml })),
    CASES,
  )
  for (const one of expected) {
    const tried =
      one.type === 'resource'
        ? tryProcessor(resourceFactory, one.yaml, one.signal)
        : tryProcessor(factory, one.yaml, one.signal)
    const before = REQUESTS[one.signal]!
    const after = await tried.send(before, LOOPBACK)
    assert.deepEqual(changesIn(one, before, after!), one.changes, `${one.type} ${one.signal} ${one.yaml}`)
  }
})

// Scenario: actions whose attributes no golden request has.
// Guarantees: next gets the very batch that was sent.
test('a batch that nothing matches passes as the same object', async () => {
  const yaml = '{actions: [{key: no.such.key, action: delete}, {key: nor.this, action: update, value: 1}]}'
  for (const { signal, plain } of goldenRequests()) {
    if (signal === 'profiles') continue
    const tried = tryProcessor(factory, yaml, signal)
    assert.equal(await tried.send(plain), plain)
  }
})

// Scenario: from_context with a header of several values, an authenticated sender, and addresses of several kinds.
// Guarantees: values are joined by ";", names are found in any case, the port is not part of the address.
test('values come from the context', async () => {
  const yaml = `{actions: [
    {key: tenant, action: upsert, from_context: metadata.X-Tenant},
    {key: bare, action: upsert, from_context: x-tenant},
    {key: user, action: upsert, from_context: auth.subject},
    {key: from, action: upsert, from_context: client.address},
    {key: none, action: upsert, from_context: metadata.other}]}`
  const request = encodeRequest('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] })
  const addresses = {
    '10.1.2.3:4317': '10.1.2.3',
    '[2001:db8::1]:4317': '2001:db8::1',
    '::ffff:10.0.0.1': '10.0.0.1',
    '[::ffff:10.0.0.1]:80': '10.0.0.1',
    '@/run/otel.sock': '@/run/otel.sock',
    '': '',
  }
  const tried = tryProcessor(factory, yaml, 'logs')
  for (const [address, host] of Object.entries(addresses)) {
    const meta = {
      address,
      metadata: new Map([['x-tenant', ['a', 'b']]]),
      auth: new Map([['subject', 'me']]),
    }
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
    assert.deepEqual(decodeRequest('logs', (await tried.send(request, meta))!), {
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                {
                  attributes: [
                    text('tenant', 'a;b'),
                    text('bare', 'a;b'),
                    text('user', 'me'),
                    text('from', host),
                  ],
                },
              ],
            },
          ],
        },
      ],
    })
  }
})

// Scenario: next refuses a changed batch, and is asked for admission.
// Guarantees: the refusal reaches the sender as it is.
test('what next says reaches the sender', async () => {
  const tried = tryProcessor(factory, '{actions: [{key: a, action: upsert, value: 1}]}', 'traces')
  const refused = new Refused('full')
  tried.sink.answer = () => {
    throw refused
  }
  await assert.rejects(tried.send(REQUESTS.traces!), error => error === refused)
  assert.equal(tried.settings.account.imbalance('traces'), 0)
})

// Scenario: configs with each mistake a user can make in an action or a match.
// Guarantees: each is found, with its place and what to do.
test('mistakes in a config are explained', () => {
  const action = (text: string) => mistakes(factory, `{actions: [{${text}}]}`).join('\n')
  assert.deepEqual(mistakes(factory, '{}'), ['actions: is empty; write at least one action'])
  assert.match(action('key: a'), /action: is missing; write one of insert/)
  assert.match(action('key: a, action: inser'), /"inser" is not one of its values; did you mean "insert"\?/)
  assert.match(action('action: insert, value: 1'), /key: is missing/)
  assert.match(action('key: a, action: insert'), /value: is missing; write value, from_attribute/)
  assert.match(action('key: a, action: upsert, value: 1, from_attribute: b'), /more than one source/)
  assert.match(action('key: a, action: update, value: 1, pattern: x'), /pattern: is not used by update/)
  assert.match(action('key: a, action: delete, value: 1'), /value: is not used by delete/)
  assert.match(action('action: hash'), /key: is missing; write key or pattern/)
  assert.match(action('pattern: "(", action: delete'), /pattern: is not a pattern: .*missing closing/)
  assert.match(action('key: a, action: extract'), /pattern: is missing/)
  assert.match(action('key: a, action: extract, pattern: "x"'), /has no group/)
  assert.match(action('key: a, action: extract, pattern: "(x)"'), /group without a name/)
  assert.match(action('key: a, action: convert'), /converted_type: is missing/)
  assert.match(action('key: a, action: convert, converted_type: bool'), /not one of its values/)
  const match = (text: string) =>
    mistakes(factory, `{actions: [{key: a, action: delete}], include: {${text}}}`).join('\n')
  assert.match(match('span_names: [a]'), /match_type: is missing, and span_names needs it/)
  assert.match(match('match_type: regexp, span_names: ["("]'), /span_names: "\(" is not a pattern/)
  assert.match(match('match_type: regexp, attributes: [{key: a, value: 1}]'), /the value of a is not a text/)
  assert.match(match('match_type: strict, attributes: [{value: 1}]'), /key: is missing/)
})

// Scenario: properties that do not fit the signal of the pipeline.
// Guarantees: the processor does not fit, and the error names the property and those that can be used.
test('a match that does not fit the signal is refused', () => {
  const make = (match: string, signal: 'traces' | 'logs' | 'metrics') => () =>
    tryProcessor(
      factory,
      `{actions: [{key: a, action: delete}], exclude: {match_type: strict, ${match}}}`,
      signal,
    )
  assert.throws(
    make('log_bodies: [a]', 'traces'),
    /exclude: log_bodies cannot be used for traces; use services/,
  )
  assert.throws(make('services: [a]', 'logs'), /services cannot be used for logs/)
  assert.throws(
    make('attributes: [{key: a}]', 'metrics'),
    /attributes cannot be used for metrics; use metric_names/,
  )
  assert.throws(make('', 'traces'), /exclude: is empty; write at least one of/)
  assert.throws(make('span_kinds: [SERVER]', 'traces'), /"SERVER" is not a span kind; use SPAN_KIND_INTERNAL/)
})

// Scenario: `resources` in a match for metrics, which the Collector takes and does not look at.
// Guarantees: the same here, and a warning at start says so.
test('resources for metrics have no effect and say so', async () => {
  const match = '{match_type: strict, resources: [{key: a}]}'
  const yaml = `{actions: [{key: a, action: delete}], include: ${match}}`
  const tried = tryProcessor(factory, yaml, 'metrics')
  await tried.processor.start()
  assert.match(tried.settings.log.lines[0]!.message, /include: resources has no effect on metrics/)
})
