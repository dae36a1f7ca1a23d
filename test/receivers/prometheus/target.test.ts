import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factory } from '../../../receivers/prometheus/index.ts'
import { jobOf } from '../../../receivers/prometheus/job.ts'
import { BadTarget, offsetOf, type Target, targetOf } from '../../../receivers/prometheus/target.ts'
import { readConfig } from '../../kit/read-config.ts'
import { job } from './kit.ts'

function made(keys: object, address = 'host:1', labels: Record<string, string> = {}): Target | undefined {
  const { config } = readConfig(factory.config, job('a:1', keys))
  const group = { source: 'test', targets: [address], labels: new Map(Object.entries(labels)) }
  return targetOf(address, group, jobOf(config.scrape_configs[0]!, config.global))
}

const rules = (...relabel_configs: object[]) => ({ relabel_configs })

// Scenario: targets with labels of their group, of the job, and such as rules write.
// Guarantees: URL, times and labels as Prometheus makes them; what begins with two underscores stays inside.
test('what becomes of a target', () => {
  const plain = made({}, 'host:1', { zone: 'z', __meta_x: 'y', empty: '' })!
  assert.deepEqual(plain.own, [
    ['instance', 'host:1'],
    ['job', 'j'],
    ['zone', 'z'],
  ])
  assert.equal(plain.url.href, 'http://host:1/metrics')
  assert.equal(plain.labels.has('__meta_x'), false)
  const odd = made(
    {
      scheme: 'https',
      metrics_path: '/a b?c',
      params: { q: ['1', '2'], p: ['ä'] },
      ...rules(
        { target_label: '__address__', replacement: '[::1]:99' },
        { target_label: '__scrape_interval__', replacement: '1m30s' },
        { target_label: '__scrape_timeout__', replacement: '500ms' },
        { target_label: '__param_q', replacement: 'new' },
        { target_label: 'job', replacement: 'other' },
      ),
    },
    'x:1',
    { instance: 'given' },
  )!
  assert.equal(odd.url.href, 'https://[::1]:99/a%20b%3Fc?p=%C3%A4&q=new&q=2')
  assert.deepEqual([odd.interval, odd.timeout, odd.job, odd.instance], [90_000, 500, 'other', 'given'])
  assert.equal(made(rules({ source_labels: ['__address__'], regex: 'host.*', action: 'drop' })), undefined)
})

// Scenario: targets that are none.
// Guarantees: each is refused with a reason, one by one.
test('what is no target', () => {
  const wrong: [keys: object, address: string, message: RegExp][] = [
    [{}, '', /it has no address/],
    [rules({ target_label: 'a', replacement: 'b' }), 'http://a/b', /"http:\/\/a\/b" is not a host and port/],
    [rules({ target_label: 'a', replacement: 'b' }), 'user@host', /not a host and port/],
    [rules({ target_label: '__scheme__', replacement: 'ftp' }), 'a:1', /"ftp" is neither http nor https/],
    [
      rules({ target_label: '__scrape_interval__', replacement: '0s' }),
      'a:1',
      /__scrape_interval__ "0s" is not a length/,
    ],
    [
      rules({ target_label: '__scrape_interval__', replacement: `${'9'.repeat(400)}y` }),
      'a:1',
      /__scrape_interval__ "9+y" is not a length/,
    ],
    [rules({ target_label: '__scrape_interval__', replacement: '293y' }), 'a:1', /"293y" is not a length/],
    [
      rules({ target_label: '__scrape_timeout__', replacement: '1h' }),
      'a:1',
      /timeout is longer than its interval/,
    ],
  ]
  for (const [keys, address, message] of wrong)
    assert.throws(
      () => made(keys, address),
      error => error instanceof BadTarget && message.test(error.message),
    )
})

// Scenario: many targets of one job.
// Guarantees: each has a place of its own in the interval, the same one whenever it is asked for.
test('scrapes are spread over the interval', () => {
  const targets = Array.from({ length: 100 }, (_, i) => made({ scrape_interval: '10s' }, `host-${i}:1`)!)
  const places = targets.map(target => {
    const place = (now: number) => Math.round((now + offsetOf(target, 7n, now)) % 10_000)
    assert.ok(offsetOf(target, 7n, 123_456) >= 0 && offsetOf(target, 7n, 123_456) <= 10_000)
    assert.equal(place(1_700_000_000_000), place(1_700_000_123_457))
    return place(0)
  })
  for (let tenth = 0; tenth < 10_000; tenth += 2500)
    assert.ok(places.filter(place => place >= tenth && place < tenth + 2500).length > 8)
})
