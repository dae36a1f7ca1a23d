/** What is asked and put before the first document. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numberedSpans, refusedBy, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'
import type { FakeElasticsearch } from '../../kit/fake-elasticsearch.ts'
import type { Tree } from '../../kit/node.ts'

// Scenario: a cluster that does not listen at first, then is busy, then is there.
// Guarantees: the exporter starts all the same; no document before the templates.
test('nothing is written before the templates are there', async () => {
  await withExporter(
    {},
    async (exporter, settings, cluster) => {
      assert.match((await refusedBy(exporter, numberedSpans(1))).message, /busy/)
      assert.equal(cluster.bulks.length, 0)
      assert.ok(settings.log.lines.some(({ message }) => /not there yet/.test(message)))
      cluster.answer = () => undefined
      assert.deepEqual(await sendTo(exporter, numberedSpans(1)), { sent: 1 })
      assert.equal(cluster.templates.length, 2)
    },
    cluster => {
      cluster.answer = () => ({ status: 503, body: { error: { type: 'x', reason: 'busy' } } })
    },
  )
})

// Scenario: a template is refused; a cluster without GET /; OpenSearch, also under the version
// 7; one that is too old; templates made by others.
// Guarantees: the way out is named; the right kind of template for each.
test('the cluster decides on the templates', async () => {
  const withCluster = async <T>(
    config: Tree,
    root: { status: number; body: unknown },
    look: (cluster: FakeElasticsearch) => T,
  ): Promise<T> => {
    let found: T | undefined
    await withExporter(
      config,
      async (exporter, _settings, cluster) => {
        await sendTo(exporter, numberedSpans(1))
        found = look(cluster)
      },
      cluster => {
        cluster.answer = ({ path }) => (path === '/' ? root : undefined)
      },
    )
    return found!
  }
  const paths = (config: Tree, root: { status: number; body: unknown }): Promise<string[]> =>
    withCluster(config, root, cluster => cluster.templates.map(({ path }) => path))
  const none = { status: 405, body: 'no' }
  assert.deepEqual(await paths({}, none), ['/_index_template/jaeger-span', '/_index_template/jaeger-service'])
  const open = { status: 200, body: { version: { number: '2.11.0', distribution: 'opensearch' } } }
  assert.deepEqual(await paths({}, open), ['/_template/jaeger-span', '/_template/jaeger-service'])
  assert.deepEqual(await paths({ jaeger: { version: '7' } }, none), [
    '/_template/jaeger-span',
    '/_template/jaeger-service',
  ])
  assert.deepEqual(await paths({ jaeger: { create_mappings: false } }, none), [])
  await withExporter(
    {},
    async exporter => {
      assert.match(
        (await refusedBy(exporter, numberedSpans(1))).message,
        /index pattern.*create_mappings: false/,
      )
    },
    cluster => {
      cluster.answer = ({ method }) =>
        method === 'PUT'
          ? { status: 400, body: { error: { type: 'illegal_argument_exception', reason: 'index pattern' } } }
          : undefined
    },
  )
  const settingsOf = (rotation: string, root: { status: number; body: unknown }): Promise<string> =>
    withCluster({ jaeger: { version: '7', rotation } }, root, cluster =>
      JSON.stringify(cluster.templates[0]!.lines),
    )
  assert.match(await settingsOf('auto_rollover', open), /plugins.index_state_management.rollover_alias/)
  for (const root of [none, { status: 200, body: { version: { number: '7.17.0' } } }])
    assert.match(await settingsOf('auto_rollover', root), /index.lifecycle.rollover_alias/)
  const old = { status: 200, body: { version: { number: '6.8.0' } } }
  await assert.rejects(paths({}, old), /too old/)
})
