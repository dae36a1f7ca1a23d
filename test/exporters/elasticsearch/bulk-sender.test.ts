/** What becomes of documents: by the answer to a whole bulk request, and by that to each document in it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numberedSpans, numberOf, refusedBy, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'
import type { Tree } from '../../kit/node.ts'

// Scenario: of a thousand documents ten are too much for now, one has a field of a wrong type, one is there already.
// Guarantees: the ten are sent again and no others; the wrong one is lost with Elasticsearch's reason, never retried.
test('each document has a fate of its own', async () => {
  await withExporter({ flush: { bytes: 40_000 } }, async (exporter, settings, cluster) => {
    cluster.item = document => {
      if (document.traceID === undefined) return { status: 201 }
      const n = numberOf(document)
      if (n === 500) {
        const error = {
          type: 'mapper_parsing_exception',
          reason: 'failed to parse',
          caused_by: { reason: 'no date' },
        }
        return { status: 400, error }
      }
      if (n === 600)
        return { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'there' } }
      if (n % 100 === 7)
        return { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
      return { status: 201 }
    }
    const first = await sendTo(exporter, numberedSpans(1000))
    assert.equal(first.sent, 989)
    assert.deepEqual(first.rejected, [
      {
        items: 1,
        reason: 'rejected_by_server',
        message: '400 mapper_parsing_exception: failed to parse: no date',
      },
    ])
    assert.equal(first.retry?.items, 10)
    assert.ok(cluster.bulks.length > 5, 'bodies are bounded')
    for (const { byteLength } of cluster.bulks) assert.ok(byteLength <= 40_000, `${byteLength}`)
    cluster.item = () => ({ status: 201 })
    const before = cluster.spans.length
    assert.deepEqual(await sendTo(exporter, first.retry!), { sent: 10 })
    const again = cluster.spans.slice(before).map(numberOf)
    assert.deepEqual(again, [7, 107, 207, 307, 407, 507, 607, 707, 807, 907])
    assert.equal(cluster.services.length, 1)
    const failed = (type: string) =>
      settings.metrics.read(
        `sluice_elasticsearch_failed_documents{error_type="${type}",exporter="elasticsearch"}`,
      )
    assert.equal(failed('mapper_parsing_exception'), 1)
    assert.equal(failed('es_rejected_execution_exception'), 10)
    assert.equal(failed('version_conflict_engine_exception'), 1)
  })
})

// Scenario: every status for a whole request; a 200 with something else than an answer to a bulk request, or
// one that does not tell of each document.
// Guarantees: what may pass is refused, with the cluster's words and wait; what cannot is lost.
test('every status has its outcome', async () => {
  await withExporter({}, async (exporter, _settings, cluster) => {
    for (const status of [401, 403, 408, 429, 500, 502, 503, 504]) {
      cluster.answer = ({ path }) =>
        path.startsWith('/_bulk')
          ? {
              status,
              body: { error: { type: 'some_exception', reason: 'because' } },
              headers: { 'retry-after': '7' },
            }
          : undefined
      const refused = await refusedBy(exporter, numberedSpans(2))
      assert.match(refused.message, new RegExp(`answered ${status} some_exception: because`))
      assert.equal(refused.afterMs, 7000)
    }
    for (const status of [400, 404, 405, 413]) {
      cluster.answer = ({ path }) => (path.startsWith('/_bulk') ? { status, body: 'no' } : undefined)
      const { sent, rejected } = await sendTo(exporter, numberedSpans(1))
      assert.deepEqual([sent, rejected?.[0]?.items], [0, 1], `${status}`)
    }
    const there = { index: { status: 201 } }
    for (const body of [
      { hello: 1 },
      { errors: true },
      { errors: true, items: [there] },
      { errors: true, items: [there, there, null] },
      { errors: true, items: [there, there, { index: null }] },
      { errors: true, items: [there, there, { index: { error: {} } }] },
    ]) {
      cluster.answer = ({ path }) => (path.startsWith('/_bulk') ? { status: 200, body } : undefined)
      assert.match((await refusedBy(exporter, numberedSpans(2))).message, /not one to a bulk request/)
    }
  })
})

// Scenario: no level, the best one, and no compression at all.
// Guarantees: gzip says in its header how it was made: as fast as it goes unless the config says otherwise.
test('the level of gzip', async () => {
  const headerOf = async (config: Tree): Promise<readonly [string | undefined, number]> => {
    let found: readonly [string | undefined, number] = [undefined, -1]
    await withExporter(config, async (exporter, _settings, cluster) => {
      await sendTo(exporter, numberedSpans(3))
      const { headers, raw } = cluster.bulks[0]!
      found = [headers['content-encoding'] as string | undefined, raw[8]!]
    })
    return found
  }
  assert.deepEqual(await headerOf({}), ['gzip', 4])
  assert.deepEqual(await headerOf({ compression_params: { level: 9 } }), ['gzip', 2])
  assert.equal((await headerOf({ compression: 'none' }))[0], undefined)
})

// Scenario: the cluster takes no body of more than three documents, and one document not even alone.
// Guarantees: requests are halved until they fit; the one is lost and holds up nobody.
test('bodies that are too large are halved', async () => {
  await withExporter({ compression: 'none' }, async (exporter, _settings, cluster) => {
    cluster.answer = ({ path, lines }) =>
      path.startsWith('/_bulk') &&
      (lines.length > 6 || lines.some(line => line.traceID && numberOf(line) === 5))
        ? { status: 413, body: '' }
        : undefined
    const { sent, rejected, retry } = await sendTo(exporter, numberedSpans(20))
    assert.deepEqual([sent, rejected?.[0]?.items, retry], [19, 1, undefined])
    assert.equal(cluster.bulks[0]!.headers['content-encoding'], undefined)
  })
})
