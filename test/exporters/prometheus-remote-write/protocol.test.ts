/** What the specifications of remote write 1.0 and 2.0 ask of a sender's requests: headers, symbols, labels, batching. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  at,
  attributes,
  counter,
  exponential,
  gauge,
  histogram,
  type Plain,
  point,
  started,
  V2,
  VERSIONS,
} from './kit.ts'

const SOME = [gauge('a', 1, { x: '1' }), counter('b', [point(10, 5)]), histogram('c')]

for (const [version, config] of VERSIONS) {
  // Scenario: metrics are sent; the config has headers of its own, some of which the protocol has a meaning for.
  // Guarantees: POST, the headers of the version, an RFC 9110 User-Agent, snappy's block form; own headers arrive, and
  // those of the protocol stay what they are.
  test(`headers, version ${version}`, async t => {
    const { server, send } = await started(t, {
      ...config,
      headers: {
        'X-Scope-OrgID': 'tenant',
        'Content-Type': 'text/plain',
        'content-encoding': 'gzip',
        'X-Prometheus-Remote-Write-Version': '9',
        'User-Agent': 'mine',
      },
    })
    await send(SOME)
    const [{ method, headers, path }] = server.requests as [(typeof server.requests)[0]]
    assert.equal(method, 'POST')
    assert.equal(path, '/api/v1/write')
    assert.equal(headers['content-encoding'], 'snappy')
    assert.equal(
      headers['content-type'],
      version === 1
        ? 'application/x-protobuf'
        : 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    )
    assert.equal(headers['x-prometheus-remote-write-version'], version === 1 ? '0.1.0' : '2.0.0')
    assert.match(headers['user-agent']!, /^sluice-test\/[\w.]+ \(.+\)$/)
    assert.equal(headers['x-scope-orgid'], 'tenant')
  })

  // Scenario: attributes in any order, with odd keys, long and foreign values; resource, scope, external labels.
  // Guarantees: each series has a name, labels sorted by name, each once, none empty, names as Prometheus takes them,
  // and values untouched.
  test(`labels, version ${version}`, async t => {
    const { server, send } = await started(t, {
      ...config,
      external_labels: { zone: 'eu', 'a.b': 'never' },
    })
    const long = 'x'.repeat(20_000)
    await send(
      [
        gauge('odd.name-here', 1, { zz: '日本語 "quoted" \\ \n', 'a.b': '1', '9': 'nine', empty: '', long }),
        gauge(`n${'a'.repeat(5000)}`, 2),
      ],
      {
        resource: { 'service.name': 's', 'service.namespace': 'ns', 'service.instance.id': 'i', host: 'h' },
        scope: { name: 'lib', version: '', attributes: attributes({ team: 'core', none: '' }) },
      },
    )
    for (const { labels } of server.requests.flatMap(({ series }) => series)) {
      const names = labels.map(([name]) => name)
      assert.deepEqual(names, [...new Set(names)].sort())
      assert.ok(names.includes('__name__'))
      for (const [name, value] of labels) {
        assert.match(name, /^[a-zA-Z_][a-zA-Z0-9_]*$/)
        assert.notEqual(value, '')
      }
    }
    const found = [...server.taken().values()].map(({ labels }) => Object.fromEntries(labels))
    assert.deepEqual(
      found.find(({ __name__ }) => __name__ === 'odd_name_here'),
      {
        __name__: 'odd_name_here',
        a_b: '1',
        instance: 'i',
        job: 'ns/s',
        key_9: 'nine',
        long,
        otel_scope_name: 'lib',
        otel_scope_team: 'core',
        zone: 'eu',
        zz: '日本語 "quoted" \\ \n',
      },
    )
    assert.deepEqual(
      found.find(({ __name__ }) => __name__ === 'target_info'),
      { __name__: 'target_info', a_b: 'never', host: 'h', instance: 'i', job: 'ns/s', zone: 'eu' },
    )
    assert.ok(found.some(({ __name__ }) => __name__!.length === 5001))
  })

  // Scenario: 500 series, 20 of them with many samples, in requests of at most 4000 bytes; then one that is larger alone.
  // Guarantees: no request but the last is larger, each series is in one request whole, several series share a request,
  // and what one data point makes is in one request.
  test(`sizes, version ${version}`, async t => {
    const { server, send } = await started(t, { ...config, max_batch_size_bytes: 4000 })
    const many = Array.from({ length: 20 }, (_, i) => point(10 + i, i))
    await send([
      ...Array.from({ length: 240 }, (_, i) => gauge('g', i, { i: String(i) })),
      ...Array.from({ length: 20 }, (_, i) => counter(`c${i}`, many)),
      ...Array.from({ length: 40 }, (_, i) => histogram(`h${i}`)),
    ])
    assert.ok(server.requests.length > 5)
    const home = new Map<string, number>()
    for (const [nth, { bytes, series }] of server.requests.entries()) {
      assert.ok(bytes <= 4000, `${bytes}`)
      assert.ok(series.length > 1)
      for (const { key, labels } of series) {
        assert.ok(!home.has(key), key)
        home.set(key, nth)
        const name = labels.find(([label]) => label === '__name__')![1]
        if (/^h\d+_/.test(name)) {
          const base = name.replace(/_.*/, '')
          assert.equal(home.get(base) ?? nth, nth, `${base} is in two requests`)
          home.set(base, nth)
        }
      }
    }
    assert.equal(server.taken().size, 240 + 20 + 40 * 5)
    const before = server.requests.length
    await send([gauge('large', 1, { text: 'y'.repeat(6000) }), gauge('small', 1)])
    assert.equal(server.requests.length, before + 2)
  })
}

// Scenario: metrics with long descriptions, in requests of at most 4000 bytes.
// Guarantees: descriptions count, and count once for series that share them.
test('sizes with descriptions', async t => {
  const { server, send } = await started(t, { ...V2, max_batch_size_bytes: 4000 })
  const told = (i: number): Plain => ({
    name: `told${i}`,
    description: String(i).repeat(1000),
    gauge: {
      dataPoints: [1, 2, 3].map(n => ({
        timeUnixNano: at(10),
        asDouble: n,
        attributes: attributes({ n: String(n) }),
      })),
    },
  })
  await send([1, 2, 3, 4, 5, 6, 7, 8].map(told))
  for (const { bytes } of server.requests) assert.ok(bytes <= 4000, `${bytes}`)
  assert.equal(server.requests.length, 3)
  assert.equal(server.taken().size, 24)
})

// Scenario: names with letters beyond U+FFFF, which JavaScript and Prometheus sort otherwise.
// Guarantees: labels are in the order of their bytes.
test('labels in the order of their bytes', async t => {
  const { server, send } = await started(t, { ...V2, translation_strategy: 'NoTranslation' })
  const names = ['a\u{10000}', 'a\u{ffff}', 'a\u{1f600}b', 'a\u{1f600}a', 'a\u{e000}', 'a']
  await send([gauge('g', 1, Object.fromEntries(names.map(name => [name, 'x'])))])
  const labels = server.requests[0]!.series[0]!.labels.map(([name]) => name)
  assert.equal(labels.length, 7)
  assert.deepEqual(
    labels,
    labels.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
})

// Scenario: many series with the same names and values; exemplars with texts that labels have too.
// Guarantees: the symbols begin with the empty text and no text stands there twice; the reader, which throws on a
// reference to nothing and on half a pair, reads all; nothing of 1.0 is in it.
test('the symbol table', async t => {
  const { server, send } = await started(t, V2)
  await send([
    ...Array.from({ length: 50 }, (_, i) => gauge('g', i, { i: String(i), same: 'same' })),
    {
      ...counter('c', [
        point(10, 1, {
          exemplars: [1, 2].map(value => ({
            asDouble: value,
            timeUnixNano: at(9 + value / 10),
            traceId: Buffer.alloc(16, 7),
            filteredAttributes: attributes({ same: 'same', other: 'text' }),
          })),
        }),
      ]),
      description: 'same',
      unit: 's',
    },
  ])
  const [{ symbols, metadata }] = server.requests as [(typeof server.requests)[0]]
  assert.equal(symbols[0], '')
  assert.deepEqual(symbols, [...new Set(symbols)])
  assert.ok(symbols.length < 70, `${symbols.length}`)
  assert.deepEqual(metadata, [])
})

// Scenario: every kind of metric as 1.0.
// Guarantees: no symbols, no start times, no metadata unless asked for; then in requests of their own.
test('version 1 has nothing of version 2', async t => {
  const { server, send } = await started(t)
  const kinds: Plain[] = [...SOME, exponential('d')]
  await send(kinds)
  for (const { symbols, series, metadata } of server.requests) {
    assert.deepEqual([symbols, metadata], [[], []])
    for (const { samples, histograms } of series)
      for (const { start } of [...samples, ...histograms]) assert.equal(start, 0)
  }
  const told = await started(t, { send_metadata: true })
  await told.send(kinds.map(one => ({ ...one, description: 'What it is.', unit: 'By' })))
  const [first, second] = told.server.requests
  assert.deepEqual(first!.metadata, [])
  assert.deepEqual(second!.series, [])
  assert.deepEqual(
    second!.metadata.map(({ metric_family_name: name, type, help, unit }) => [name, type, help, unit]),
    [
      ['a_bytes', 2, 'What it is.', 'bytes'],
      ['b_bytes_total', 1, 'What it is.', 'bytes'],
      ['c_bytes', 3, 'What it is.', 'bytes'],
      ['d_bytes', 3, 'What it is.', 'bytes'],
    ],
  )
})
