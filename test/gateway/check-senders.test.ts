import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../config/node.ts'
import { openConfig } from '../../gateway/open-config.ts'

async function said(
  batch: string,
  queue: string,
  exporter = 'auth: {authenticator: headers_setter}',
): Promise<string[]> {
  const yaml = `extensions:
  headers_setter:
    headers:
      - {action: insert, key: a, from_context: X-Tenant}
      - {action: insert, key: b, from_attribute: username}
      - {action: insert, key: c, value: fixed}
receivers: {otlp: {protocols: {http: }}}
processors: {batch: {${batch}}, resource: {attributes: [{key: a, value: b, action: insert}]}}
exporters: {otlp_http: {endpoint: "http://a", ${exporter}, sending_queue: {${queue}}}}
service:
  extensions: [headers_setter]
  pipelines:
    traces: {receivers: [otlp], processors: [resource, batch], exporters: [otlp_http]}
`
  const { check } = await openConfig(
    { sources: [`yaml:${yaml}`], sets: [], gates: [] },
    { env: {}, cwd: '/' },
  )
  assert.equal(check.failed, false)
  return check.problems.map(problem => formatProblem(problem).replace(/^yaml:extensions::/, ''))
}

const BOTH = 'metadata_keys: [x-tenant, auth.username]'

// Scenario: an exporter whose headers come from the sender, behind a batch and with batching in its queue, each with all
// keys, with some, and with none.
// Guarantees: a warning for each that merges what must stay apart, with the keys to add; none where nothing is lost.
test('merging what must stay apart is warned of', async () => {
  assert.deepEqual(await said(BOTH, `batch: {partition: {${BOTH}}}`), [])
  assert.deepEqual(await said(BOTH, ''), [])
  assert.deepEqual(await said('', 'batch: {}', 'compression: none'), [])
  assert.deepEqual(await said(BOTH, 'enabled: false, batch: {}'), [])
  assert.deepEqual(await said('metadata_keys: [X-TENANT]', ''), [
    '13:56: warning: service::pipelines::traces::processors: batch merges requests of different senders, and otlp_http puts auth.username of each into a header; add auth.username to its metadata_keys',
  ])
  const [processor, queue] = await said('', 'batch: {}')
  assert.match(processor!, /processors: batch merges .* X-Tenant, auth\.username of each/)
  assert.match(
    queue!,
    /exporters: sending_queue::batch of otlp_http merges .*; add X-Tenant, auth\.username to its metadata_keys/,
  )
})

// Scenario: remote write, whose queue merges whatever waits, with and without such an authenticator.
// Guarantees: it keeps senders apart by itself then, so there is nothing to warn of.
test('remote write keeps senders apart', async () => {
  const yaml = `extensions: {headers_setter: {headers: [{action: insert, key: a, from_context: X-Tenant}]}}
receivers: {otlp: {protocols: {http: }}}
exporters: {prometheus_remote_write: {endpoint: "http://a", auth: {authenticator: headers_setter}}}
service:
  extensions: [headers_setter]
  pipelines: {metrics: {receivers: [otlp], exporters: [prometheus_remote_write]}}
`
  const { check } = await openConfig(
    { sources: [`yaml:${yaml}`], sets: [], gates: [] },
    { env: {}, cwd: '/' },
  )
  assert.deepEqual(check.problems.map(formatProblem), [])
})
