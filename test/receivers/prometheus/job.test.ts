import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatPromDuration,
  parsePromDuration,
  parseSize,
} from '../../../receivers/prometheus/config/words.ts'
import { factory, type PrometheusReceiverConfig } from '../../../receivers/prometheus/index.ts'
import { jobOf, PAGE_BYTES_MAX } from '../../../receivers/prometheus/job.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'
import { job } from './kit.ts'

function made(keys: object, global: object = {}) {
  const { config } = readConfig(factory.config, job('a:1', keys, {}, global)) as PrometheusReceiverConfig
  return jobOf(config.scrape_configs[0]!, config.global)
}

// Scenario: jobs that say nothing, jobs that say it themselves, and such as leave it to global.
// Guarantees: Prometheus' defaults, and what a job says wins.
test('what a job is', () => {
  const bare = made({}, { scrape_interval: '' })
  assert.deepEqual(
    [bare.interval, bare.timeout, bare.pageBytes, bare.utf8],
    [60_000, 10_000, PAGE_BYTES_MAX, true],
  )
  assert.equal(
    bare.accept,
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,' +
      'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
  )
  assert.equal(made({ scrape_interval: '5s' }).timeout, 5000)
  assert.match(made({ scrape_native_histograms: true }).accept, /^application\/vnd\.google\.protobuf/)
  const inherited = made(
    {},
    {
      body_size_limit: '1MB',
      sample_limit: 5,
      scrape_native_histograms: true,
      metric_name_validation_scheme: 'legacy',
    },
  )
  assert.deepEqual(
    [inherited.pageBytes, inherited.sampleLimit, inherited.parse.native, inherited.utf8],
    [1024 ** 2, 5, true, false],
  )
  assert.match(inherited.accept, /escaping=underscores/)
  const own = made(
    { sample_limit: 3, scrape_native_histograms: false },
    { sample_limit: 5, scrape_native_histograms: true },
  )
  assert.deepEqual([own.sampleLimit, own.parse.native], [3, false])
  const scales = [0, 1.1, 1.5, 2, 16, 1e9].map(
    factor => made({ native_histogram_min_bucket_factor: factor }).scaleMax,
  )
  assert.deepEqual(scales, [8, 2, 0, 0, -2, -4])
})

// Scenario: durations and sizes as Prometheus' users write them.
// Guarantees: days and weeks are known, fractions are not, KB and KiB are 1024 bytes both; a duration is printed back.
test('durations and sizes', () => {
  const durations = {
    '0': 0,
    '15s': 15_000,
    '1m30s': 90_000,
    '1d12h': 129_600_000,
    '2w': 1_209_600_000,
    '5ms': 5,
  }
  for (const [written, ms] of Object.entries(durations)) {
    assert.equal(parsePromDuration(written), ms)
    assert.equal(parsePromDuration(formatPromDuration(ms)), ms)
  }
  for (const wrong of ['', '1.5s', '1', '-1s', '1s1m', 's']) assert.equal(parsePromDuration(wrong), undefined)
  assert.deepEqual(['1KB', '1KiB', '1.5MB', '7B', '0', ''].map(parseSize), [1024, 1024, 1_572_864, 7, 0, 0])
  for (const wrong of ['1', '1kb', '-1KB', 'MB']) assert.equal(parseSize(wrong), undefined)
})

// Scenario: a config with many mistakes at once.
// Guarantees: all of them are told, each with what to do.
test('mistakes are told all at once', () => {
  const { problems } = tryConfig(factory.config, {
    config: {
      scrape_configs: [
        {
          job_name: 'a',
          scrape_intervall: '1s',
          scrape_interval: '1.5s',
          body_size_limit: '10',
          kubernetes_sd_configs: [{ role: 'pod' }],
          static_configs: [{ targets: ['http://a/metrics'] }],
          relabel_configs: [{ regex: '(', target_label: 'x' }, { action: 'hashmod' }],
        },
      ],
      remote_write: [{ url: 'http://a' }],
    },
    target_allocator: { endpoint: 'http://a' },
  })
  const said = problems.join('\n')
  for (const part of [
    'scrape_intervall: is not a known key; did you mean "scrape_interval"?',
    '"1.5s" is not a duration; write whole numbers with units',
    '"10" is not a size; write a number with its unit',
    'discovery by kubernetes is not available yet; write static_configs, or file_sd_configs',
    'regex: "(" is no pattern',
    'target_label: is missing: hashmod needs one',
    'modulus: is missing: hashmod needs one',
    'remote_write: is no part of scraping; write an exporter prometheus_remote_write',
    'target_allocator: a target allocator cannot be asked yet',
  ])
    assert.ok(said.includes(part), `${part}\n\n${said}`)
})
