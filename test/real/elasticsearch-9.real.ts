/** Elasticsearch 9.5: the same documents, found by the same Jaeger. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../kit/es-search.ts'
import { pathOf, requestOf, SEARCHES, TRACES } from '../kit/jaeger-cases.ts'
import { agreed, assertSameDocuments, pair, readerOfOurs, writeBoth } from '../kit/jaeger-pair.ts'
import { elasticsearch9Url } from '../services/elasticsearch.ts'

// Scenario: Jaeger's storage cases into Elasticsearch 9, by Jaeger's own writer and by ours; every search.
// Guarantees: our templates are taken and used; documents are the same; searches find the same as over Jaeger's own.
test('Elasticsearch 9 holds what 8 holds', { timeout: 900_000 }, async t => {
  const writers = await pair(t, { version: 9 }, elasticsearch9Url)
  if (writers === undefined) return
  const { url, ours } = writers
  const { nodes } = await ask(`${url}/_nodes?filter_path=nodes.*.version`)
  assert.match(JSON.stringify(nodes), /"version":"9\./)
  await writeBoth(writers, Object.keys(TRACES).map(requestOf))
  await assertSameDocuments(writers)
  const indices = Object.values(await ask(`${url}/${ours}-jaeger-span-*/_mapping`)) as {
    mappings: { properties: Record<string, { type?: string }> }
  }[]
  assert.ok(indices.length > 0)
  for (const { mappings } of indices) assert.equal(mappings.properties['tags']?.type, 'nested')
  const reader = await readerOfOurs(t, writers)
  for (const [, search, names] of SEARCHES)
    await agreed([writers.jaeger, reader], pathOf(search), data => data.length === names.length)
})
