import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptsGzip, contentType, negotiate } from '../../../../core/formats/prometheus/accept.ts'

const PROTO = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'
/** What Prometheus 3 sends with native histograms on. */
const PROMETHEUS = `${PROTO};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`

/** Accept header, whether OpenMetrics is on, the Content-Type without its escaping, the escaping. */
const CASES: readonly (readonly [accept: string, open: boolean, type: RegExp, escaping: string])[] = [
  ['', true, /^text\/plain; version=0\.0\.4; charset=utf-8;/, 'underscores'],
  ['*/*', true, /^text\/plain/, 'underscores'],
  [PROMETHEUS, true, /^application\/vnd\.google\.protobuf; proto=.*; encoding=delimited;/, 'underscores'],
  [PROMETHEUS.slice(PROTO.length), true, /^application\/openmetrics-text; version=1\.0\.0;/, 'allow-utf-8'],
  [PROMETHEUS.slice(PROTO.length), false, /^text\/plain/, 'allow-utf-8'],
  ['application/openmetrics-text', true, /version=0\.0\.1/, 'underscores'],
  ['application/openmetrics-text;version=2.0.0', true, /^text\/plain/, 'underscores'],
  ['text/plain;q=0.1,application/openmetrics-text;version=1.0.0;q=0.9', true, /openmetrics/, 'underscores'],
  ['text/plain; version="0.0.4"; escaping=dots', true, /^text\/plain/, 'dots'],
  ['text/plain;escaping=rot13', true, /^text\/plain/, 'underscores'],
  [PROTO.replace('delimited', 'text'), true, /^text\/plain/, 'underscores'],
  [';;;,,=;q=x', true, /^text\/plain/, 'underscores'],
]

// Scenario: Accept headers, those of Prometheus among them.
// Guarantees: the best form that is offered, and the escaping that was asked for on the way to it.
test('what a scraper asks for', () => {
  for (const [accept, open, type, escaping] of CASES) {
    const written = contentType(negotiate(accept, open))
    assert.match(written, type, accept)
    assert.ok(written.endsWith(`; escaping=${escaping}`), `${accept}: ${written}`)
  }
})

// Scenario: Accept-Encoding headers.
// Guarantees: gzip where it is taken, and not where it is refused.
test('gzip', () => {
  assert.deepEqual(
    ['gzip', 'deflate, gzip;q=0.5', '*', '', 'identity', 'gzip;q=0', 'gzip; q=0.0', 'zstd'].map(acceptsGzip),
    [true, true, true, false, false, false, false, false],
  )
})
