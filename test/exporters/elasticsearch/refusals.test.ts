/** What the log says of documents that are refused for ever. */

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Refusals } from '../../../exporters/elasticsearch/refusals.ts'
import { numberedSpans, sendTo, withExporter } from '../../kit/elasticsearch-exporter.ts'
import { RecordingLog } from '../../kit/parts.ts'

const EMPTY = new Uint8Array()

function letters(count: number, type: string) {
  const one = { action: EMPTY, document: EMPTY, status: 400, type, reason: `no ${type}`, items: 1 }
  return new Array<typeof one>(count).fill(one)
}

// Scenario: a thousand bulk requests with refused documents within a tick, of two kinds, some of which are dead letters;
// nothing in the tick after it; then one more.
// Guarantees: one line at once for each kind, one with the sums at the end of the tick, none in a tick without any.
test('the first at once, then sums', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const log = new RecordingLog()
    const refusals = new Refusals(log, 10_000)
    const said = () =>
      log.lines
        .splice(0)
        .map(({ fields: { documents, dead_letters, detail, problem } }) => [
          documents,
          dead_letters,
          detail,
          ...(problem === undefined ? [] : [problem]),
        ])
    const both = [...letters(3, 'mapper'), ...letters(2, 'strict')]
    refusals.tell({ letters: both, taken: 4, problem: 'full' })
    assert.deepEqual(said(), [
      [3, 3, '400 mapper: no mapper', 'full'],
      [2, 1, '400 strict: no strict', 'full'],
    ])
    for (let i = 0; i < 999; i++) refusals.tell({ letters: both, taken: 4, problem: 'full' })
    assert.deepEqual(said(), [])
    // Another problem with the dead letters is not to wait.
    refusals.tell({ letters: letters(1, 'mapper'), taken: 0, problem: 'no disk' })
    assert.deepEqual(said(), [[1, 0, '400 mapper: no mapper', 'no disk']])
    mock.timers.tick(10_000)
    assert.deepEqual(said(), [
      [2997, 2997, '400 mapper: no mapper', 'full'],
      [1998, 999, '400 strict: no strict', 'full'],
    ])
    mock.timers.tick(20_000)
    assert.deepEqual(said(), [])
    refusals.tell({ letters: letters(7, 'mapper'), taken: 7, problem: undefined })
    assert.deepEqual(said(), [[7, 7, '400 mapper: no mapper']])
    refusals.tell({ letters: letters(2, 'mapper'), taken: 2, problem: undefined })
    refusals.stop()
    assert.deepEqual(said(), [[2, 2, '400 mapper: no mapper']])
    mock.timers.tick(20_000)
    assert.deepEqual(said(), [])
  } finally {
    mock.timers.reset()
  }
})

// Scenario: fifty batches in a row, every document of which is refused; the exporter stops.
// Guarantees: a line when it begins and one at the end, which together have every document.
test('an exporter whose documents are all refused says so twice', async () => {
  let lines: readonly unknown[] = []
  await withExporter({ jaeger: { create_mappings: false } }, async (exporter, settings, cluster) => {
    cluster.item = document =>
      document.traceID === undefined
        ? { status: 201 }
        : { status: 400, error: { type: 'document_parsing_exception', reason: 'odd' } }
    for (let i = 0; i < 50; i++) await sendTo(exporter, numberedSpans(2))
    const said = () => settings.log.lines.filter(({ message }) => /never will/.test(message))
    assert.equal(said().length, 1)
    await exporter.stop(performance.now() + 1000)
    lines = said().map(({ level, fields }) => [level, fields['documents'], fields['detail']])
  })
  const detail = '400 document_parsing_exception: odd'
  assert.deepEqual(lines, [
    ['warn', 2, detail],
    ['warn', 98, detail],
  ])
})
