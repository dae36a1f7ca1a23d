/** Documents that are refused for ever, in a file. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { numberedSpans, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-'))
after(() => rmSync(folder, { recursive: true }))

// Scenario: documents are refused for ever, with a file for them that has room for two.
// Guarantees: lines from which the request can be made again, with Elasticsearch's reason; the third is counted apart.
test('dead letters', async () => {
  const file = join(folder, 'sub', 'dead.jsonl')
  await withExporter({ dead_letter: { file } }, async (exporter, _settings, cluster) => {
    cluster.item = document =>
      document.traceID === undefined
        ? { status: 201 }
        : { status: 400, error: { type: 'document_parsing_exception', reason: 'odd' } }
    const { sent, rejected } = await sendTo(exporter, numberedSpans(2))
    assert.deepEqual([sent, rejected?.map(({ items, reason }) => [items, reason])], [0, [[2, 'dead_letter']]])
    const [line] = readFileSync(file, 'utf8').split('\n')
    const letter = JSON.parse(line!)
    assert.deepEqual([letter.status, letter.type, letter.reason], [400, 'document_parsing_exception', 'odd'])
    assert.equal(letter.document.operationName, 'operation')
    assert.match(letter.action.index._index, /^jaeger-span-/)
  })
  const size = readFileSync(file).length
  writeFileSync(file, Buffer.alloc(1024 * 1024 - size))
  await withExporter({ dead_letter: { file, max_megabytes: 1 } }, async (exporter, settings, cluster) => {
    cluster.item = document => (document.traceID === undefined ? { status: 201 } : { status: 400 })
    const { rejected } = await sendTo(exporter, numberedSpans(3))
    assert.deepEqual(
      rejected?.map(({ items, reason }) => [items, reason]),
      [
        [2, 'dead_letter'],
        [1, 'rejected_by_server'],
      ],
    )
    assert.ok(settings.log.lines.some(({ fields }) => /is full/.test(String(fields['problem']))))
  })
})
